"""NumPy's kernels: what the nodes of a graph call."""

from typing import Any

import numpy as np

from ..._graph.kernels import KernelTable, blend, for_both_axes
from ..._math.sums import MIN_SUM_BESIDE_1
from ..._typing import Array, DType


def _astype(value: Array, *, out: Array) -> Array:
    np.copyto(out, value, casting="unsafe")
    return out


def _full_like(_: Array, value: float, *, out: Array) -> Array:
    out.fill(value)
    return out


BYTE = np.dtype(np.uint8)
SIGN: dict[int, Array] = {4: np.asarray(-(2**31), "i4"), 8: np.asarray(-(2**63), "i8")}
"""Size of a number → an integer of which the first bit alone is set."""


def _lane_mask(condition: Array, *, out: Array) -> Array | None:
    """Return integers with all bits set where the condition holds; None where it always does."""
    # In bytes, because any byte but 0 is true where a mask is a view of something else.
    found = condition.view(BYTE)
    if np.count_nonzero(found) == condition.size:
        return None
    # True is 1, and -1 has all bits set. In bytes first: four times fewer than in float32.
    np.copyto(out, np.negative((found != 0).view("i1")))
    return out


def _select(mask: Array | None, array: Array, number: Array, *, out: Array) -> Array:
    """Return ``where(condition, array, number)``, or the array itself where nothing is replaced.

    NumPy's own takes 4 ns an element where the condition is unpredictable. Here it is 0.1 ns by
    arithmetic on the bits of the numbers, and 0.2 for those of the condition, which serve all
    choices; next to nothing where the condition holds everywhere.
    """
    if mask is not None:
        kind = mask.dtype
        blend(np, mask, array.view(kind), number.view(kind), out.view(kind))
    elif array.shape == out.shape:
        return array
    else:
        np.copyto(out, array)
    return out


def _zero_if_infinite(factor: Array, x: Array, number: Array, *, out: Array) -> Array:
    """Return ``where((abs(x) == inf) & (factor == 0), number, x)``."""
    infinite = np.isinf(x)
    # The first one that is infinite, or the first of all. `any` takes three times as long.
    if not infinite.size or not infinite.item(infinite.argmax()):
        return x
    np.copyto(out, np.where(infinite & (factor == 0), number, x))
    return out


MINUS = {4: np.asarray(-1.0, "f4"), 8: np.asarray(-1.0, "f8")}


def _neg_abs(x: Array, *, out: Array) -> Array:
    if x.size < 256:  # 0.5 us a call instead of 1.5; but 1.2 ns an element instead of 0.2
        return np.copysign(x, MINUS[x.itemsize], out=out)
    first = SIGN[x.itemsize]
    np.bitwise_or(x.view(first.dtype), first, out=out.view(first.dtype))
    return out


def _sum(value: Array, *, out: Array, axis: int) -> Array:
    """Return the sums over the classes."""
    if axis == 1:
        return _sum_rows(value, out)
    return np.add.reduce(value, axis=0, keepdims=True, dtype=out.dtype, out=out)


def _sum_rows(value: Array, out: Array) -> Array:
    """Return the sums of rows, in a wider dtype by `einsum`: in 0.21 ns an element.

    `np.add.reduce` takes 0.28 to 0.40. Vectors in float32 take 0.05 and lose up to 1.2 ulp, which
    all gradients of the row would lose.
    """
    np.einsum("ij->i", value, dtype=out.dtype, out=out[:, 0])
    return out


def _max(value: Array, *, out: Array, axis: int) -> Array:
    """Return the largest of each row: by its index, which takes a third of the time in rows."""
    if axis == 1 and value.flags.c_contiguous:
        spot = value.argmax(axis=1)
        spot += np.arange(0, value.size, value.shape[1])
        out[:, 0] = value.reshape(-1)[spot]
        return out
    return np.maximum.reduce(value, axis=axis, keepdims=True, out=out)


def _sum_excluding_max(e: Array, *, out: Array, axis: int) -> Array:
    """Return the sums over the classes without one of the ones.

    They are not looked for where the whole sum, less 1, has all the digits that are needed.
    """
    _sum(e, out=out, axis=axis)
    out -= 1.0
    confident = np.flatnonzero(out < MIN_SUM_BESIDE_1)
    if confident.size * 4 > out.size:
        return _sum_without_one(e, out, axis)
    if confident.size:
        sums = np.empty((1, confident.size) if axis == 0 else (confident.size, 1), out.dtype)
        rest = _sum_without_one(e.take(confident, axis=1 - axis), sums, axis)
        out.reshape(-1)[confident] = rest.reshape(-1)
    return out


def _sum_without_one(e: Array, out: Array, axis: int) -> Array:
    """Return the same by what is fastest: all ones in columns, the first one of each row."""
    if axis == 0:
        ones = np.floor(e)
        _sum(e - ones, out=out, axis=0)
        out += np.add.reduce(ones, axis=0, keepdims=True) - 1.0
        return out
    spot = e.argmax(axis=1, keepdims=True)
    ones = np.take_along_axis(e, spot, axis=1)
    np.put_along_axis(e, spot, 0.0, axis=1)
    _sum(e, out=out, axis=1)
    np.put_along_axis(e, spot, ones, axis=1)
    out += ones - 1.0  # NaN where a row has no one
    return out


def _label_index(classes: Array, labels: Array, *, out: Array, axis: int) -> Array:
    """Return where the labels are in the memory of a tile; the nearest for those that are nowhere.

    (Their rows are NaN anyway, or masked.)
    """
    count, rows = classes.size, labels.size
    np.maximum(labels, 0, out=out)
    np.minimum(out, count - 1, out=out)
    if axis == 0:
        out *= rows
        out += np.arange(rows)
    else:
        out += np.arange(0, rows * count, count)[:, None]
    return out


def _take_label(index: Array, array: Array, *, out: Array) -> Array:
    out[...] = array.reshape(-1)[index]
    return out


def _take_class(labels: Array, values: Array, *, out: Array) -> Array:
    np.take(values.reshape(-1), labels, mode="clip", out=out)
    return out


def _zero_at_label(index: Array, value: Array, *, out: Array) -> Array:
    """Return the value with 0 at the label of each row."""
    if value is not out:
        np.copyto(out, value)
    out.reshape(-1)[index] = 0.0
    return out


def _set_at_label(index: Array, value: Array, x: Array, *, out: Array) -> Array:
    """Return x with a value of each row at its label."""
    if x is not out:
        value = value.copy() if value is out else value  # as may be where there is one class
        np.copyto(out, x)
    out.reshape(-1)[index] = value
    return out


def _constant(value: Any, dtype: DType) -> Any:
    # What a ufunc would make of a Python number at each call.
    return np.asarray(value, dtype) if dtype.kind == "f" else value


def _contiguous(array: Array) -> bool:
    return bool(array.flags.c_contiguous)


ARITHMETIC = "add subtract multiply divide negative abs exp floor log1p minimum"
LOGIC = "isnan equal not_equal greater_equal less bitwise_and bitwise_or bitwise_invert"
KERNELS = KernelTable(
    kernels={
        **{name: getattr(np, name) for name in f"{ARITHMETIC} {LOGIC}".split()},
        "astype": _astype,
        "full_like": _full_like,
        "lane_mask": _lane_mask,
        "select": _select,
        "zero_if_infinite": _zero_if_infinite,
        "neg_abs": _neg_abs,
        "take_class": _take_class,
        "take_label": _take_label,
        "zero_at_label": _zero_at_label,
        "set_at_label": _set_at_label,
        **for_both_axes(
            sum=_sum,
            max=_max,
            sum_excluding_max=_sum_excluding_max,
            label_index=_label_index,
        ),
    },
    empty=np.empty,
    constant=_constant,
    dtype=np.dtype,
    boolean=np.dtype(bool),
    integer=lambda dtype: np.dtype(f"i{dtype.itemsize}"),
    contiguous=_contiguous,
    empty_like=lambda like, dtype: np.empty_like(like, dtype, subok=False),
    broadcast_to=np.broadcast_to,
    last_first=lambda array: np.moveaxis(array, -1, 0),
    index=np.dtype(np.intp),
)


def _log1p_in_vectors() -> bool:
    """Tell whether NumPy has vector instructions of this machine for `log1p` in float32."""
    kinds = np.lib.introspect.opt_func_info(func_name="^log1p$").get("log1p", {})
    return not kinds.get("ff", {"current": "baseline"})["current"].startswith("baseline")


LONG_KERNELS = KERNELS
"""The table for more than a few elements. NumPy has vectors for `log1p` with AVX-512 alone, and
else takes 12 ns an element of float32, as long as all other calls of the loss together with what
`log1p` is made of then (AMD EPYC 7003). In float64 that takes as long as NumPy's own."""
if not _log1p_in_vectors():
    LONG_KERNELS = KERNELS._replace(no_log1p=frozenset({np.dtype(np.float32)}))
