"""The signatures of ``optax.losses``."""

import math

from .. import sigmoid_xent, softmax_xent, sparse_softmax_xent
from .._backends.marks import as_it_is
from .._checks.arrays import check_arrays
from .._checks.checker import SOFTMAX, SPARSE_SOFTMAX, check
from .._checks.kinds import check_mask
from .._checks.shapes import check_broadcast
from .._engine.rows import with_axis
from .._typing import Array
from ._arguments import own_names, require

__all__ = [
    "sigmoid_binary_cross_entropy",
    "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels",
]


@as_it_is
def sigmoid_binary_cross_entropy(logits: Array, labels: Array) -> Array:
    """Return the logistic losses, elementwise.

    Parameters
    ----------
    logits : array, real floating
    labels : array, shape of `logits`
        Probabilities.

    Returns
    -------
    array, shape and dtype of `logits`

    Raises
    ------
    ValueError
        Where the shapes differ.
    TypeError
        For arrays of different namespaces, or an unsuitable dtype.

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid_binary_cross_entropy(np.asarray([1.0, 0.0]), np.asarray([1.0, 0.0]))
    array([0.31326169, 0.69314718])
    """
    require(logits=logits, labels=labels)
    return sigmoid_xent.loss(labels=labels, logits=logits)


@as_it_is
def softmax_cross_entropy(
    logits: Array, labels: Array, axis: int = -1, where: Array | None = None
) -> Array:
    """Return the softmax losses against probabilities.

    Parameters
    ----------
    logits : array, real floating
    labels : array, shape of `logits`
        Probabilities along `axis`.
    axis : int, default -1
        The axis of the classes.
    where : boolean array, optional
        False switches a class off: its logit is -inf then, and its label 0. Broadcasts into the
        shape of `logits`; one with fewer axes has none for the classes. The loss of a row of which
        nothing is left is 0.

    Returns
    -------
    array, shape of `logits` without `axis`, dtype of `logits`

    Raises
    ------
    ValueError
        Where the shapes do not fit.
    TypeError
        For arrays of different namespaces, or an unsuitable dtype; for an `axis` that is no int.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.asarray([[1.0, 0.0, 0.0]])
    >>> softmax_cross_entropy(np.zeros((1, 3)), labels, where=np.asarray([[True, True, False]]))
    array([0.69314718])
    """
    require(logits=logits, labels=labels)
    if where is None:
        return softmax_xent.loss(labels=labels, logits=logits, axis=axis)
    logits, labels, mask = _switched(logits, labels, axis, where, indices=False)
    return softmax_xent.loss(labels=labels, logits=logits, axis=axis, mask=mask)


@as_it_is
def softmax_cross_entropy_with_integer_labels(
    logits: Array, labels: Array, axis: int = -1, where: Array | None = None
) -> Array:
    """Return the softmax losses against class indices.

    Parameters
    ----------
    logits : array, real floating
    labels : integer array, shape of `logits` without `axis`
        Class indices.
    axis : int, default -1
        The axis of the classes.
    where : boolean array, optional
        As in `softmax_cross_entropy`.

    Returns
    -------
    array, shape of `labels`, dtype of `logits`

    Raises
    ------
    ValueError
        Where the shapes do not fit.
    TypeError
        For arrays of different namespaces, or an unsuitable dtype; for an `axis` that is no int.

    Notes
    -----
    The loss of a class that is switched off is +inf, and of a class index that is none NaN. Optax
    gives finite numbers for the former, also below 0, and counts -1 from the end.

    Examples
    --------
    >>> import numpy as np
    >>> softmax_cross_entropy_with_integer_labels(np.zeros((1, 4)), np.asarray([0]))
    array([1.38629436])
    """
    require(logits=logits, labels=labels)
    if where is None:
        return sparse_softmax_xent.loss(labels=labels, logits=logits, axis=axis)
    logits, labels, mask = _switched(logits, labels, axis, where, indices=True)
    return sparse_softmax_xent.loss(labels=labels, logits=logits, axis=axis, mask=mask)


def _switched(
    logits: Array, labels: Array, axis: int, where: Array, *, indices: bool
) -> tuple[Array, Array, Array]:
    """Return logits and labels with classes switched off, and the rows of which some are left."""
    family = SPARSE_SOFTMAX if indices else SOFTMAX
    options = {"axis": axis, "label_smoothing": 0.0, "reduction": "none", "denominator": None}
    checked = check(family, {"labels": labels, "logits": logits} | options).axis
    assert checked is not None, "there are classes"
    with own_names(mask="where"):
        given = {"logits": logits, "labels": labels, "where": where}
        backend, arrays = check_arrays(given)
        logits, labels, where = arrays.values()
        check_mask(where)
        ndim = logits.ndim
        if -1 - checked <= where.ndim < ndim:
            where = with_axis(where, checked)
        where = where[(*(None,) * (ndim - where.ndim), ...)]
        check_broadcast("where", where, tuple(logits.shape), "`logits`")
    xp, ops = backend.xp, backend.ops
    logits = ops.where(where, logits, -math.inf)
    if not indices:
        labels = xp.where(where, labels, xp.zeros_like(labels))
    mask = ops.max(ops.astype(where, xp.int32), axis=checked, keepdims=False) > 0
    return logits, labels, mask
