"""From the arguments of the softmax families to rows of classes, and back.

Programs have the classes in the last axis, and an axis of one element there in all that has none.
"""

from ._execution.direct import Backend
from ._execution.names import name_of
from ._inputs.dtypes import INTEGRAL
from ._typing import Array

HELD = ("int8", "uint8", "int16", "int32", "int64")
"""The dtypes in which class numbers may stay; not every library compares the others."""


def aligned(backend: Backend, arrays: dict[str, Array], axis: int) -> dict[str, Array]:
    """Return the operands of a program, by name."""
    xp, logits = backend.xp, _last(backend, arrays["logits"], axis)
    found = {"logits": logits}
    for name in ("mask", "weights", "denominator"):
        value = arrays.get(name)
        if value is not None:
            found[name] = value if name == "denominator" else xp.expand_dims(value, axis=-1)
    labels = arrays["labels"]
    if labels.ndim == logits.ndim:
        found["labels"] = _last(backend, labels, axis)
        found["positions"] = found["labels"][..., :1]
        return found
    size = logits.shape[-1]
    name = name_of(labels.dtype)
    if name not in HELD or INTEGRAL[name][1] < size:
        info = xp.__array_namespace_info__()
        wide = info.default_dtypes(device=backend.device(labels))["integral"]
        # Beyond it an unsigned number wraps around to a negative one, which is no class either.
        labels = xp.astype(labels, wide)
    found["labels"] = found["positions"] = xp.expand_dims(labels, axis=-1)
    found["classes"] = xp.arange(size, dtype=labels.dtype, **backend.creation(labels))
    return found


def restored(backend: Backend, output: str, value: Array, axis: int) -> Array:
    """Return an output of a program as a family returns it: losses have no classes."""
    if output == "loss":
        return backend.xp.squeeze(value, axis=-1)
    return value if axis == -1 else backend.xp.moveaxis(value, -1, axis)


def _last(backend: Backend, array: Array, axis: int) -> Array:
    return array if axis == -1 else backend.xp.moveaxis(array, axis, -1)
