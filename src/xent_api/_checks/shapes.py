"""Shapes, some of whose sizes a lazy backend may not know."""

from numbers import Integral

from .._backends.base import static_size
from .._backends.names import name_of
from .._typing import Array, Shape
from .dtypes import INTEGRAL


def is_known(size: object) -> bool:
    """Tell whether a dimension's size is known: an unknown one is NaN, None or -1."""
    return size is not None and size == size and size != -1


def same_shape(a: Shape, b: Shape) -> bool:
    """Tell whether two shapes agree wherever both are known."""
    return len(a) == len(b) and all(_agree(m, n) for m, n in zip(a, b, strict=True))


def broadcasts_into(shape: Shape, target: Shape) -> bool:
    """Tell whether `shape` broadcasts to `target` without enlarging it."""
    tail = target[len(target) - len(shape) :]
    return len(shape) <= len(target) and all(
        _agree(m, n) or m == 1 for m, n in zip(shape, tail, strict=True)
    )


def check_same_shape(name: str, value: Array, logits: Array) -> None:
    """Raise unless an argument has the shape of `logits`; tell what takes class indices."""
    shape, whole = tuple(value.shape), tuple(logits.shape)
    if same_shape(shape, whole):
        return
    integers = name == "labels" and name_of(value.dtype) in INTEGRAL
    indices = integers and any(whole[axis] != 1 for axis in class_axes(shape, whole))
    hint = ": sparse_softmax_xent takes class indices" if indices else ""
    raise ValueError(f"`{name}` must have the shape of `logits`, {whole}; got {shape}{hint}")


def check_class_weights(class_weights: Array, size: object, *, some: bool = True) -> None:
    """Raise unless there is a weight for each of `size` classes, or of a known number of them.

    There have to be `some`, except for a part of the classes.
    """
    shape = tuple(class_weights.shape)
    if (
        len(shape) != 1
        or (some and shape[0] == 0)
        or (size is not None and not same_shape(shape, (size,)))
    ):
        wanted = "(K,)" if size is None else f"({size},)"
        raise ValueError(
            f"`class_weights` must have the shape {wanted}, one weight for each class; got {shape}"
        )
    if size is None and static_size(shape) is None:
        raise ValueError(f"`class_weights` must have a known number of classes; got shape {shape}")


def class_axes(labels: Shape, logits: Shape) -> list[int]:
    """Return the axes, of 1 and the last, of which labels of that shape could be indices."""
    usual = dict.fromkeys(axis for axis in (1, len(logits) - 1) if 0 <= axis < len(logits))
    return [axis for axis in usual if same_shape(labels, logits[:axis] + logits[axis + 1 :])]


def check_axis(axis: object, array: Array, of: str) -> int:
    """Return the axis counted from the end; raise unless the array has it."""
    if isinstance(axis, bool) or not isinstance(axis, Integral):
        raise TypeError(f"`axis` must be an int; got {type(axis).__name__}")
    axis, shape = int(axis), tuple(array.shape)
    if not shape:
        raise ValueError(f"`axis` must lie among the axes of `{of}`, which has none; got {axis}")
    if not -len(shape) <= axis < len(shape):
        raise ValueError(
            f"`axis` must lie in [-{len(shape)}, {len(shape)}), the axes of `{of}`; got {axis}"
        )
    return axis - len(shape) if axis >= 0 else axis


def check_some_classes(array: Array, axis: int, of: str) -> None:
    """Raise where an array has no classes in an axis."""
    shape = tuple(array.shape)
    if shape[axis] == 0:
        raise ValueError(f"`{of}` must have at least one class; got shape {shape}, axis {axis}")


def check_size(shape: Shape, axis: int, of: str) -> None:
    """Raise unless the number of classes is known."""
    if static_size((shape[axis],)) is None:
        raise ValueError(f"`{of}` must have a known number of classes; got shape {shape}")


def without(shape: Shape, axis: int) -> Shape:
    """Return a shape without one of its axes."""
    return shape[:axis] + shape[len(shape) + axis + 1 :]


def check_class_shape(labels: Array, logits: Array, shape: Shape) -> None:
    """Raise unless class indices have the `shape` of the loss."""
    if not same_shape(tuple(labels.shape), shape):
        whole, found = tuple(logits.shape), tuple(labels.shape)
        axes = class_axes(found, whole)
        hint = f": if its axis {axes[0]} holds the classes, pass `axis={axes[0]}`" if axes else ""
        if same_shape(found, whole):
            hint = ": softmax_xent takes a label for each class"
        raise ValueError(
            f"`labels` must have the shape of `logits`, {whole}, without `axis`: "
            f"{shape}; got {found}{hint}"
        )


def check_broadcast(name: str, value: Array, target: Shape, of: str) -> None:
    """Raise unless the argument `name` broadcasts into the shape `target`."""
    if not broadcasts_into(tuple(value.shape), tuple(target)):
        raise ValueError(
            f"`{name}` must broadcast into the shape of {of}, {tuple(target)}; "
            f"got {tuple(value.shape)}"
        )


def _agree(m: object, n: object) -> bool:
    return not is_known(m) or not is_known(n) or m == n
