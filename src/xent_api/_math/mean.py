"""Division by a denominator that may be 0 when nothing was counted."""

from .._typing import Array, Namespace


def divided(ops: Namespace, value: Array, denominator: Array | float | None) -> Array:
    """Return (a part of) a mean in the dtype of the sum, before it is rounded to a narrower one."""
    if denominator is None:
        return value
    if not isinstance(denominator, float):
        denominator = ops.cast(denominator, value.dtype)
    return ops.quotient(value, denominator)
