r"""Softmax cross entropy of a class index, without the maximum, where no exponential needs it.

With g = exp(x_y) of the label y, b the sum of exp(x_k) of all other classes, and S = b + g,

.. math:: L = w\,\log(1 + b/g), \qquad
    \partial L/\partial x_j = w\,e^{x_j}/S, \qquad \partial L/\partial x_y = -w\,b/S.

These are the lines of `softmax` with x_y for m where the loss is concerned, and 0 for it elsewhere.
They take a pass less over the logits, for the differences from the maxima, or two, where
exponentials need no wider dtype (`_exact`), and the rounding of those differences is in none of the
results. But exponentials overflow, or keep no digits, where logits are far from 0. The last result
tells the rows that are not `reliable`; they are left to the lines of `softmax`.
"""

from .._typing import Array, Namespace
from .mean import divided
from .ops import LabelPlace
from .softmax import Rows, is_class, row_weights

MIN_SUM = 0.5
"""The least S. A subnormal exponential may be off by half of the smallest number; divided by S, by
at most that number."""
MIN_FACTOR, MAX_FACTOR = 2.0**-126, 2.0
"""What w/S may be: a float32 number with all digits, and no more than 1/MIN_SUM, by which the
smallest exponentials would show how few digits they have."""
MIN_ODDS, MAX_ODDS = 2.0**-100, 1e300
"""What b/g may be. Below it exponentials of others may be subnormal, or 0, beyond it that of the
label in float64."""


def outputs(
    ops: Namespace,
    rows: Rows,
    x: Array,
    classes: Array,
    labels: Array,
    weights: Array | float | None,
    denominator: Array | float | None,
    *,
    gradient: bool,
) -> dict[str, Array]:
    """Return the losses, the `gradient` if it is asked for, and 1 for rows without all digits."""
    at, valid = ops.place(classes, labels, rows.compute), is_class(labels, rows.size)
    g, e = _exact(ops, rows, x, at), ops.zero_at_label(ops.exp(x), at)
    largest, top = None, None
    if rows.compute != rows.wide:
        index = ops.cast(ops.argmax(e, axis=-1, keepdims=True), labels.dtype)
        valid = valid & (index != labels)  # equal only if all other exponentials are 0
        largest = ops.place(classes, index, rows.compute)
        top, e = _exact(ops, rows, x, largest), ops.zero_at_label(e, largest)
    b = ops.row_sum(e, rows.wide)
    b = b if top is None else b + top
    odds, partition = b / g, b + g
    w = row_weights(ops, weights, partition)
    softplus = ops.log1p(odds)
    found = {"loss": softplus if w is None else softplus * w}
    reliable = (partition >= MIN_SUM) & (odds >= MIN_ODDS) & (odds < MAX_ODDS) & valid
    if gradient:
        share = 1.0 / partition
        factor = divided(ops, share if w is None else share * w, denominator)
        narrow = ops.cast(factor, rows.compute)
        reliable = reliable & _has_digits(ops, narrow, w)
        value = ops.set_at_label(e * narrow, at, ops.cast(-(b * factor), rows.compute))
        if top is not None:
            value = ops.set_at_label(value, largest, ops.cast(top * factor, rows.compute))
        found["gradient"] = value
    return found | {"unreliable": ops.astype(~reliable, rows.compute)}


def _exact(ops: Namespace, rows: Rows, x: Array, at: LabelPlace) -> Array:
    """Return exp(x) of a class of each row in the dtype of rows.

    For the label, and for the largest of the others. Where a maximum is subtracted that is exactly
    1. Here its error would be that of the whole sum where it is nearly all of it, and so be in all
    gradients of the row: of an exponential that is off by 2.5 ulp they would be by 5.
    """
    return ops.exp(ops.astype(ops.take_label(x, at), rows.wide))


def _has_digits(ops: Namespace, factor: Array, weights: Array | None) -> Array:
    """Tell the rows of which the rounded factor has its digits. NaN has none."""
    size = ops.abs(factor)
    if weights is None:
        return (size >= MIN_FACTOR) & (size < MAX_FACTOR)
    return ~((size < MIN_FACTOR) & (weights != 0.0)) & (size < MAX_FACTOR)
