r"""Softmax cross entropy with logits against class indices: loss, derivatives and weights.

For classes of which exactly one is right. With a probability for each class see `softmax_xent`. All
functions take arrays of any one namespace of the Python Array API standard and return arrays of
that namespace, on the same device and of the dtype of `logits`. float16 and bfloat16 are computed
in float32 and rounded once.
"""

from ._checks.checker import SPARSE_SOFTMAX
from ._family import computes, totals
from ._typing import Array, Number, Reduction

__all__ = [
    "gradient",
    "gradient_and_hessian",
    "loss",
    "loss_and_gradient",
    "sparse_softmax_cross_entropy_with_logits",
    "total_weight",
]


@computes(SPARSE_SOFTMAX, "loss")
def sparse_softmax_cross_entropy_with_logits(
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
) -> Array:
    r"""Return the softmax cross entropy of `logits` x against the class indices `labels` y.

    .. math::

        L = w\,(\log\sum_k e^{x_k} - (1-a)\,x_y - \frac{a}{K}\sum_j x_j)

    over the K classes along `axis`, with weight w and `label_smoothing` a. No digit is lost where a
    prediction is confident, and classes may be switched off by logits of -inf.

    Parameters
    ----------
    labels : integer array, shape of `logits` without `axis`
        Class indices from 0 to K - 1. Any other number, unless it is ignored, gives NaN in its
        loss and its row of derivatives, on every device.
    logits : array, real floating
        Unnormalized log-probabilities x. A class whose logit is -inf is switched off; where it is
        the label the loss is +inf. A row that is -inf everywhere, or +inf anywhere, gives NaN.
    axis : int, default -1
        The axis of the classes.
    mask : boolean array, optional
        True where a row counts. Broadcasts into the shape of the loss.
    ignore_index : int or float, optional
        Rows with this label are not counted; it need not be a class index. Combined with `mask`
        by *and*.
    weights : array or number, optional
        Factor w of each row's loss, finite. Broadcasts into the shape of the loss; floating arrays
        may be no wider than the dtype of the computation (float64 for float64 logits, else
        float32). A weight of 0 gives 0 even where the loss is infinite; NaN logits still give NaN.
        A mean is divided by the number of rows, not by the sum of the weights: for that, give
        `total_weight` as `denominator`. For weights of classes give ``class_weights[labels]``, or
        with ignored labels that are no classes ``class_weights[xp.where(ignored, 0, labels)]``.
    label_smoothing : float, default 0.0
        Share a in [0, 1] of the labels that is spread evenly over all classes, after ignoring.
    reduction : {"none", "sum", "mean"}, default "none"
        Sums are accumulated in float64 where the device has it.
    denominator : number or 0-d array, optional
        What a mean's sum is divided by; by default the number of kept rows. 0/0 is 0.

    Returns
    -------
    array
        The losses, in the shape of `labels`, or their 0-d reduction, in the dtype of `logits`. At
        rows that are not kept the loss is exactly 0, whatever stands there.

    Raises
    ------
    TypeError
        For an argument that is no array, arrays of different namespaces, or an unsuitable dtype.
    ValueError
        For shapes or devices that do not fit together, or an option outside its range.

    See Also
    --------
    xent_api.softmax_xent.loss : the same with a probability for each class.
    xent_api.sigmoid_xent.loss : classes that need not exclude each other.

    Notes
    -----
    The name, and the meaning without options, are those of
    ``tf.nn.sparse_softmax_cross_entropy_with_logits``.

    Examples
    --------
    >>> import numpy as np
    >>> import xent_api as xa
    >>> logits = np.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    >>> xa.sparse_softmax_cross_entropy_with_logits(labels=np.asarray([0, 0, 1]), logits=logits)
    array([0.31326169, 1.31326169, 0.69314718])

    Labels of -1 are missing ones:

    >>> labels = np.asarray([0, -1, 1])
    >>> mean = xa.sparse_softmax_cross_entropy_with_logits(
    ...     labels=labels, logits=logits, ignore_index=-1, reduction="mean")
    >>> print(round(float(mean), 6))
    0.503204
    """


loss = sparse_softmax_cross_entropy_with_logits


@computes(SPARSE_SOFTMAX, "gradient")
def gradient(
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
) -> Array:
    r"""Return the derivative of the loss with respect to `logits`.

    .. math::

        \partial L/\partial x_j = w\,(p_j - (1-a)\,[j = y] - a/K), \qquad
        p = \mathrm{softmax}(x)

    Plain, ``softmax(x) - one_hot(y)``, but with all its digits, also where a prediction is
    confident.

    Parameters
    ----------
    labels, logits, axis, mask, ignore_index, weights, label_smoothing, denominator
        As in `sparse_softmax_cross_entropy_with_logits`, with the same errors.
    reduction : {"none", "sum", "mean"}, default "none"
        The loss that is differentiated: "none" and "sum" give each row's own derivative, "mean"
        that divided by the denominator.

    Returns
    -------
    array, shape and dtype of `logits`

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sparse_softmax_xent
    >>> logits = np.asarray([[40.0, 0.0]], dtype=np.float32)
    >>> sparse_softmax_xent.gradient(labels=np.asarray([0]), logits=logits)
    array([[-4.248354e-18,  4.248354e-18]], dtype=float32)
    """


@computes(SPARSE_SOFTMAX, "loss", "gradient")
def loss_and_gradient(  # type: ignore[empty-body]
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
) -> tuple[Array, Array]:
    """Return the loss and its derivative with respect to `logits`, from one exponential.

    Parameters
    ----------
    labels, logits, axis, mask, ignore_index, weights, label_smoothing, reduction, denominator
        As in `sparse_softmax_cross_entropy_with_logits`, with the same errors.

    Returns
    -------
    loss : array
        What `loss` returns.
    gradient : array, shape of `logits`
        What `gradient` returns.

    Examples
    --------
    The two that a solver needs:

    >>> import numpy as np
    >>> from xent_api import sparse_softmax_xent
    >>> value, slope = sparse_softmax_xent.loss_and_gradient(
    ...     labels=np.asarray([1, 0]), logits=np.zeros((2, 2)), reduction="mean")
    >>> print(round(float(value), 6), slope.tolist())
    0.693147 [[0.25, -0.25], [-0.25, 0.25]]
    """


@computes(SPARSE_SOFTMAX, "gradient", "hessian")
def gradient_and_hessian(  # type: ignore[empty-body]
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
) -> tuple[Array, Array]:
    r"""Return the first derivative and the diagonal of the second with respect to `logits`.

    .. math:: \partial^2 L/\partial x_j^2 = w\,p_j\,(1 - p_j), \qquad p = \mathrm{softmax}(x)

    Each row has a full matrix of second derivatives; gradient boosting takes its diagonal.

    Parameters
    ----------
    labels, logits, axis, mask, ignore_index, weights, label_smoothing, reduction, denominator
        As in `gradient`, with the same errors.

    Returns
    -------
    gradient : array, shape of `logits`
    hessian : array, shape of `logits`
        0 at a logit of -inf.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sparse_softmax_xent
    >>> slope, curvature = sparse_softmax_xent.gradient_and_hessian(
    ...     labels=np.asarray([2]), logits=np.zeros((1, 4)))
    >>> slope.tolist(), curvature.tolist()
    ([[0.25, 0.25, -0.75, 0.25]], [[0.1875, 0.1875, 0.1875, 0.1875]])
    """


@totals(SPARSE_SOFTMAX)
def total_weight(
    *,
    labels: Array,
    logits: Array | None = None,
    axis: int = -1,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
) -> Array:
    """Return the sum of the weights of the kept rows.

    Without weights this is the default denominator of a mean. With weights it is that of a weighted
    mean, when it is given as `denominator`. Over many machines, add up both the sums of the losses
    and these.

    Parameters
    ----------
    labels : integer array
    mask, ignore_index, weights
        As in `sparse_softmax_cross_entropy_with_logits`, with the same errors; they broadcast into
        the shape of `labels`.
    logits, axis, label_smoothing, reduction, denominator
        Not looked at, so that one dictionary of arguments serves the loss as well.

    Returns
    -------
    array, 0-d
        Without weights the number of kept rows, in the default integer dtype of the namespace. It
        is floating, right to 1 ulp, where that dtype has 32 bits and the array more elements than
        it holds, or an unknown number of them. With weights it has the dtype in which they are
        computed: float64 for float64 arrays, float32 for narrower ones; float64, where the device
        has it, for integers and Python numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sparse_softmax_xent
    >>> labels = np.asarray([2, 0, -1])
    >>> print(sparse_softmax_xent.total_weight(labels=labels, ignore_index=-1))
    2
    """
