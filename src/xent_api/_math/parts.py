"""What programs have in common."""

from .._typing import Array, DType, Namespace
from .mean import quotient


def cast(xp: Namespace, value: Array, dtype: DType) -> Array:
    """Return the value in a dtype, itself where it has it already."""
    return value if value.dtype == dtype else xp.astype(value, dtype)


def divided(xp: Namespace, value: Array, denominator: Array | float | None) -> Array:
    """Return (a part of) a mean in the dtype of the sum, before it is rounded to a narrower one."""
    if denominator is None:
        return value
    if not isinstance(denominator, float):
        denominator = cast(xp, denominator, value.dtype)
    return quotient(xp, value, denominator)


def row_weights(xp: Namespace, weights: Array | float | None, like: Array) -> Array | None:
    """Return the weights of rows in the dtype of `like`."""
    if weights is None:
        return None
    if isinstance(weights, float):
        return xp.zeros_like(like) + weights
    return cast(xp, weights, like.dtype)


def read(numbers: tuple[tuple[str, str], ...]) -> dict[str, Array]:
    """Return the operands that are Python numbers, from what `float.hex` wrote.

    0.0 and -0.0 are equal, and NaN equals nothing, but programs that are the same have to be equal,
    and no others.
    """
    return {name: float.fromhex(text) for name, text in numbers}
