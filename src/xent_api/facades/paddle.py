"""The signature of ``paddle.fluid.layers.sigmoid_cross_entropy_with_logits``."""

from .._backends.marks import as_it_is
from .._checks.checker import SIGMOID, TotalInputs, check
from .._engine.count import total_weight
from .._engine.plan import plan, run
from .._typing import Array, Number
from ._arguments import own_names, require, require_same_dtype

__all__ = ["sigmoid_cross_entropy_with_logits"]


@as_it_is
def sigmoid_cross_entropy_with_logits(
    x: Array,
    label: Array,
    ignore_index: Number = -100,
    name: str | None = None,
    normalize: bool = False,
) -> Array:
    """Return the logistic losses, elementwise, 0 at ignored labels.

    Parameters
    ----------
    x : array, real floating
        Logits.
    label : array, shape and dtype of `x`
        Probabilities.
    ignore_index : int or float, default -100
        Positions with this label have loss and gradient 0.
    name : str, optional
        Accepted and ignored: there is no graph whose operation it could name.
    normalize : bool, default False
        Whether each loss is divided by the number of labels that are not ignored, at least 1.

    Returns
    -------
    array, shape and dtype of `x`

    Raises
    ------
    ValueError
        Where an argument is missing or the shapes differ.
    TypeError
        Where the dtypes differ.

    Notes
    -----
    Paddle's own kernel converts labels to integers before it compares them with `ignore_index`, so
    that 0 ignores 0.3 as well; here the label must equal it. Where all labels are ignored, its
    `normalize` gives NaN, and this function 0.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([0.0, 1.0, 2.0, 0.0])
    >>> label = np.asarray([1.0, 0.5, -1.0, 0.0])
    >>> sigmoid_cross_entropy_with_logits(x, label, ignore_index=-1, normalize=True)
    array([0.23104906, 0.27108723, 0.        , 0.23104906])
    """
    require(x=x, label=label)
    require_same_dtype(label=label, x=x)
    defaults = {"label_smoothing": 0.0, "reduction": "none", "denominator": None}
    with own_names(labels="label", logits="x"):
        given = {"labels": label, "logits": x, "ignore_index": ignore_index}
        inputs = check(SIGMOID, given | defaults)
    arrays = inputs.arrays
    if normalize:
        labels = {"labels": arrays["labels"]}
        count = total_weight(TotalInputs(SIGMOID, inputs.backend, labels, None, inputs.ignored))
        arrays = arrays | {"denominator": count}
    (losses,) = run(plan(inputs, arrays, ("loss",), "none"), arrays)
    return losses
