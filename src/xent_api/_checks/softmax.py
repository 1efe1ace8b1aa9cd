"""The checked arguments of the softmax families."""

from typing import Any

from .._backends.names import name_of
from .._typing import Array, Number, Reduction
from .checked import (
    Inputs,
    TotalInputs,
    check_common,
    check_labels_and_weights,
    check_optional,
)
from .kinds import check_class_indices, check_factor
from .options import check_ignored
from .shapes import check_axis, check_class_shape, check_same_shape, check_size, without
from .sigmoid import check_total


def check_dense(
    *,
    labels: Array,
    logits: Array,
    axis: int = -1,
    mask: Array | None = None,
    weights: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
) -> Inputs:
    """Return the checked arguments for labels of every class."""
    factors = {"weights": weights, "denominator": denominator}
    inputs = check_common(labels, logits, mask, factors, label_smoothing, reduction)
    given, arrays = inputs.arrays["labels"], inputs.arrays
    check_factor("labels", given, inputs.compute, boolean=True)
    check_same_shape(given, arrays["logits"])
    axis = check_axis(axis, arrays["logits"], "logits")
    if inputs.smoothing:
        check_size(inputs.shape, axis)
    return _finished(inputs, axis)


def check_sparse(
    *,
    labels: Array,
    logits: Array,
    axis: int = -1,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
) -> Inputs:
    """Return the checked arguments for class indices."""
    factors = {"weights": weights, "denominator": denominator}
    inputs = check_common(labels, logits, mask, factors, label_smoothing, reduction)
    given, arrays = inputs.arrays["labels"], inputs.arrays
    check_class_indices(given)
    axis = check_axis(axis, arrays["logits"], "logits")
    check_class_shape(given, arrays["logits"], without(inputs.shape, axis))
    check_size(inputs.shape, axis)
    ignored = check_ignored(ignore_index, name_of(given.dtype))
    return _finished(inputs, axis)._replace(ignored=ignored)


def _finished(inputs: Inputs, axis: int) -> Inputs:
    """Check what belongs to the rows, whose shape is that of the loss."""
    shape = without(inputs.shape, axis)
    check_optional(inputs.backend, inputs.arrays, inputs.compute, shape, "the loss")
    return inputs._replace(shape=shape, axis=axis)


def check_dense_total(
    *,
    labels: Array,
    axis: int,
    mask: Array | None,
    weights: Array | Number | None,
    **_: object,
) -> TotalInputs:
    """Return the checked arguments of a total, for labels of every class."""
    inputs = check_labels_and_weights(labels, mask, weights)
    given = inputs.arrays["labels"]
    axis = check_axis(axis, given, "labels")
    shape = without(tuple(given.shape), axis)
    check_optional(inputs.backend, inputs.arrays, "float64", shape, "`labels` without `axis`")
    return inputs._replace(axis=axis)


def check_sparse_total(**arguments: Any) -> TotalInputs:
    """Return the checked arguments of a total, for labels that are class indices."""
    inputs = check_total(**arguments)
    check_class_indices(inputs.arrays["labels"])
    return inputs
