"""Classes over several devices: what one device's part has to be."""

from .._backends.names import name_of
from .._shard import ClassShard
from .._typing import Array
from .arrays import check_arrays
from .dtypes import INTEGRAL
from .shapes import check_size, check_some_classes


def check_shard(shard: object) -> ClassShard | None:
    """Return the argument; raise unless it is one or None."""
    if shard is not None and not isinstance(shard, ClassShard):
        raise TypeError(f"`shard` must be a ClassShard or None; got {type(shard).__name__}")
    return shard


def check_classes(shard: ClassShard | None, array: Array, axis: int, of: str) -> None:
    """Raise unless an array has classes in an axis, or a part of those of a shard."""
    if shard is None:
        check_some_classes(array, axis, of)
        return
    shape = tuple(array.shape)
    check_size(shape, axis, of)
    if shape[axis] > shard.size:
        raise ValueError(
            f"`{of}` must have at most {shard.size} classes, the `size` of `shard`; got shape "
            f"{shape}, axis {axis}"
        )
    if isinstance(shard.first, int):
        if not 0 <= shard.first <= shard.size - shape[axis]:
            raise ValueError(
                f"`first` must lie in [0, {shard.size - shape[axis]}], so that {shape[axis]} local "
                f"classes are some of {shard.size}; got {shard.first}"
            )
    else:
        _check_first(shard.first, array, of)


def _check_first(first: Array, array: Array, of: str) -> None:
    """Raise unless the number of the first local class is an integer beside the array."""
    _, arrays = check_arrays({of: array, "first": first})
    value = arrays["first"]
    if name_of(value.dtype) not in INTEGRAL or value.ndim != 0:
        raise TypeError(
            f"`first` must be an int or a 0-d integer array; got dtype {value.dtype}, shape "
            f"{tuple(value.shape)}"
        )
