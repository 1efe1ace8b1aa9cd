"""What the families' arguments have in common, and what they come to when they are checked."""

from typing import NamedTuple

from .._backends.base import Backend
from .._typing import Array, Number, Reduction, Shape
from .arrays import check_arrays
from .kinds import check_denominator, check_factor, check_logits, check_mask
from .options import as_number, check_finite, check_reduction, check_smoothing
from .shapes import check_broadcast


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
    """The shape of the loss."""
    axis: int | None = None
    """The axis of the classes, counted from the end, if there are any."""


def check_common(
    labels: Array,
    logits: Array,
    mask: Array | None,
    factors: dict[str, Array | Number | None],
    label_smoothing: Number,
    reduction: Reduction,
) -> Inputs:
    """Check all that does not depend on what the labels are."""
    check_reduction(reduction, factors["denominator"])
    found = {name: as_number(name, value) for name, value in factors.items()}
    numbers = {name: number for name, number in found.items() if number is not None}
    optional = {"mask": mask} | {n: v for n, v in factors.items() if n not in numbers}
    given = {name: value for name, value in optional.items() if value is not None}
    _refuse_booleans(given)
    backend, arrays = check_arrays({"logits": logits, "labels": labels} | given)
    compute = check_logits(arrays["logits"])
    check_finite(numbers, compute)
    smoothing = check_smoothing(label_smoothing, compute)
    return Inputs(backend, arrays, numbers, compute, None, smoothing, tuple(arrays["logits"].shape))


class TotalInputs(NamedTuple):
    """The arguments that a total weight depends on."""

    backend: Backend
    arrays: dict[str, Array]
    number: float | None
    """The weight, if it is a Python number."""
    ignored: int | float | None = None
    axis: int | None = None
    """As in `Inputs`, if the labels have one for the classes."""


def check_labels_and_weights(
    labels: Array, mask: Array | None, weights: Array | Number | None
) -> TotalInputs:
    """Return the arguments, of which mask and weights may not fit the labels."""
    number = as_number("weights", weights)
    optional = {"mask": mask, "weights": None if number is not None else weights}
    given = {name: value for name, value in optional.items() if value is not None}
    _refuse_booleans(given)
    backend, arrays = check_arrays({"labels": labels} | given)
    check_factor("labels", arrays["labels"], "float64", boolean=True)
    return TotalInputs(backend, arrays, number)


def check_optional(
    backend: Backend, arrays: dict[str, Array], compute: str, shape: Shape, of: str
) -> None:
    """Raise unless mask, weights and denominator have suitable dtypes and broadcast to `shape`."""
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


def _refuse_booleans(given: dict[str, Array]) -> None:
    for name, value in given.items():
        if isinstance(value, bool):
            expected = "a boolean array" if name == "mask" else "a real array or a Python number"
            raise TypeError(f"`{name}` must be {expected}; got bool")
