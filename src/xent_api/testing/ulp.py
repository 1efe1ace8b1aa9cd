"""Distances in units in the last place (ulp)."""

import math
from fractions import Fraction
from functools import cache
from typing import TypeAlias

from .._checks.dtypes import FLOATING

Exact: TypeAlias = Fraction | float | str
"""An exact number: a Fraction, a float (which is exact), or decimal digits."""


def ulp_error(actual: float, exact: Exact, dtype: str) -> float:
    """Return the distance of `actual` from `exact` in ulp of the dtype at `exact`.

    An ulp is the distance between the two numbers of the dtype that enclose the exact value, so
    that correct rounding has an error of at most 0.5.

    Parameters
    ----------
    actual : float
        A number of the dtype, also as a scalar of a library: the float64 of Python holds those of
        every dtype exactly.
    exact : Fraction, float or str
        The exact value; "inf", "-inf" and "nan" are allowed.
    dtype : str
        "float16", "bfloat16", "float32" or "float64".

    Returns
    -------
    float
        0 for equal infinities and for NaN where NaN is exact; infinite for any other difference
        between numbers that are not finite. A result of 0 for an exact value below the smallest
        normal number counts as 0 ulp: hardware may flush subnormal numbers.

    Examples
    --------
    >>> ulp_error(1.0 + 2**-23, 1.0, "float32")
    1.0
    >>> round(ulp_error(0.0, "2.061153618190203581e-9", "float32"))
    9282611
    """
    if dtype not in FLOATING:
        raise ValueError(f"`dtype` must be one of {', '.join(FLOATING)}; got {dtype!r}")
    actual = float(actual)
    if not isinstance(exact, (Fraction, str)):
        exact = float(exact)
    if isinstance(exact, str) and exact.lstrip("+-") in ("inf", "nan"):
        exact = float(exact)
    if isinstance(exact, float) and not math.isfinite(exact):
        same = math.isnan(actual) if math.isnan(exact) else actual == exact
        return 0.0 if same else math.inf
    if not math.isfinite(actual):
        return math.inf
    digits, least, _ = FLOATING[dtype]
    value = Fraction(exact)
    smallest_normal = power(least + digits - 1)
    if actual == 0.0 and abs(value) < smallest_normal:
        return 0.0
    error = abs(Fraction(actual) - value) / spacing(value, dtype)
    return float(min(error, Fraction(10) ** 300))  # more than that is no float


def spacing(value: Fraction, dtype: str) -> Fraction:
    """Return the distance between the numbers of the dtype that enclose `value`."""
    digits, least, _ = FLOATING[dtype]
    if value == 0:
        return power(least)
    above, below = abs(value.numerator), value.denominator
    exponent = above.bit_length() - below.bit_length()
    # That is right if the denominator is a power of 2, and right or one too large else.
    if below & (below - 1) and abs(value) < power(exponent):
        exponent -= 1
    return power(max(exponent - digits + 1, least))


@cache
def smallest_normal(dtype: str) -> float:
    """Return the smallest normal number of a dtype."""
    digits, least, _ = FLOATING[dtype]
    return math.ldexp(1.0, least + digits - 1)


@cache
def power(exponent: int) -> Fraction:
    """Return a power of 2."""
    return Fraction(2) ** exponent
