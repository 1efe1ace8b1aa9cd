"""The calls of a tape in NumPy's dialect."""

from typing import Any

import numpy as np

from .._typing import Array, DType
from .bits import choose
from .tape import Dialect


def _astype(value: Array, *, out: Array) -> Array:
    np.copyto(out, value, casting="unsafe")
    return out


def _full_like(_: Array, value: float, *, out: Array) -> Array:
    out.fill(value)
    return out


def _keep(condition: Array, array: Array, number: Array, *, out: Array) -> Array:
    """Return ``where(condition, array, number)``, or the array itself where nothing is replaced.

    NumPy's own takes 4 ns an element where the condition is unpredictable. Here it is 0.3 ns by
    arithmetic on the bits, and 0.05 where the condition holds everywhere.
    """
    # In bytes, because any byte but 0 is true where a mask is a view of something else.
    if array.shape == out.shape and np.count_nonzero(condition.view("u1")) == condition.size:
        return array
    return _chosen(condition, array, number, out)


def _replace(condition: Array, array: Array, number: Array, *, out: Array) -> Array:
    """Return ``where(condition, number, array)``, or the array itself where nothing is replaced."""
    if array.shape == out.shape and not np.count_nonzero(condition):
        return array
    return _chosen(~condition, array, number, out)


def _guard(r: Array, x: Array, number: Array, *, out: Array) -> Array:
    """Return ``where((abs(x) == inf) & (r == 0), number, x)``."""
    infinite = np.isinf(x)
    if not np.count_nonzero(infinite):
        return x
    return _chosen(~(infinite & (r == 0)), x, number, out)


def _chosen(condition: Array, array: Array, number: Array, out: Array) -> Array:
    kind = f"i{array.itemsize}"
    bits, source, pattern = out.view(kind), array.view(kind), number.view(kind)
    # True is 1, and -1 has all bits set. In bytes first: four times fewer than in float32.
    np.copyto(bits, np.negative((condition.view("u1") != 0).view("i1")))
    choose(np, bits, source, pattern)
    return out


def _constant(value: Any, dtype: DType) -> Any:
    # What a ufunc would make of a Python number at each call.
    return np.asarray(value, dtype) if dtype.kind == "f" else value


def _contiguous(array: Array) -> bool:
    return bool(array.flags.c_contiguous)


UFUNCS = (
    "add subtract multiply divide abs exp log1p isnan equal not_equal greater_equal bitwise_and"
)
DIALECT = Dialect(
    functions={name: getattr(np, name) for name in UFUNCS.split()}
    | {"bitwise_invert": np.invert, "astype": _astype, "full_like": _full_like}
    | {"keep": _keep, "replace": _replace, "guard": _guard},
    empty=np.empty,
    constant=_constant,
    dtype=np.dtype,
    boolean=np.dtype(bool),
    contiguous=_contiguous,
)
