"""Calls of the standard that are no ufuncs of NumPy, with an `out` like theirs."""

from typing import Any

import numpy as np

from .._typing import Array, DType


def cast(value: Array, dtype: DType, out: Array | None = None) -> Array:
    """Return the value in another dtype."""
    if out is None:
        return value.astype(dtype)
    np.copyto(out, value, casting="unsafe")
    return out


def fill(like: Array, value: float, out: Array | None = None) -> Array:
    """Return an array of one value."""
    if out is None:
        return np.full_like(like, value)
    out.fill(value)
    return out


def choose(condition: Array, one: Any, other: Any, out: Array | None = None) -> Array:
    """Return ``where(condition, one, other)``, one of which is a number.

    NumPy's own takes 4 ns an element where the condition is unpredictable. Here it is 0.3 ns by
    arithmetic on the bits, and next to nothing where one of the two is everywhere (``out`` is then
    left as it was): no position is masked, or no product needs its guard.
    """
    array, number = (other, one) if isinstance(one, float) else (one, other)
    everywhere = condition.all() if array is one else not condition.any()
    shape = np.broadcast_shapes(condition.shape, array.shape) if out is None else out.shape
    if everywhere and array.shape == shape:
        return array
    if not isinstance(number, float) or array.dtype.kind != "f":
        return np.where(condition, one, other)
    if array is not one:
        condition = ~condition
    if out is None:
        out = np.empty(shape, array.dtype)
    # True is 1, and -1 has all bits set. In bytes first: four times fewer than in float32.
    kind = f"i{array.itemsize}"
    bits = out.view(kind)
    np.copyto(bits, np.negative(condition.view("i1")))
    source = array.view(kind)
    if number:
        pattern = np.asarray(number, array.dtype).view(kind)
        np.bitwise_and(bits, np.bitwise_xor(source, pattern), out=bits)
        np.bitwise_xor(bits, pattern, out=bits)
    else:
        np.bitwise_and(bits, source, out=bits)
    return out
