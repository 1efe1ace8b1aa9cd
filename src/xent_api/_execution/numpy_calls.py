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


BYTE = np.dtype(np.uint8)
SIGN: dict[int, Array] = {4: np.asarray(-(2**31), "i4"), 8: np.asarray(-(2**63), "i8")}
"""Size of a number → an integer of which the first bit alone is set."""


def _bits(condition: Array, *, out: Array) -> Array | None:
    """Return integers with all bits set where the condition holds; None where it always does."""
    # In bytes, because any byte but 0 is true where a mask is a view of something else.
    found = condition.view(BYTE)
    if np.count_nonzero(found) == condition.size:
        return None
    # True is 1, and -1 has all bits set. In bytes first: four times fewer than in float32.
    np.copyto(out, np.negative((found != 0).view("i1")))
    return out


def _pick(bits: Array | None, array: Array, number: Array, *, out: Array) -> Array:
    """Return ``where(condition, array, number)``, or the array itself where nothing is replaced.

    NumPy's own takes 4 ns an element where the condition is unpredictable. Here it is 0.1 ns by
    arithmetic on the bits of the numbers, and 0.2 for those of the condition, which serve all
    choices; next to nothing where the condition holds everywhere.
    """
    if bits is not None:
        kind = bits.dtype
        choose(np, bits, array.view(kind), number.view(kind), out.view(kind))
    elif array.shape == out.shape:
        return array
    else:
        np.copyto(out, array)
    return out


def _guard(r: Array, x: Array, number: Array, *, out: Array) -> Array:
    """Return ``where((abs(x) == inf) & (r == 0), number, x)``."""
    infinite = np.isinf(x)
    if not np.count_nonzero(infinite):
        return x
    np.copyto(out, np.where(infinite & (r == 0), number, x))
    return out


def _minus_abs(x: Array, *, out: Array) -> Array:
    first = SIGN[x.itemsize]
    np.bitwise_or(x.view(first.dtype), first, out=out.view(first.dtype))
    return out


def _constant(value: Any, dtype: DType) -> Any:
    # What a ufunc would make of a Python number at each call.
    return np.asarray(value, dtype) if dtype.kind == "f" else value


def _contiguous(array: Array) -> bool:
    return bool(array.flags.c_contiguous)


ARITHMETIC = "add subtract multiply divide negative abs exp log1p"
LOGIC = "isnan equal not_equal greater_equal bitwise_and"
DIALECT = Dialect(
    functions={name: getattr(np, name) for name in f"{ARITHMETIC} {LOGIC}".split()}
    | {"bitwise_invert": np.invert, "astype": _astype, "full_like": _full_like}
    | {"bits": _bits, "pick": _pick, "guard": _guard, "minus_abs": _minus_abs},
    empty=np.empty,
    constant=_constant,
    dtype=np.dtype,
    boolean=np.dtype(bool),
    integer=lambda dtype: np.dtype(f"i{dtype.itemsize}"),
    contiguous=_contiguous,
)
