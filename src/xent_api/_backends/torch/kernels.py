"""The calls of a tape in PyTorch's dialect."""

from functools import partial
from typing import Any

import torch

from ..._graph.blend import choose
from ..._graph.simplify import FEW_DIGITS
from ..._graph.trace import Dialect
from ..._typing import Array, DType, Shape


def _astype(value: Array, *, out: Array) -> Array:
    return out.copy_(value)


def _full_like(_: Array, value: float, *, out: Array) -> Array:
    return out.fill_(value)


def _isnan(value: Array, *, out: Array) -> Array:
    return torch.ne(value, value, out=out)


def _bits(condition: Array, *, out: Array) -> Array | None:
    """Return integers with all bits set where the condition holds; None where it always does.

    (These are tensors on the host: to look at one waits for nothing.)
    """
    found = condition.view(torch.uint8)
    if found.amin():
        return None
    # True is 1 (or any byte but 0, where a mask is a view of something else), and -1 has all bits
    # set. In bytes first: four times fewer than in float32.
    return out.copy_(found.clamp(max=1).view(torch.int8).neg())


def _pick(bits: Array | None, array: Array, number: Array, *, out: Array) -> Array:
    """Return ``where(condition, array, number)``, or the array itself where nothing is replaced.

    torch's own takes 4 ns an element where the condition is unpredictable and 0.6 where it is not,
    the arithmetic on bits 0.3.
    """
    if bits is not None:
        kind = bits.dtype
        choose(torch, bits, array.view(kind), number.view(kind), out.view(kind))
    elif array.shape == out.shape:
        return array
    else:
        out.copy_(array)
    return out


def _guard(r: Array, x: Array, number: Array, *, out: Array) -> Array:
    """Return ``where((abs(x) == inf) & (r == 0), number, x)``."""
    # A sum has no infinities where it is finite, and takes 0.04 ns an element, the maximum of abs
    # 0.12, and the two == and where together ten times as long.
    if x.shape == out.shape and x.sum().isfinite():
        return x
    return out.copy_(torch.where(x.isinf() & (r == 0.0), number, x))


def _sum(value: Array, *, out: Array, axis: int) -> Array:
    """Return the sums over the classes."""
    # A wider dtype takes 0.2 ns an element. float32 takes 0.04 and loses 2 to 4 ulp in rows of 100
    # and more, as in columns of ten, which all gradients of the row would lose.
    return torch.sum(value, axis, keepdim=True, dtype=out.dtype, out=out)


def _all_but_one(e: Array, *, out: Array, axis: int) -> Array:
    """Return the sums over the classes without one of the ones.

    They are not looked for where the whole sum, less 1, has all the digits that are needed.
    """
    _sum(e, out=out, axis=axis).sub_(1.0)
    if not (out < FEW_DIGITS).any():
        return out
    ones = e.floor()
    _sum(e - ones, out=out, axis=axis)
    return out.add_(ones.sum(axis, keepdim=True) - 1.0)


def _max(value: Array, *, out: Array, axis: int) -> Array:
    return torch.amax(value, axis, keepdim=True, out=out)


def _spot(classes: Array, labels: Array, *, out: Array, axis: int) -> Array:
    """Return where the labels are in the memory of a tile; the nearest for those that are nowhere.

    (Their rows are NaN anyway, or masked.)
    """
    count, rows = classes.numel(), labels.numel()
    number = labels.clamp(0, count - 1)
    row = torch.arange(rows, device="cpu").reshape(labels.shape)
    return out.copy_(number * rows + row if axis == 0 else row * count + number)


def _gather(spot: Array, array: Array, *, out: Array) -> Array:
    return out.copy_(array.take(spot))


def _clear(spot: Array, value: Array, *, out: Array) -> Array:
    """Return the value with 0 at the label of each row."""
    if value is not out:
        out.copy_(value)
    out.view(-1).index_fill_(0, spot.view(-1), 0.0)
    return out


def _add_at(spot: Array, one: Array, other: Array, *, out: Array) -> Array:
    """Return `other` with a number of each row added at its label."""
    if other is not out:
        out.copy_(other)
    out.view(-1).scatter_add_(0, spot.view(-1), one.reshape(-1))
    return out


def _spot_within(classes: Array, labels: Array, *, out: Array) -> Array:
    """Return where the labels are in a tile with a piece of each row; -1 for those elsewhere."""
    first, count = int(classes.reshape(-1)[0]), classes.numel()
    there = (labels >= first) & (labels < first + count)
    row = torch.arange(labels.numel(), device="cpu").reshape(labels.shape)
    return out.copy_(torch.where(there, row * count + labels - first, -1))


def _clear_within(spot: Array, value: Array, *, out: Array) -> Array:
    if value is not out:
        out.copy_(value)
    out.view(-1)[spot[spot >= 0]] = 0.0
    return out


def _add_at_within(spot: Array, one: Array, other: Array, *, out: Array) -> Array:
    if other is not out:
        out.copy_(other)
    there = spot >= 0
    out.view(-1)[spot[there]] += one[there]
    return out


def _minus_abs(x: Array, *, out: Array) -> Array:
    return torch.abs(x, out=out).neg_()


def _integer(dtype: DType) -> DType:
    return torch.int32 if dtype == torch.float32 else torch.int64


def _constant(value: Any, dtype: DType) -> Any:
    # The device is named because `torch.set_default_device` would choose another.
    return torch.tensor(value, dtype=dtype, device="cpu") if dtype.is_floating_point else value


def _empty(shape: Shape, dtype: DType) -> Array:
    return torch.empty(shape, dtype=dtype, device="cpu")


def _empty_like(like: Array, dtype: DType) -> Array:
    return torch.empty_like(like, dtype=dtype, requires_grad=False)


def _last_first(array: Array) -> Array:
    return array.movedim(-1, 0)


def _same(dtype: DType) -> DType:
    return dtype


DIALECT = Dialect(
    functions={
        "add": torch.add,
        "subtract": torch.sub,
        "multiply": torch.mul,
        "divide": torch.div,
        "negative": torch.neg,
        "abs": torch.abs,
        "exp": torch.exp,
        "log1p": torch.log1p,
        "isnan": _isnan,
        "equal": torch.eq,
        "not_equal": torch.ne,
        "greater_equal": torch.ge,
        "bitwise_and": torch.bitwise_and,
        "bitwise_invert": torch.bitwise_not,
        "astype": _astype,
        "full_like": _full_like,
        "bits": _bits,
        "pick": _pick,
        "guard": _guard,
        "minus_abs": _minus_abs,
        "floor": torch.floor,
        "less": torch.lt,
        "maximum": torch.maximum,
        "minimum": torch.minimum,
        "sum0": partial(_sum, axis=0),
        "sum1": partial(_sum, axis=1),
        "all_but_one0": partial(_all_but_one, axis=0),
        "all_but_one1": partial(_all_but_one, axis=1),
        "max0": partial(_max, axis=0),
        "max1": partial(_max, axis=1),
        "spot0": partial(_spot, axis=0),
        "spot1": partial(_spot, axis=1),
        "spot_within1": _spot_within,
        "gather": _gather,
        "clear": _clear,
        "clear_within": _clear_within,
        "add_at": _add_at,
        "add_at_within": _add_at_within,
    },
    empty=_empty,
    constant=_constant,
    dtype=_same,
    boolean=torch.bool,
    integer=_integer,
    contiguous=torch.Tensor.is_contiguous,
    empty_like=_empty_like,
    broadcast_to=torch.broadcast_to,
    last_first=_last_first,
    index=torch.int64,
)
