"""Make the coefficients of ``xent_api/_math/elementary.py``, and prove how far off they are.

    python tools/make_polynomials.py

Prints each polynomial, lowest powers first, and a bound of the relative error that it leaves in
`exp` or `log1p` if nothing else were rounded.

The polynomials are minimax ones: of all of a degree they have the smallest greatest error, relative
to the function that they are for (the exchange of E. Remez, 1934). Rounding the coefficients to
float64 adds a little. The bound is of the rounded ones, and holds for all real arguments: the
error is expanded around the middle of each of `PIECES` intervals, its coefficients are enclosed by
ball arithmetic, and what follows them by that of the whole interval. (From 1e-9 on, where arguments
come down to 0. Below that no error changes by 1e-17.)
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import flint
from mpmath import mp, mpf

SMALLEST, LARGEST = "-0.34663", "0.34664"
"""A little more than half of the logarithm of 2: what is left of an argument of `exp`. (Of unequal
size, so that no node is 0, where an error of one of the polynomials would not matter.)"""
NODES_PER_DEGREE = 40
PIECES = 4096
TERMS = 12


class Wanted(NamedTuple):
    """A polynomial to make: it stands for ``(f(x) - known(x)) / factor(x)``."""

    name: str
    degree: int
    low: str
    high: str
    exact: Callable[[mpf], mpf]
    """What is fitted."""
    share: Callable[[mpf], mpf]
    """What an error of the polynomial is of the function."""
    error: Callable[[flint.arb_series, flint.arb_series], flint.arb_series]
    """Relative error of the function, from the argument and the polynomial's value there."""


def arctangent(w: mpf) -> mpf:
    """Return 2*artanh(q)/q for w = q*q."""
    q = mp.sqrt(w)
    return 2 * mp.atanh(q) / q


def log_quotient(w: flint.arb_series) -> flint.arb_series:
    """Return log((1 + q)/(1 - q))/q for w = q*q."""
    q = w.sqrt()
    return ((1 + q) / (1 - q)).log() / q


WANTED = (
    Wanted(
        "EXP_SINGLE",
        7,
        SMALLEST,
        LARGEST,
        lambda x: mp.expm1(x) / x,
        lambda x: abs(x) * mp.exp(-x),
        lambda x, p: (1 + x * p) * (-x).exp() - 1,
    ),
    Wanted(
        "EXP_DOUBLE",
        9,
        SMALLEST,
        LARGEST,
        lambda x: (mp.exp(x) - 1 - x) / x**2,
        lambda x: x * x * mp.exp(-x),
        lambda x, p: (1 + x + x * x * p) * (-x).exp() - 1,
    ),
    Wanted(
        "LOG1P_SINGLE",
        6,
        "1e-9",
        str(mpf(1) / 9),
        arctangent,
        lambda w: 1 / arctangent(w),
        lambda w, p: p / log_quotient(w) - 1,
    ),
    Wanted(
        "LOG1P_DOUBLE",
        9,
        "1e-9",
        str(mpf(1) / 9),
        lambda w: (arctangent(w) - 2) / w,
        lambda w: w / arctangent(w),
        lambda w, p: (2 + w * p) / log_quotient(w) - 1,
    ),
)


def polynomial(coefficients: list[mpf], x: mpf) -> mpf:
    """Return the value of a polynomial, lowest powers first."""
    value = mpf(0)
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value


def chebyshev(low: mpf, high: mpf, count: int) -> list[mpf]:
    """Return the extrema of a Chebyshev polynomial, moved to an interval."""
    angles = [mp.pi * k / (count - 1) for k in range(count)]
    return [(low + high) / 2 - (high - low) / 2 * mp.cos(angle) for angle in angles]


def extrema(points: list[mpf], errors: list[mpf], count: int) -> list[mpf]:
    """Return where errors of alternating sign are largest."""
    found = [0]
    for k in range(1, len(points)):
        if (errors[k] > 0) != (errors[found[-1]] > 0):
            found.append(k)
        elif abs(errors[k]) > abs(errors[found[-1]]):
            found[-1] = k
    while len(found) > count:
        found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
    return [points[k] for k in found]


def fit(wanted: Wanted) -> list[mpf]:
    """Return the coefficients of the minimax polynomial."""
    low, high, count = mpf(wanted.low), mpf(wanted.high), wanted.degree + 2
    points = chebyshev(low, high, count)
    grid = chebyshev(low, high, NODES_PER_DEGREE * count)
    targets = [(x, wanted.exact(x), wanted.share(x)) for x in grid]
    for _ in range(12):
        rows = [[x**k for k in range(count - 1)] for x in points]
        for sign, row, x in zip([1, -1] * count, rows, points, strict=False):
            row.append(sign / wanted.share(x))
        solution = mp.lu_solve(rows, [wanted.exact(x) for x in points])
        found = list(solution)[:-1]
        errors = [(polynomial(found, x) - y) * share for x, y, share in targets]
        if max(map(abs, errors)) < abs(solution[count - 1]) * mpf("1.01"):
            break
        points = extrema(grid, errors, count)
    return found


def bound(wanted: Wanted, coefficients: list[float]) -> float:
    """Return a proven bound of the relative error."""
    edges = pieces(flint.arb(wanted.low), flint.arb(wanted.high))
    largest = flint.arb(0)
    for low, high in pairwise(edges):
        middle, half = (low + high) / 2, (high - low) / 2
        at_middle = expansion(wanted, coefficients, middle)
        everywhere = expansion(wanted, coefficients, middle + flint.arb(0, half.upper()))
        total = sum((abs(at_middle[k]) * half**k for k in range(TERMS)), flint.arb(0))
        total += abs(everywhere[TERMS]) * half**TERMS
        largest = largest.max(total)
    return float(largest.upper())


def pieces(low: flint.arb, high: flint.arb) -> list[flint.arb]:
    """Return where an interval is cut: evenly, or in equal ratios where it does not reach 0."""
    steps = [flint.arb(k) / PIECES for k in range(PIECES + 1)]
    if low > 0:
        return [low * (high / low) ** step for step in steps]
    return [low + (high - low) * step for step in steps]


def expansion(wanted: Wanted, coefficients: list[float], at: flint.arb) -> list[flint.arb]:
    """Return Taylor coefficients of the relative error, enclosed."""
    x = flint.arb_series([at, 1], TERMS + 1)
    value = flint.arb_series([0], TERMS + 1)
    for coefficient in reversed(coefficients):
        value = value * x + flint.arb(coefficient)
    error = wanted.error(x, value)
    return [error[k] for k in range(TERMS + 1)]


def main() -> None:
    """Print all polynomials."""
    mp.dps = 60
    flint.ctx.prec, flint.ctx.cap = 200, TERMS + 1
    for wanted in WANTED:
        found = [float(value) for value in fit(wanted)]
        print(f"{wanted.name} off by {bound(wanted, found):.3g}: {found}")


if __name__ == "__main__":
    main()
