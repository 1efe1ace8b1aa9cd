"""The accuracy that the package promises, as the error that each point may have.

The bars are those of the public contract: 4 ulp for loss, Hessian and the gradient at hard labels
in float32 and float64, 4 eps*max(sigmoid(x), z) for the gradient at soft labels, 0.51 ulp for
float16 and bfloat16, which are computed in float32; 2 ulp more with weights or `pos_weight`.
"""

import math
from fractions import Fraction

from .._checks.dtypes import FLOATING, compute_name
from .ulp import power, spacing
from .vectors import Vector

ROUNDING = Fraction(51, 100)
"""Of float16 and bfloat16, in ulp: one rounding, and what is left of the float32 error."""


def allowed(vector: Vector, quantity: str) -> Fraction:
    """Return the largest error that is within the bar, as an absolute number."""
    exact = getattr(vector, quantity)
    if not isinstance(exact, Fraction):
        return Fraction(0)
    if quantity == "gradient" and not vector.hard:
        bound = _soft_gradient(vector)
    else:
        bound = _ulps(vector) * spacing(exact, compute_name(vector.dtype))
    bound += _flushed(vector)
    if vector.dtype in ("float16", "bfloat16"):
        narrow = ROUNDING * spacing(exact, vector.dtype)
        # Plain results are held to the narrow bar alone, of which the float32 error is 1/1000.
        return narrow if vector.plain and quantity != "gradient" else narrow + bound
    return bound


def _ulps(vector: Vector) -> int:
    return 6 if vector.pos_weight != 1.0 or vector.weight != 1.0 else 4


def _soft_gradient(vector: Vector) -> Fraction:
    """Return 4 eps max(sigmoid(x), z) with each of the two times its coefficient of the loss."""
    x, z, a = vector.logit, vector.label, vector.smoothing
    sigma = 1.0 / (1.0 + math.exp(-x)) if x > -700 else 0.0
    smooth = z * (1.0 - a) + a / 2
    positive = vector.pos_weight * smooth
    size = vector.weight * max(sigma * (1.0 - smooth + positive), positive)
    digits = FLOATING[compute_name(vector.dtype)].digits
    return _ulps(vector) * Fraction(size) * power(1 - digits)


def normal(vector: Vector) -> bool:
    """Tell whether no intermediate result is subnormal: only then are the bars promised."""
    smallest = _smallest_normal(vector)
    return math.exp(-abs(vector.logit)) >= smallest and (
        vector.label == 0.0 or abs(vector.label) >= smallest
    )


def _flushed(vector: Vector) -> Fraction:
    """Return what is lost where exp(-abs(x)) or what a tiny label contributes is flushed to 0."""
    if normal(vector):
        return Fraction(0)
    factor = Fraction(max(1.0, vector.weight) * max(1.0, vector.pos_weight))
    return _smallest_normal(vector) * factor * Fraction(max(1.0, min(abs(vector.logit), 1e3)))


def _smallest_normal(vector: Vector) -> Fraction:
    digits, least, _ = FLOATING[compute_name(vector.dtype)]
    return power(least + digits - 1)


def allowed_mean(exact: Fraction, count: int, dtype: str) -> Fraction:
    """Return the largest error of the mean of so many losses that is within the bar.

    4 ulp of the losses; and where they are not added up in a wider dtype, the bound of a sum of
    sqrt(count) sums, half an eps for each of 2*sqrt(count) additions on the way of a number. One
    after the other there are `count` of them. (N. Higham, Accuracy and Stability of Numerical
    Algorithms, 4.2.)
    """
    compute = compute_name(dtype)
    steps = math.isqrt(count) if compute == "float64" else 0
    bound = (4 + steps) * spacing(exact, compute)
    return bound if dtype == compute else bound + ROUNDING * spacing(exact, dtype)
