"""Division by a denominator that may be 0 when nothing was counted."""

from .._typing import Array, Namespace


def quotient(xp: Namespace, numerator: Array, denominator: Array | float) -> Array:
    """Return numerator / denominator with 0/0 = 0; anything else is IEEE division.

    The 0/0 is taken out of the denominator, before the division, so that automatic differentiation
    meets no NaN either.

    The denominator gets the shape of the numerator first. `where` wants an array, and XLA and CUDA
    divide by a single number by multiplying with its rounded reciprocal, so that the same mean
    would differ by a bit between a denominator that is a Python number and one that was counted.
    """
    if isinstance(denominator, float) and abs(denominator) >= 1.0:
        # A count: in no dtype is it 0.
        return numerator / (xp.zeros_like(numerator) + denominator)
    denominator = xp.zeros_like(numerator) + denominator
    empty = (numerator == 0) & (denominator == 0)
    return numerator / xp.where(empty, 1.0, denominator)
