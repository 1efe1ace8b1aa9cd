"""Division by a denominator that may be 0 when nothing was counted."""

from .._typing import Array, Namespace


def quotient(xp: Namespace, numerator: Array, denominator: Array | float) -> Array:
    """Return numerator / denominator with 0/0 = 0; anything else is IEEE division.

    The 0/0 is taken out of the denominator, before the division, so that automatic differentiation
    meets no NaN either.
    """
    if isinstance(denominator, (int, float)):
        if denominator != 0:
            return numerator / denominator
        return numerator / xp.astype(numerator == 0, numerator.dtype)
    empty = (numerator == 0) & (denominator == 0)
    return numerator / xp.where(empty, 1.0, denominator)
