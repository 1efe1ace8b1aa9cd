"""The arguments of a family, checked: one checker, driven by the record of the family."""

from typing import Any, NamedTuple

from .._backends.base import Backend
from .._backends.names import name_of
from .._shard import ClassShard
from .._typing import Array, DType, Shape
from .arrays import NUMBERS, check_arrays
from .kinds import (
    check_class_indices,
    check_denominator,
    check_dtype,
    check_factor,
    check_floating,
    check_mask,
)
from .options import as_number, check_finite, check_ignored, check_reduction, check_smoothing
from .shapes import (
    check_axis,
    check_broadcast,
    check_class_shape,
    check_class_weights,
    check_same_shape,
    check_size,
    without,
)
from .shard import check_classes, check_shard

ARRAYS = (
    "logits",
    "labels",
    "mask",
    "weights",
    "pos_weight",
    "class_weights",
    "denominator",
    "vector",
)


class Family(NamedTuple):
    """What tells a family of losses from the others; its arguments are those of its signature."""

    name: str
    has_classes: bool
    """Whether an axis of the logits are classes, of which the loss has none."""
    has_indices: bool = False
    """Whether labels are class indices."""


SIGMOID = Family("sigmoid", has_classes=False)
SOFTMAX = Family("softmax", has_classes=True)
SPARSE_SOFTMAX = Family("sparse_softmax", has_classes=True, has_indices=True)


class Inputs(NamedTuple):
    """Arguments that fit together. Libraries may still refuse what only they can see."""

    family: Family
    backend: Backend
    arrays: dict[str, Array]
    """The array arguments that were given, by name."""
    numbers: dict[str, float]
    """The weights, pos_weight and denominator that were given as Python numbers."""
    compute: str
    ignored: int | float | None
    smoothing: float
    shape: Shape
    """The shape of the loss."""
    axis: int | None
    """The axis of the classes, counted from the end, if there are any."""
    dtype: DType
    """The dtype of the loss."""
    shard: ClassShard | None
    """Which of all classes these are, if not all."""


class TotalInputs(NamedTuple):
    """The arguments that a total weight depends on."""

    family: Family
    backend: Backend
    arrays: dict[str, Array]
    number: float | None
    """The weight, if it is a Python number."""
    ignored: int | float | None
    axis: int | None = None
    """As in `Inputs`, if the labels have one for the classes."""
    shard: ClassShard | None = None


class SpecialInputs(NamedTuple):
    """The arguments of a function of `special`."""

    backend: Backend
    x: Array
    compute: str
    axis: int | None


def check_special(
    x: Array, axis: object, shard: ClassShard | None, *, has_classes: bool
) -> SpecialInputs:
    """Return the checked arguments; only a function of classes has an axis."""
    backend, arrays = check_arrays({"x": x})
    x = arrays["x"]
    compute = check_floating("x", x)
    place = check_axis(axis, x, "x") if has_classes else None
    if place is not None and check_shard(shard) is not None:
        check_classes(shard, x, place, "x")
    return SpecialInputs(backend, x, compute, place)


def check(family: Family, arguments: dict[str, Any]) -> Inputs:
    """Return the checked arguments; raise TypeError or ValueError as the public contract says."""
    check_reduction(arguments["reduction"], arguments["denominator"])
    numbers, backend, arrays = _given(arguments, ARRAYS)
    logits, labels = arrays["logits"], arrays["labels"]
    compute = check_floating("logits", logits)
    check_finite(numbers, compute)
    smoothing = check_smoothing(arguments["label_smoothing"], compute)
    if family.has_indices:
        check_class_indices(labels)
    else:
        check_factor("labels", labels, compute, boolean=True)
        check_same_shape("labels", labels, logits)
    shape, axis, of = tuple(logits.shape), None, "`logits`"
    shard = check_shard(arguments.get("shard"))
    if family.has_classes:
        axis = check_axis(arguments["axis"], logits, "logits")
        check_classes(shard, logits, axis, "logits")
        shape, of = without(shape, axis), "the loss"
        if family.has_indices:
            check_class_shape(labels, logits, shape)
        if smoothing or family.has_indices:
            check_size(tuple(logits.shape), axis, "logits")
        _check_class_weights(arrays, compute, logits.shape[axis], shard)
    if "vector" in arguments:
        check_factor("vector", arrays["vector"], compute)
        check_same_shape("vector", arrays["vector"], logits)
    _check_optional(backend, arrays, compute, shape, of)
    ignored = check_ignored(arguments.get("ignore_index"), name_of(labels.dtype))
    dtype = check_dtype(arguments.get("dtype"), logits, backend)
    return Inputs(
        family, backend, arrays, numbers, compute, ignored, smoothing, shape, axis, dtype, shard
    )


def check_total(family: Family, arguments: dict[str, Any]) -> TotalInputs:
    """Return the checked arguments of a total; the others of a loss are not looked at."""
    numbers, backend, arrays = _given(arguments, ("labels", "mask", "weights", "class_weights"))
    labels = arrays["labels"]
    check_factor("labels", labels, "float64", boolean=True)
    shape, axis, of = tuple(labels.shape), None, "`labels`"
    shard = check_shard(arguments.get("shard"))
    if family.has_indices:
        check_class_indices(labels)
        if shard is not None and "class_weights" in arrays:
            check_classes(shard, arrays["class_weights"], 0, "class_weights")
    elif family.has_classes:
        axis = check_axis(arguments["axis"], labels, "labels")
        check_classes(shard, labels, axis, "labels")
        shape, of = without(shape, axis), "`labels` without `axis`"
    _check_class_weights(arrays, "float64", None if axis is None else labels.shape[axis], shard)
    ignored = check_ignored(arguments.get("ignore_index"), name_of(labels.dtype))
    _check_optional(backend, arrays, "float64", shape, of)
    return TotalInputs(family, backend, arrays, numbers.get("weights"), ignored, axis, shard)


def _given(
    arguments: dict[str, Any], names: tuple[str, ...]
) -> tuple[dict[str, float], Backend, dict[str, Array]]:
    """Return the numbers among these arguments, the backend of the others, and its arrays."""
    found = {name: as_number(name, arguments.get(name)) for name in names if name in NUMBERS}
    numbers = {name: number for name, number in found.items() if number is not None}
    given = {name: arguments.get(name) for name in names if name not in numbers}
    required = ("logits", "labels", *(["vector"] if "vector" in arguments else []))
    given = {n: v for n, v in given.items() if v is not None or n in required}
    for name, value in given.items():
        if isinstance(value, bool) and name in ("mask", *NUMBERS):
            expected = "a boolean array" if name == "mask" else "a real array or a Python number"
            raise TypeError(f"`{name}` must be {expected}; got bool")
    return numbers, *check_arrays(given)


def _check_class_weights(
    arrays: dict[str, Array], compute: str, size: object, shard: ClassShard | None
) -> None:
    """Raise unless class weights, if there are any, are real numbers for `size` classes."""
    value = arrays.get("class_weights")
    if value is not None:
        check_factor("class_weights", value, compute)
        check_class_weights(value, size, some=shard is None)


def _check_optional(
    backend: Backend, arrays: dict[str, Array], compute: str, shape: Shape, of: str
) -> None:
    """Raise unless mask, weights and denominator have suitable dtypes and broadcast to `shape`."""
    for name, value in arrays.items():
        if name == "mask":
            check_mask(value)
        elif name == "denominator":
            check_denominator(value)
            continue
        elif name in NUMBERS:
            check_factor(name, value, compute, weak=backend.is_weak(value))
        else:
            continue
        check_broadcast(name, value, shape, of)
