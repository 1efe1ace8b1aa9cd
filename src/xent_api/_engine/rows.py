"""From the arguments of the softmax families to rows of classes, and back.

Programs have the classes in the last axis, and an axis of one element there in all that has none.
"""

from .._backends.base import Backend
from .._backends.names import name_of
from .._typing import Array


def to_rows(backend: Backend, arrays: dict[str, Array], axis: int | None) -> dict[str, Array]:
    """Return arrays by name, with the classes last; numbers are left out.

    Without an axis of classes: the arrays as they are.

    Adds `classes`, the numbers 0 to K - 1, where labels are class indices, and `positions`, by
    which rows are counted.
    """
    if axis is None:
        return arrays
    xp, logits = backend.xp, _last(backend, arrays["logits"], axis)
    found = {"logits": logits}
    for name in ("mask", "weights", "denominator"):
        value = arrays.get(name)
        if value is not None and not isinstance(value, (int, float)):
            found[name] = value if name == "denominator" else value[..., None]
    labels = arrays["labels"]
    if labels.ndim == logits.ndim:
        found["labels"] = _last(backend, labels, axis)
        found["positions"] = backend.positions(labels, axis)
        return found
    found["labels"] = found["positions"] = labels[..., None]
    info = xp.__array_namespace_info__()
    integer = info.default_dtypes(device=backend.device(labels))["integral"]
    if name_of(labels.dtype) in ("int64", "uint64"):
        integer = xp.int64  # of which a narrower one would make other classes
    classes = backend.arange(logits.shape[-1], integer, labels)
    # All ranks are equal: a library can be told to refuse others.
    found["classes"] = xp.reshape(classes, (1,) * (logits.ndim - 1) + (-1,))
    return found


def from_rows(backend: Backend, output: str, value: Array, axis: int) -> Array:
    """Return an output of a program as a family returns it: losses have no classes."""
    if output == "loss":
        return backend.xp.squeeze(value, axis=-1)
    return value if axis == -1 else backend.xp.moveaxis(value, -1, axis)


def _last(backend: Backend, array: Array, axis: int) -> Array:
    return array if axis == -1 else backend.xp.moveaxis(array, axis, -1)
