"""Print the exact values of the documented examples, from mpmath at 500 digits.

Independent of the package: the textbook formula as it is documented, with no rewrite, at a number
of digits at which nothing that cancels is lost. The figures in
``src/xent_api/testing/documented.py`` are what this prints; a test runs it again.
"""

import mpmath

DIGITS = 500

# Ten numbers in [0, 1), as Paddle's example draws them, that every dtype holds exactly.
PADDLE_X = [0.125, 0.75, 0.5, 0.0, 0.875, 0.25, 0.625, 0.375, 0.0625, 0.9375]
PADDLE_LABEL = [0.5, 1, -1, 0, 0.25, -1, 0.75, 0.125, 1, 0]


def loss(x: float, z: mpmath.mpf) -> mpmath.mpf:
    """Return -z*log(sigmoid(x)) - (1-z)*log(1-sigmoid(x))."""
    p = 1 / (1 + mpmath.exp(-mpmath.mpf(x)))
    return -z * mpmath.log(p) - (1 - z) * mpmath.log(1 - p)


def sigmoid(x: float) -> mpmath.mpf:
    """Return 1/(1+exp(-x))."""
    return 1 / (1 + mpmath.exp(-mpmath.mpf(x)))


def digits(values: list[mpmath.mpf]) -> list[str]:
    """Return the values to 40 digits."""
    return [mpmath.nstr(v, 40) for v in values]


def examples() -> dict[str, list[str]]:
    """Return the exact losses by the name of the case."""
    with mpmath.workdps(DIGITS):  # not for the process: mparray computes in the same context
        return _examples()


def _examples() -> dict[str, list[str]]:
    tensorflow = zip([1, -1, 0, 1, -1, 0, 0], [0, 0, 0, 1, 1, 1, mpmath.mpf("0.5")], strict=True)
    binary = zip([1, -1, 0], [1, 1, 0], strict=True)
    hard = zip([1, 2, 3, 4, 5, 6], [1, 0, 0, 0, 1, 0], strict=True)
    # The labels are rounded to float32, as the tutorial's are, before the loss is taken.
    soft = zip([1, 2, 3, 4, 5, 6], map(single, [-1, 2, 0, 3, 1, -4]), strict=True)
    rows = {"tensorflow": tensorflow, "tensorflow-binary": binary, "tutorial": hard}
    found = {name: digits([loss(x, mpmath.mpf(z)) for x, z in row]) for name, row in rows.items()}
    found["tutorial-soft"] = digits([loss(x, z) for x, z in soft])
    for name in ("tutorial", "tutorial-soft"):
        found[f"{name}-mean"] = digits([mpmath.fsum(mpmath.mpf(v) for v in found[name]) / 6])
    found["confident"] = digits([loss(40, mpmath.mpf(1))])
    kept = [(x, mpmath.mpf(z)) for x, z in zip(PADDLE_X, PADDLE_LABEL, strict=True) if z != -1]
    found["paddle-kept"] = digits([loss(x, z) for x, z in kept])
    found["paddle-kept-normalized"] = digits([loss(x, z) / len(kept) for x, z in kept])
    found["sigmoid-labels"] = [mpmath.nstr(single(x), 20) for x in [-1, 2, 0, 3, 1, -4]]
    return found


def single(x: float) -> mpmath.mpf:
    """Return sigmoid(x), rounded to a significand of 24 bits."""
    with mpmath.workprec(24):
        return +sigmoid_exact(x)


def sigmoid_exact(x: float) -> mpmath.mpf:
    """Return sigmoid(x) at the full number of digits, whatever the context's."""
    with mpmath.workdps(DIGITS):
        return sigmoid(x)


if __name__ == "__main__":
    for case, values in examples().items():
        print(case)
        for value in values:
            print("   ", value)
