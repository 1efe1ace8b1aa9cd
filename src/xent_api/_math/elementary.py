r"""Exponential and logarithm in arithmetic alone, for libraries that can multiply and add at once.

All arithmetic is in float64, also for results of float32, which are right to 0.5 ulp and a few
thousandths so. With n the integer nearest to x/log 2 and r = x - n*log 2,

.. math:: e^x = 2^n e^r, \qquad \log(1+e) = 2\,\mathrm{artanh}(q), \quad q = e/(2+e).

`fma` is x*y + z, rounded once. The polynomials are by ``tools/make_polynomials.py``, which proves
how far off they are; the lowest powers come first.
"""

from math import inf
from sys import float_info

from .._typing import Array, Namespace
from .sums import two_sum

EXP_SINGLE = (
    0.9999999999830432,
    0.5000000000458416,
    0.16666666873455807,
    0.0416666645366117,
    0.008333268731404624,
    0.0013889154899323164,
    0.0001991469358212685,
    2.473307537355074e-05,
)
"""(exp(r) - 1)/r; exp(r) is off by 8.2e-13."""
EXP_DOUBLE = (
    0.5000000000000011,
    0.16666666666666413,
    0.04166666666653008,
    0.008333333333494524,
    0.0013888888943656104,
    0.0001984126950658938,
    2.4801493068414516e-05,
    2.7557586245852746e-06,
    2.7630260337224263e-07,
    2.5000137651701154e-08,
)
"""(exp(r) - 1 - r)/r**2; exp(r) is off by 1.1e-17."""
LOG1P_SINGLE = (
    2.000000000005027,
    0.6666666622737434,
    0.40000062536226744,
    0.28568102721559874,
    0.22305877374245864,
    0.1711651745760845,
    0.21878673564967654,
)
"""2*artanh(q)/q by powers of q**2, off by 2.6e-12."""
LOG1P_DOUBLE = (
    0.6666666666666631,
    0.4000000000015513,
    0.28571428548116246,
    0.22222223953762768,
    0.1818174447495182,
    0.15386548479199066,
    0.13301120267053124,
    0.1210495351304033,
    0.08344934616963737,
    0.17009823825459489,
)
"""(2*artanh(q)/q - 2)/q**2 by powers of q**2; log(1 + e) is off by 2.4e-18."""

LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""The logarithm of 2 in two parts: n times the first one is exact."""
ROUND = 1.5 * 2.0**52 + 1023.0
"""What is added to it is rounded to an integer n, and has n + 1023 in its last bits: 2**n, once
they are moved to where exponents are."""
LOWEST_SINGLE = -709.09
"""There n is -1023, of which `power_of_two` makes 0. exp(x) is as good as that in float32."""
LOWEST_DOUBLE, SUBNORMAL, SCALE = -746.0, -708.0, 64.0
"""Below the first one exp(x) is 0. Below the second one it is subnormal, and computed 2**SCALE
times as large."""
SMALLEST_SQUARED = 1e-150
"""The square of a smaller number would be subnormal, for which processors take long."""


def exp_of_negative(ops: Namespace, x: Array, *, single: bool, rest: Array | None = None) -> Array:
    """Return exp(x + rest) for x <= 0, with the digits of float32 (`single`) or float64. NaN stays.

    0 where x is so low that n would have too many digits.
    """
    if single:
        x = ops.at_least(x, LOWEST_SINGLE)
    k = ops.fma(x, LOG2_E, ROUND)
    n = k - ROUND
    if single:
        r = ops.fma(n, -LN2, x)
        return ops.fma(r, _polynomial(ops, EXP_SINGLE, r), 1.0) * ops.power_of_two(k)
    high = ops.fma(n, -LN2_HIGH, x)
    r = ops.fma(n, -LN2_LOW, high)
    low = ops.fma(n, -LN2_LOW, high - r)
    tail = ops.fma(r * r, _polynomial(ops, EXP_DOUBLE, r), low)
    value = 1.0 + (r + tail)
    if rest is not None:
        value = 1.0 + (r + ops.fma(value, rest, tail))
    # A result that is subnormal is rounded by one product, the last one.
    tiny = x < SUBNORMAL
    value = value * ops.power_of_two(ops.where(tiny, k + SCALE, k))
    value = ops.where(tiny, value * 2.0**-SCALE, value)
    return ops.where(x < LOWEST_DOUBLE, 0.0, value)


def log1p_minus_product(
    ops: Namespace,
    factor: Array | float | None,
    e: Array,
    x: Array,
    y: Array,
    rest: Array | None,
    *,
    single: bool,
) -> Array:
    """Return factor*log(1 + e) - x*(y + rest) for 0 <= e <= 1; None stands for 1 and for 0.

    What the logarithm and its product are rounded by in float64 is added to the other product.
    """
    if single:  # a polynomial in e would do without the division, and take longer
        q = e / (2.0 + e)
        value = q * _polynomial(ops, LOG1P_SINGLE, q * q)
        return ops.fma(-x, y, value if factor is None else factor * value)
    value, low = _log1p(ops, e)
    if factor is not None:
        high = value
        value = high * factor
        low = ops.fma(low, factor, ops.fma(high, factor, -value))
        low = ops.where(ops.abs(value) == inf, 0.0, low)  # where the product is beyond all numbers
    if rest is not None:
        low = ops.fma(-ops.where(ops.abs(x) < inf, x, 0.0), rest, low)
    return value + ops.fma(-x, y, low)


def _log1p(ops: Namespace, e: Array) -> tuple[Array, Array]:
    """Return log(1 + e) and what it is rounded by.

    By log(1+e) = e - q*(e - q**2*P): what has other rounding errors is at most 0.31 of the result.
    """
    q = _ratio(ops, e, 2.0)
    q = ops.where(q < SMALLEST_SQUARED, SMALLEST_SQUARED, q)
    square = q * q
    rest = ops.fma(-square, _polynomial(ops, LOG1P_DOUBLE, square), e)
    value = ops.fma(-q, rest, e)
    return value, ops.fma(-q, rest, e - value)


def log1p_of_sum(ops: Namespace, r: Array, *, single: bool) -> Array:
    r"""Return log(1 + r) for 0 <= r < 2**50, with the digits of float32 (`single`) or float64.

    With 2**n <= 1 + r < 2**(n + 1), and without a difference where n is 0,

    .. math:: \log(1+r) = n\log 2 + \log(1+f), \quad f = (r - (2^n - 1))/2^n.
    """
    n = ops.exponent(1.0 + r)
    power = ops.power_of_two(ROUND + n)
    rest = r - (power - 1.0)
    if single:
        q = rest / (r + (power + 1.0))  # f/(2 + f)
        return ops.fma(n, LN2, q * _polynomial(ops, LOG1P_SINGLE, q * q))
    value, low = _log1p(ops, rest * ops.power_of_two(ROUND - n))
    return n * LN2_HIGH + (value + ops.fma(n, LN2_LOW, low))


def over_one_plus(ops: Namespace, e: Array, *, single: bool) -> Array:
    """Return e/(1 + e) for 0 <= e <= 1, with the digits of float32 (`single`) or float64."""
    return e / (1.0 + e) if single else _ratio(ops, e, 1.0)


def difference(x: Array, y: Array, *, single: bool) -> tuple[Array, Array | None]:
    """Return x - y for abs(x) <= 1 and y of 0 or 1, and what it is rounded by in float64.

    To add y again gives no other rounding error.
    """
    value = x - y
    return value, None if single else x - (value + y)


def exact_difference(x: Array, y: Array) -> tuple[Array, Array]:
    """Return x - y and what it is rounded by; that is NaN at infinities."""
    return two_sum((x, None), (-y, None))


def quotient_by_reciprocal(ops: Namespace, numerator: Array, denominator: Array) -> Array:
    """Return numerator / denominator, one number for all, with the digits of float32, and 0/0 = 0.

    A division for each element would be the second one, beside that of the gradient. The largest
    number of float64 stands for an infinite reciprocal: 0 times that is 0, and all else is infinite
    in float32. A denominator of -0.0 counts as 0.0, as without kernels.
    """
    reciprocal = 1.0 / (denominator + 0.0)
    reciprocal = ops.where(reciprocal == inf, float_info.max, reciprocal)
    reciprocal = ops.where(reciprocal == -inf, -float_info.max, reciprocal)
    return numerator * reciprocal


def _ratio(ops: Namespace, e: Array, number: float) -> Array:
    """Return e/(number + e), corrected by what the quotient and the sum were rounded by."""
    below = number + e
    reciprocal = 1.0 / below
    q = e * reciprocal
    missing = ops.fma(-q, below, e)
    missing = ops.fma(-q, e - (below - number), missing)
    return ops.fma(missing, reciprocal, q)


def _polynomial(ops: Namespace, coefficients: tuple[float, ...], x: Array) -> Array:
    *others, value = coefficients
    for number in reversed(others):
        value = ops.fma(value, x, number)
    return value
