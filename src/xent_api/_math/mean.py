"""Division by a denominator that may be 0 when nothing was counted."""

from .._typing import Array, Namespace


def divided(ops: Namespace, value: Array, denominator: Array | float | None) -> Array:
    """Return (a part of) a mean in the dtype of the sum, before it is rounded to a narrower one."""
    if denominator is None:
        return value
    if not isinstance(denominator, float):
        denominator = ops.cast(denominator, value.dtype)
    return quotient(ops, value, denominator)


def quotient(ops: Namespace, numerator: Array, denominator: Array | float) -> Array:
    """Return numerator / denominator with 0/0 = 0; anything else is IEEE division.

    The 0/0 is taken out of the denominator, before the division, so that automatic differentiation
    meets no NaN either.
    """
    if isinstance(denominator, float) and abs(denominator) >= 1.0:
        return ops.divided_by(numerator, denominator)  # A count: in no dtype is it 0.
    denominator = ops.zeros_like(numerator) + denominator  # `where` wants an array
    empty = ops.is_zero(numerator) & ops.is_zero(denominator)
    return numerator / ops.where(empty, 1.0, denominator)
