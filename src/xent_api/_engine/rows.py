"""From the arguments of the softmax families to rows of classes, and back.

Programs have the classes in the last axis, and an axis of one element there in all that has none.
"""

from .._backends.base import Backend
from .._checks.checker import Family
from .._math.program import ROW_OUTPUTS
from .._typing import Array


def to_rows(
    backend: Backend, family: Family, arrays: dict[str, Array], axis: int | None
) -> dict[str, Array]:
    """Return arrays by name, with the classes last; numbers are left out.

    Without an axis of classes: the arrays as they are.

    Adds `positions`, by which rows are counted.
    """
    if axis is None:
        return arrays
    found: dict[str, Array] = {}
    for name in ("logits", "vector", "mask", "weights", "class_weights", "denominator"):
        value = arrays.get(name)
        if value is None or isinstance(value, (int, float)):
            continue
        if name in ("logits", "vector"):
            value = last(backend, value, axis)
        found[name] = value[..., None] if name in ("mask", "weights") else value
    labels = arrays["labels"]
    if family.has_indices:
        found["labels"] = found["positions"] = labels[..., None]
    else:
        found["labels"] = last(backend, labels, axis)
        found["positions"] = backend.positions(labels, axis)
    return found


def from_rows(backend: Backend, output: str, value: Array, axis: int) -> Array:
    """Return an output of a program as a family returns it: losses have no classes."""
    if output in ROW_OUTPUTS:
        return backend.xp.squeeze(value, axis=-1)
    return value if axis == -1 else backend.xp.moveaxis(value, -1, axis)


def with_axis(array: Array, axis: int) -> Array:
    """Return an array with a new axis, counted from the end."""
    return array[(..., None, *(slice(None),) * (-1 - axis))]


def last(backend: Backend, array: Array, axis: int) -> Array:
    """Return an array with an axis moved to the end."""
    return array if axis == -1 else backend.xp.moveaxis(array, axis, -1)
