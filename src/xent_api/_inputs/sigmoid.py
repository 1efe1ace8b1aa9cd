"""The checked arguments of the sigmoid family."""

from typing import NamedTuple

from .._execution.direct import Backend
from .._execution.names import name_of
from .._typing import Array, Number, Reduction, Shape
from .arrays import check_arrays
from .kinds import check_denominator, check_factor, check_logits, check_mask
from .options import as_number, check_finite, check_ignored, check_reduction, check_smoothing
from .shapes import check_broadcast, check_same_shape


class Inputs(NamedTuple):
    """Arguments that fit together; nothing after this point raises."""

    backend: Backend
    arrays: dict[str, Array]
    """The array arguments that were given, by name, in the order of the signature."""
    numbers: dict[str, float]
    """The weights, pos_weight and denominator that were given as Python numbers."""
    compute: str
    ignored: int | float | None
    smoothing: float
    shape: Shape


def check_inputs(
    *,
    labels: Array,
    logits: Array,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
) -> Inputs:
    """Return the checked arguments; raise TypeError or ValueError as the public contract says."""
    check_reduction(reduction, denominator)
    factors = {"weights": weights, "pos_weight": pos_weight, "denominator": denominator}
    found = {name: as_number(name, value) for name, value in factors.items()}
    numbers = {name: number for name, number in found.items() if number is not None}
    optional = {"mask": mask} | {n: v for n, v in factors.items() if n not in numbers}
    given = {name: value for name, value in optional.items() if value is not None}
    _refuse_booleans(given)
    backend, arrays = check_arrays({"logits": logits, "labels": labels} | given)
    compute = check_logits(arrays["logits"])
    check_factor("labels", arrays["labels"], compute, boolean=True)
    check_same_shape(arrays["labels"], arrays["logits"])
    check_finite(numbers, compute)
    smoothing = check_smoothing(label_smoothing, compute)
    ignored = check_ignored(ignore_index, name_of(arrays["labels"].dtype))
    shape = tuple(arrays["logits"].shape)
    _check_optional(backend, arrays, compute, shape, "`logits`")
    return Inputs(backend, arrays, numbers, compute, ignored, smoothing, shape)


def check_total(
    *,
    labels: Array,
    mask: Array | None,
    ignore_index: Number | None,
    weights: Array | Number | None,
) -> tuple[Backend, dict[str, Array], float | None, int | float | None]:
    """Return backend, arrays, the weight if it is a number, and the ignored label."""
    number = as_number("weights", weights)
    optional = {"mask": mask, "weights": None if number is not None else weights}
    given = {name: value for name, value in optional.items() if value is not None}
    _refuse_booleans(given)
    backend, arrays = check_arrays({"labels": labels} | given)
    check_factor("labels", arrays["labels"], "float64", boolean=True)
    ignored = check_ignored(ignore_index, name_of(arrays["labels"].dtype))
    _check_optional(backend, arrays, "float64", tuple(arrays["labels"].shape), "`labels`")
    return backend, arrays, number, ignored


def _refuse_booleans(given: dict[str, Array]) -> None:
    for name, value in given.items():
        if isinstance(value, bool):
            expected = "a boolean array" if name == "mask" else "a real array or a Python number"
            raise TypeError(f"`{name}` must be {expected}; got bool")


def _check_optional(
    backend: Backend, arrays: dict[str, Array], compute: str, shape: Shape, of: str
) -> None:
    for name, value in arrays.items():
        if name == "mask":
            check_mask(value)
        elif name == "denominator":
            check_denominator(value)
            continue
        elif name in ("weights", "pos_weight"):
            check_factor(name, value, compute, weak=backend.is_weak(value))
        else:
            continue
        check_broadcast(name, value, shape, of)
