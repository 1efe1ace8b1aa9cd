"""Elementary functions to 40 digits, the yardstick of float64: in the standard library's decimals.

`decimal` computes `exp` and `ln` to any number of digits, correctly rounded (libmpdec), and shares
nothing with the functions that are measured. ``tests/unit/test_primitives.py`` compares these with
ball arithmetic.
"""

from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

DIGITS = 40
_context = Context(prec=DIGITS + 5, Emax=MAX_EMAX, Emin=MIN_EMIN)
_longer = Context(prec=DIGITS + 25, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""What cancels below is at most 20 digits."""
TINY = Decimal("1e-18")
"""Below it three terms of a series are right to 40 digits and more."""
THIRD = _longer.divide(Decimal(1), Decimal(3))


def exp(x: float) -> Decimal:
    """Return exp(x)."""
    return _context.exp(Decimal(x))


def log(x: float) -> Decimal:
    """Return the natural logarithm of x > 0."""
    return log1p(x - 1.0) if abs(x - 1.0) <= 0.5 else _context.ln(Decimal(x))


def expm1(x: float) -> Decimal:
    """Return exp(x) - 1."""
    value = Decimal(x)
    if abs(value) < TINY:
        return _series(value, Decimal("0.5"), _longer.divide(THIRD, Decimal(2)))
    return _longer.subtract(_longer.exp(value), Decimal(1))


def log1p(x: float) -> Decimal:
    """Return log(1 + x) for x > -1."""
    return _log1p(Decimal(x))


def _log1p(value: Decimal) -> Decimal:
    if abs(value) < TINY:
        return _series(value, Decimal("-0.5"), THIRD)
    return _longer.ln(_longer.add(Decimal(1), value))


def _series(x: Decimal, second: Decimal, third: Decimal) -> Decimal:
    """Return x + second*x^2 + third*x^3."""
    square = _longer.multiply(x, x)
    return _longer.fma(square, _longer.fma(x, third, second), x)


def logaddexp(x: float, y: float) -> Decimal:
    """Return log(exp(x) + exp(y))."""
    large, small = Decimal(max(x, y)), Decimal(min(x, y))
    return _longer.add(large, _log1p(_longer.exp(_longer.subtract(small, large))))


FUNCTIONS: dict[str, Callable[..., Decimal]] = {
    "exp": exp,
    "log1p": log1p,
    "log": log,
    "expm1": expm1,
    "logaddexp": logaddexp,
}


def difference(x: float, y: Decimal) -> Decimal:
    """Return x - y."""
    return _longer.subtract(Decimal(x), y)
