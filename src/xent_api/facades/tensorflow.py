"""The signatures of ``tf.nn`` (TensorFlow 2)."""

from .. import sigmoid_xent, softmax_xent, sparse_softmax_xent
from .._backends.marks import as_it_is
from .._typing import Array, Number
from ._arguments import require, require_same_dtype

__all__ = [
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]


@as_it_is
def sigmoid_cross_entropy_with_logits(
    labels: Array | None = None, logits: Array | None = None, name: str | None = None
) -> Array:
    """Return the logistic losses, elementwise.

    Parameters
    ----------
    labels : array, shape and dtype of `logits`
        Probabilities, between 0 and 1.
    logits : array, real floating
    name : str, optional
        Accepted and ignored: there is no graph whose operation it could name.

    Returns
    -------
    array, shape and dtype of `logits`

    Raises
    ------
    ValueError
        Where an argument is missing or the shapes differ.
    TypeError
        Where the dtypes differ.

    Notes
    -----
    ``-z*log(sigmoid(x)) - (1-z)*log(1-sigmoid(x))``, as TensorFlow documents it, also where its own
    kernel does not give that: at infinite logits, and to the last digits at soft labels.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.asarray([1.0, -1.0, 0.0])
    >>> labels = np.asarray([1.0, 1.0, 0.0])
    >>> sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    array([0.31326169, 1.31326169, 0.69314718])
    """
    require(labels=labels, logits=logits)
    require_same_dtype(labels=labels, logits=logits)
    return sigmoid_xent.loss(labels=labels, logits=logits)


@as_it_is
def weighted_cross_entropy_with_logits(
    labels: Array, logits: Array, pos_weight: Array | Number, name: str | None = None
) -> Array:
    """Return the logistic losses with a factor on the positive term, elementwise.

    Parameters
    ----------
    labels : array, shape and dtype of `logits`
    logits : array, real floating
    pos_weight : array or number
        Broadcasts into the shape of `logits`.
    name : str, optional
        Accepted and ignored.

    Returns
    -------
    array, shape and dtype of `logits`

    Raises
    ------
    ValueError
        Where an argument is missing or the shapes differ.
    TypeError
        Where the dtypes differ.

    Notes
    -----
    ``-q*z*log(sigmoid(x)) - (1-z)*log(1-sigmoid(x))``. TensorFlow's own gradient of it is wrong at
    x = 0; here autodiff gives the closed form there too.

    Examples
    --------
    >>> import numpy as np
    >>> weighted_cross_entropy_with_logits(np.asarray([1.0, 0.0]), np.zeros(2), 3.0)
    array([2.07944154, 0.69314718])
    """
    require(labels=labels, logits=logits, pos_weight=pos_weight)
    require_same_dtype(labels=labels, logits=logits)
    return sigmoid_xent.loss(labels=labels, logits=logits, pos_weight=pos_weight)


@as_it_is
def softmax_cross_entropy_with_logits(
    labels: Array, logits: Array, axis: int = -1, name: str | None = None
) -> Array:
    """Return the softmax cross entropy of each row.

    Parameters
    ----------
    labels : array, shape and dtype of `logits`
        Probabilities of the classes.
    logits : array, real floating
    axis : int, default -1
        The axis of the classes.
    name : str, optional
        Accepted and ignored.

    Returns
    -------
    array, shape of `logits` without `axis`, dtype of `logits`

    Raises
    ------
    ValueError
        Where an argument is missing, the shapes differ, or there is no such axis.
    TypeError
        Where the dtypes differ.

    Notes
    -----
    The derivatives reach the labels, too, as TensorFlow documents it. Its own losses and gradients
    at the label round to 0 where a prediction is confident.

    Examples
    --------
    >>> import numpy as np
    >>> softmax_cross_entropy_with_logits(np.asarray([[1.0, 0.0]]), np.asarray([[1.0, 0.0]]))
    array([0.31326169])
    """
    require(labels=labels, logits=logits)
    require_same_dtype(labels=labels, logits=logits)
    return softmax_xent.loss(labels=labels, logits=logits, axis=axis)


@as_it_is
def sparse_softmax_cross_entropy_with_logits(
    labels: Array, logits: Array, name: str | None = None
) -> Array:
    """Return the softmax cross entropy of each row against its class index.

    Parameters
    ----------
    labels : integer array, shape of `logits` without the last axis
        Class indices; one that is none gives NaN, as TensorFlow documents it for GPUs.
    logits : array, real floating
    name : str, optional
        Accepted and ignored.

    Returns
    -------
    array, shape of `labels`, dtype of `logits`

    Raises
    ------
    ValueError
        Where an argument is missing, `logits` has no axis, or the shapes do not fit.
    TypeError
        Where the labels are no integers.

    Examples
    --------
    >>> import numpy as np
    >>> sparse_softmax_cross_entropy_with_logits(np.asarray([0]), np.asarray([[1.0, 0.0]]))
    array([0.31326169])
    """
    require(labels=labels, logits=logits)
    return sparse_softmax_xent.loss(labels=labels, logits=logits)
