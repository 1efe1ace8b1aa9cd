r"""The logarithm of 1 + e for 0 <= e <= 1, in arithmetic alone.

For libraries whose `log1p` takes one element at a time, or serves all numbers and takes longer than
the rest of the loss: this is 13 vectorized operations in float32 and 25 in float64.

.. math:: \log(1+e) = e - e^2\,\frac{p(e)}{q(e)}

What has rounding errors is subtracted from e, which has none, and is at most 0.44 of the result:
that is right to half an ulp where e is small, and to 1.7 near 1. All coefficients but one tiny one
are positive, so that nothing cancels. (A series in e/(2+e) needs fewer operations in float64, but
uses a quotient twice, for which compilers make a loop of its own. `elementary` has that one, for
kernels, where a product and a sum are one operation.)
"""

from .._typing import Array, Namespace

SINGLE = (
    (0.9545276165008545, 5.963662624359131, 6.621954917907715),
    (1.0, 9.125418663024902, 20.75653076171875, 13.243912696838379),
)
"""Numerator and denominator, highest powers first, by ``tools/make_log1p.py``: off by 0.016 eps."""
DOUBLE = (
    (
        -3.852599841821419e-05,
        0.0014294939515644783,
        0.9513737292346804,
        10.291267504424088,
        35.51766864927459,
        48.21675498559946,
        22.364852955833065,
    ),
    (
        1.0,
        13.679380353760045,
        63.90733392455374,
        132.83936028522976,
        126.25331391227911,
        44.729705911666464,
    ),
)
"""The same for float64: off by 0.057 eps."""


def log1p(e: Array, *, single: bool) -> Array:
    """Return log(1 + e) with the digits of float32 (`single`) or float64."""
    above, below = SINGLE if single else DOUBLE
    return e - e * e * (_polynomial(above, e) / _polynomial(below, e))


def log1p_up_to(ops: Namespace, r: Array, largest: float) -> Array:
    """Return log(1 + r) of float64 for 0 <= r <= `largest`, right to 1e-15.

    By log(1+r) = 2*log(1+s) with s = sqrt(1+r) - 1 = r/(1 + sqrt(1+r)), as often as it takes to
    come below 1: once up to 3, twice up to 15. A small r keeps its digits.
    """
    times = 0
    while largest > 1.0:
        largest = (1.0 + largest) ** 0.5 - 1.0
        r = r / (1.0 + ops.sqrt(1.0 + r))
        times += 1
    return log1p(r, single=False) * 2.0**times


def _polynomial(coefficients: tuple[float, ...], e: Array) -> Array:
    first, second, *others = coefficients
    value = (e if first == 1.0 else e * first) + second
    for number in others:
        value = value * e + number
    return value
