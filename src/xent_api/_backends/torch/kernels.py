"""PyTorch's kernels: what the nodes of a graph call."""

from typing import Any

import torch

from ..._graph.kernels import KernelTable, blend, for_both_axes
from ..._math.sums import MIN_SUM_BESIDE_1
from ..._typing import Array, DType, Shape


def _astype(value: Array, *, out: Array) -> Array:
    return out.copy_(value)


def _full_like(_: Array, value: float, *, out: Array) -> Array:
    return out.fill_(value)


def _isnan(value: Array, *, out: Array) -> Array:
    return torch.ne(value, value, out=out)


def _lane_mask(condition: Array, *, out: Array) -> Array | None:
    """Return integers with all bits set where the condition holds; None where it always does.

    (These are tensors on the host: to look at one waits for nothing.)
    """
    found = condition.view(torch.uint8)
    if found.amin():
        return None
    # True is 1 (or any byte but 0, where a mask is a view of something else), and -1 has all bits
    # set. In bytes first: four times fewer than in float32.
    return out.copy_(found.clamp(max=1).view(torch.int8).neg())


def _select(mask: Array | None, array: Array, number: Array, *, out: Array) -> Array:
    """Return ``where(condition, array, number)``, or the array itself where nothing is replaced.

    torch's own takes 4 ns an element where the condition is unpredictable and 0.6 where it is not,
    the arithmetic on bits 0.3.
    """
    if mask is not None:
        kind = mask.dtype
        source = array.view(kind).expand(out.shape)
        blend(torch, mask, source, number.view(kind), out.view(kind))
    elif array.shape == out.shape:
        return array
    else:
        out.copy_(array)
    return out


def _zero_if_infinite(factor: Array, x: Array, number: Array, *, out: Array) -> Array:
    """Return ``where((abs(x) == inf) & (factor == 0), number, x)``."""
    # A sum has no infinities where it is finite, and takes 0.04 ns an element, the maximum of abs
    # 0.12, and the two == and where together ten times as long.
    if x.shape == out.shape and x.sum().isfinite():
        return x
    return out.copy_(torch.where(x.isinf() & (factor == 0.0), number, x))


def _sum(value: Array, *, out: Array, axis: int) -> Array:
    """Return the sums over the classes."""
    # A wider dtype takes 0.2 ns an element. float32 takes 0.04 and loses 2 to 4 ulp in rows of 100
    # and more, as in columns of ten, which all gradients of the row would lose.
    return torch.sum(value, axis, keepdim=True, dtype=out.dtype, out=out)


def _sum_excluding_max(e: Array, *, out: Array, axis: int) -> Array:
    """Return the sums over the classes without one of the ones.

    They are not looked for where the whole sum, less 1, has all the digits that are needed.
    """
    _sum(e, out=out, axis=axis).sub_(1.0)
    if not (out < MIN_SUM_BESIDE_1).any():
        return out
    ones = e.floor()
    _sum(e - ones, out=out, axis=axis)
    return out.add_(ones.sum(axis, keepdim=True) - 1.0)


def _max(value: Array, *, out: Array, axis: int) -> Array:
    return torch.amax(value, axis, keepdim=True, out=out)


def _label_index(classes: Array, labels: Array, *, out: Array, axis: int) -> Array:
    """Return where the labels are in the memory of a tile; the nearest for those that are nowhere.

    (Their rows are NaN anyway, or masked.)
    """
    count, rows = classes.numel(), labels.numel()
    number = labels.clamp(0, count - 1)
    row = torch.arange(rows, device="cpu").reshape(labels.shape)
    return out.copy_(number * rows + row if axis == 0 else row * count + number)


def _take_label(index: Array, array: Array, *, out: Array) -> Array:
    return out.copy_(array.take(index))


def _zero_at_label(index: Array, value: Array, *, out: Array) -> Array:
    """Return the value with 0 at the label of each row."""
    if value is not out:
        out.copy_(value)
    out.view(-1).index_fill_(0, index.view(-1), 0.0)
    return out


def _set_at_label(index: Array, value: Array, x: Array, *, out: Array) -> Array:
    """Return x with a value of each row at its label."""
    value = value.clone() if value is out else value  # as may be where there is one class
    if x is not out:
        out.copy_(x)
    out.view(-1).scatter_(0, index.view(-1), value.reshape(-1))
    return out


def _neg_abs(x: Array, *, out: Array) -> Array:
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


ARITHMETIC = "abs add divide exp floor log1p minimum multiply negative subtract"
LOGIC = "bitwise_and greater_equal less not_equal"
KERNELS = KernelTable(
    kernels={
        **{name: getattr(torch, name) for name in f"{ARITHMETIC} {LOGIC}".split()},
        "equal": torch.eq,
        "bitwise_invert": torch.bitwise_not,
        "isnan": _isnan,
        "astype": _astype,
        "full_like": _full_like,
        "lane_mask": _lane_mask,
        "select": _select,
        "zero_if_infinite": _zero_if_infinite,
        "neg_abs": _neg_abs,
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
