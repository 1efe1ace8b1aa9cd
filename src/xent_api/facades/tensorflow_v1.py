"""The signature of TensorFlow 1, which forbade positional arguments by a sentinel."""

from .._backends.marks import as_it_is
from .._typing import Array
from . import tensorflow

__all__ = ["sigmoid_cross_entropy_with_logits"]


@as_it_is
def sigmoid_cross_entropy_with_logits(
    _sentinel: None = None,
    labels: Array | None = None,
    logits: Array | None = None,
    name: str | None = None,
) -> Array:
    """Return the logistic losses, elementwise.

    Parameters
    ----------
    _sentinel : None
        Takes the place of the first positional argument, to refuse it.
    labels, logits, name
        As in `xent_api.facades.tensorflow.sigmoid_cross_entropy_with_logits`.

    Returns
    -------
    array, shape and dtype of `logits`

    Raises
    ------
    ValueError
        Also where an argument is given by position.

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid_cross_entropy_with_logits(np.ones(3), np.zeros(3))
    Traceback (most recent call last):
        ...
    ValueError: `labels` and `logits` must be given by name; got a positional argument
    """
    if _sentinel is not None:
        raise ValueError("`labels` and `logits` must be given by name; got a positional argument")
    return tensorflow.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name=name)
