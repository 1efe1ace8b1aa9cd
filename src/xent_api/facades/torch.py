"""The signatures of ``torch.nn.functional``."""

from typing import Any, cast

from .. import sigmoid_xent, softmax_xent, sparse_softmax_xent
from .._backends.marks import as_it_is
from .._backends.names import name_of
from .._checks.dtypes import FLOATING
from .._checks.options import check_ignored
from .._checks.shapes import same_shape
from .._typing import Array, Number, Reduction, Shape
from ._arguments import own_names, require

__all__ = ["binary_cross_entropy_with_logits", "cross_entropy"]
REDUCTIONS = ("none", "mean", "sum")


@as_it_is
def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Array | None = None,
) -> Array:
    """Return the logistic losses, or their sum or mean.

    Parameters
    ----------
    input : array, real floating
        Logits.
    target : array, shape of `input`
        Probabilities.
    weight : array, optional
        Factor of each loss. Broadcasts into the shape of `input`. The mean is divided by the number
        of losses, whatever they weigh.
    size_average, reduce : bool, optional
        Override `reduction` where one of them is given: "none" for a `reduce` that is false, else
        "sum" for a `size_average` that is false, else "mean".
    reduction : {"none", "mean", "sum"}, default "mean"
    pos_weight : array, optional
        Factor of the positive term. Broadcasts into the shape of `input`.

    Returns
    -------
    array
        In the dtype of `input`, float32 for half precision under ``torch.autocast``.

    Raises
    ------
    ValueError
        Where the shapes do not fit, or the reduction is another one.
    TypeError
        For arrays of different namespaces, or an unsuitable dtype.

    Notes
    -----
    A mean of nothing is 0, and NaN there. Labels of integers and booleans are taken.

    Examples
    --------
    >>> import numpy as np
    >>> print(binary_cross_entropy_with_logits(np.zeros(2), np.asarray([0.0, 1.0])))
    0.6931471805599453
    """
    require(input=input, target=target)
    with own_names(labels="target", logits="input", weights="weight"):
        return sigmoid_xent.loss(
            labels=target,
            logits=input,
            weights=weight,
            pos_weight=pos_weight,
            reduction=_reduction(size_average, reduce, reduction),
        )


@as_it_is
def cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: Number = 0.0,
) -> Array:
    """Return the softmax losses, or their sum or mean.

    Parameters
    ----------
    input : array, real floating
        Logits, with the classes in axis 1, or in axis 0 where there is no other.
    target : array
        Class indices, in the shape of `input` without the classes; or probabilities, in its shape.
    weight : array of shape (K,), optional
        Factor of each class.
    size_average, reduce : bool, optional
        Override `reduction`, as in `binary_cross_entropy_with_logits`.
    ignore_index : int, default -100
        Positions with this class index are not counted. There is none beside probabilities, where
        only a negative number is taken.
    reduction : {"none", "mean", "sum"}, default "mean"
        The mean is divided by the weights of the classes that are the labels ("weighted_mean"); for
        probabilities by the number of positions.
    label_smoothing : float, default 0.0
        Share of the labels that is spread evenly over all classes, in [0, 1].

    Returns
    -------
    array
        In the dtype of `input`, float32 for half precision under ``torch.autocast``.

    Raises
    ------
    ValueError
        Where the shapes do not fit, the reduction is another one, or there are probabilities and an
        `ignore_index` that is not negative.
    TypeError
        For arrays of different namespaces, or an unsuitable dtype.

    Notes
    -----
    A mean of nothing is 0, and NaN there. A class index out of range that is not ignored makes the
    loss NaN, and raises there. All integer dtypes are taken as class indices. Smoothing keeps the
    sum of probabilities, also where it is not 1.

    Examples
    --------
    >>> import numpy as np
    >>> logits, target = np.zeros((2, 3)), np.asarray([0, -100])
    >>> print(f"{cross_entropy(logits, target, weight=np.asarray([1.0, 2.0, 3.0])):.6f}")
    1.098612
    """
    require(input=input, target=target)
    check_ignored(ignore_index, "int64")
    names = {"labels": "target", "logits": "input", "class_weights": "weight"}
    chosen, shape = _reduction(size_average, reduce, reduction), getattr(input, "shape", ())
    given: dict[str, Any] = {"labels": target, "logits": input, "class_weights": weight}
    given |= {"label_smoothing": label_smoothing, "axis": 0 if len(shape) == 1 else 1}
    with own_names(**names):
        if not hasattr(target, "shape") or not same_shape(tuple(target.shape), tuple(shape)):
            _check_indices(target, tuple(shape))
            mean: Reduction = "weighted_mean" if chosen == "mean" else chosen
            return sparse_softmax_xent.loss(**given, ignore_index=ignore_index, reduction=mean)
        if name_of(target.dtype) not in FLOATING:
            raise TypeError(
                "`target` must be floating where it has the shape of `input`, as probabilities; "
                f"got {target.dtype}"
            )
        if ignore_index >= 0:
            raise ValueError(
                "`ignore_index` must be negative beside probabilities, which have no class index "
                f"to ignore; got {ignore_index}"
            )
        return softmax_xent.loss(**given, reduction=chosen)


def _check_indices(target: Array, shape: Shape) -> None:
    """Raise unless class indices have the shape of the logits without the classes."""
    found = tuple(getattr(target, "shape", shape[:1] + shape[2:]))
    wanted = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if shape and not same_shape(found, wanted):
        raise ValueError(
            f"`target` must have the shape of `input`, {shape}, without the classes, {wanted}, or "
            f"with them; got {found}"
        )


def _reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> Reduction:
    """Return the reduction, as the two older options have it where they are given."""
    if size_average is not None or reduce is not None:
        if reduce is not None and not reduce:
            return "none"
        return "mean" if size_average is None or size_average else "sum"
    if reduction not in REDUCTIONS:
        raise ValueError(f'`reduction` must be "none", "mean" or "sum"; got {reduction!r}')
    return cast("Reduction", reduction)
