"""The checked arguments of the sigmoid family."""

from .._backends.names import name_of
from .._typing import Array, Number, Reduction
from .checked import (
    Inputs,
    TotalInputs,
    check_common,
    check_labels_and_weights,
    check_optional,
)
from .kinds import check_factor
from .options import check_ignored
from .shapes import check_same_shape


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
    factors = {"weights": weights, "pos_weight": pos_weight, "denominator": denominator}
    inputs = check_common(labels, logits, mask, factors, label_smoothing, reduction)
    backend, arrays, compute = inputs.backend, inputs.arrays, inputs.compute
    check_factor("labels", arrays["labels"], compute, boolean=True)
    check_same_shape(arrays["labels"], arrays["logits"])
    check_optional(backend, arrays, compute, inputs.shape, "`logits`")
    ignored = check_ignored(ignore_index, name_of(arrays["labels"].dtype))
    return inputs._replace(ignored=ignored)


def check_total(
    *,
    labels: Array,
    mask: Array | None,
    ignore_index: Number | None,
    weights: Array | Number | None,
    **_: object,
) -> TotalInputs:
    """Return the checked arguments of a total; the others of a loss are not looked at."""
    inputs = check_labels_and_weights(labels, mask, weights)
    given = inputs.arrays["labels"]
    ignored = check_ignored(ignore_index, name_of(given.dtype))
    check_optional(inputs.backend, inputs.arrays, "float64", tuple(given.shape), "`labels`")
    return inputs._replace(ignored=ignored)
