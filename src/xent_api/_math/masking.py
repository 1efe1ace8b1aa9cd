"""Which positions count, and what stands at those that do not."""

from .._typing import Array, Namespace


def valid_positions(
    ops: Namespace,
    labels: Array,
    mask: Array | None,
    ignored: Array | float | None,
) -> Array | None:
    """Return the boolean array of the positions that count, or None where all of them do.

    `ignored` is a number that the dtype of `labels` holds exactly, so that the comparison means the
    same in every namespace; it is NaN where NaN labels are missing ones. (Or it stands for one that
    is none of NaN, True and False.)
    """
    if ignored is None:
        return mask
    match = _differs(ops, labels, ignored)
    return match if mask is None else mask & match


def _differs(ops: Namespace, labels: Array, ignored: Array | float) -> Array:
    if not isinstance(ignored, int | float):
        return ops.differs(labels, ignored)
    if ignored != ignored:
        return ~ops.isnan(labels)
    if isinstance(ignored, bool):  # boolean labels have no comparison with numbers
        return ~labels if ignored else labels
    if isinstance(ignored, int) and abs(ignored) >= 2**31:
        # Beyond the default integer dtype of some namespaces, though the labels' dtype holds it.
        ignored = ops.full_like(labels, ignored)
    return ops.differs(labels, ignored)


def select(ops: Namespace, keep: Array | None, value: Array, otherwise: float) -> Array:
    """Return `value` where `keep`, else `otherwise`.

    Applied to every operand before any arithmetic and to every result after it: then neither a
    value nor automatic differentiation (whose chain rule would multiply a 0 by what stands there)
    ever sees a NaN or an infinity under the mask.
    """
    return value if keep is None else ops.where(keep, value, otherwise)
