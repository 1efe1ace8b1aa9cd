"""Make the coefficients of ``xent_api/_math/log1p.py``.

    python tools/make_log1p.py

Prints numerator and denominator for both dtypes, and the greatest relative error that they would
leave in ``log1p`` if nothing else were rounded, in eps.

What is fitted on [0, 1] is R in log1p(e) = e - e**2*R(e), by a quotient p/q, by least squares of
p - R*q at Chebyshev's nodes: with the weight that an error of R has in log1p, and that of q as the
last round found it (Sanathanan and Koerner, 1963). One coefficient after the other is then rounded
and held, and the others are fitted once more, which leaves a tenth of the error of rounding all.
"""

from collections.abc import Callable
from functools import reduce

import numpy as np
from mpmath import mp, mpf

ROUNDS = 6
NODES = 80
Coefficients = list[mpf]


def wanted(e: mpf) -> mpf:
    """Return R(e)."""
    return (1 - mp.log1p(e) / e) / e


def weight(e: mpf) -> mpf:
    """Return what an error of R(e) is of log1p(e)."""
    return e * e / mp.log1p(e)


def polynomial(coefficients: Coefficients, e: mpf) -> mpf:
    """Return the value of a polynomial, the coefficients of which come highest powers first.

    ``mpmath.polyval`` takes them in this order with a warning from mpmath 1.4 on, and in the
    other one not before.
    """
    return reduce(lambda total, coefficient: total * e + coefficient, coefficients, mpf(0))


def quotient(found: Coefficients, above: int, e: mpf) -> mpf:
    """Return p/q, the coefficients of which come together, highest powers first."""
    return polynomial(found[: above + 1], e) / denominator(found, above, e)


def denominator(found: Coefficients, above: int, e: mpf) -> mpf:
    """Return q, which begins with 1."""
    return polynomial([mpf(1), *found[above + 1 :]], e)


def fit(above: int, below: int, held: Coefficients) -> Coefficients:
    """Return the coefficients of degrees `above` and `below`, of which the last ones are `held`."""
    nodes = [(1 - mp.cos(mp.pi * (2 * k + 1) / (2 * NODES))) / 2 for k in range(NODES)]
    scale = [mpf(1)] * NODES
    free = above + 1 + below - len(held)
    for _ in range(ROUNDS):
        rows, right = [], []
        for e, by in zip(nodes, scale, strict=True):
            u, r = weight(e) / by, wanted(e)
            row = [u * e**k for k in range(above, -1, -1)]
            row += [-u * r * e**k for k in range(below - 1, -1, -1)]
            rows.append(row[:free])
            known = sum((a * b for a, b in zip(row[free:], held, strict=True)), mpf(0))
            right.append(u * r * e**below - known)
        found = [*mp.lu_solve(rows, right), *held]
        scale = [denominator(found, above, e) for e in nodes]
    return found


def rounded(above: int, below: int, nearest: Callable[[mpf], float]) -> list[float]:
    """Return coefficients of a dtype."""
    held: Coefficients = []
    for _ in range(above + 1 + below):
        last = fit(above, below, held)[above + below - len(held)]
        held.insert(0, mpf(nearest(last)))
    return [float(number) for number in held]


def worst(found: list[float], above: int) -> mpf:
    """Return the greatest relative error of log1p."""
    points = (mpf(k) / 1000 for k in range(1, 1001))
    return max(abs(quotient(found, above, e) - wanted(e)) * weight(e) for e in points)


def main() -> None:
    """Print all coefficients."""
    mp.dps = 80
    found = rounded(2, 3, lambda number: float(np.float32(float(number))))
    print(f"SINGLE {found[:3]} {[1.0, *found[3:]]}: {mp.nstr(worst(found, 2) * 2**23, 2)} eps")
    found = rounded(6, 5, float)
    print(f"DOUBLE {found[:7]} {[1.0, *found[7:]]}: {mp.nstr(worst(found, 6) * 2**52, 2)} eps")


if __name__ == "__main__":
    main()
