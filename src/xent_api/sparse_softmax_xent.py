r"""Softmax cross entropy with logits against class indices: loss, derivatives and weights.

For classes of which exactly one is right. With a probability for each class see `softmax_xent`. All
functions take arrays of any one namespace of the Python Array API standard and return arrays of
that namespace, on the same device and of the dtype of `logits`. float16 and bfloat16 are computed
in float32 and rounded once.
"""

from ._checks.checker import SPARSE_SOFTMAX
from ._family import computes, totals
from ._shard import ClassShard
from ._typing import Array, DType, Number, Reduction

__all__ = [
    "gradient",
    "gradient_and_hessian",
    "gradient_and_probabilities",
    "hessian_vector_product",
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
    class_weights: Array | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    dtype: DType | None = None,
    shard: ClassShard | None = None,
) -> Array:
    r"""Return the softmax cross entropy of `logits` x against the class indices `labels` y.

    .. math::

        L = w \sum_j c_j z'_j\,(\log\sum_k e^{x_k} - x_j), \qquad z'_j = (1-a)\,[j = y] + a/K

    over the K classes along `axis`, with weight w, `class_weights` c and `label_smoothing` a. No
    digit is lost where a prediction is confident, and classes may be switched off by logits of
    -inf.

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
        "mean" is divided by the number of rows, "weighted_mean" by the sum of the weights.
    class_weights : array of shape (K,), optional
        Factor c of each class, finite and not negative, of a dtype as `weights`. It multiplies the
        label of its class after smoothing. A class of weight 0 counts as one of label 0. With
        "weighted_mean" this is what PyTorch's ``cross_entropy`` calls the mean.
    label_smoothing : float, default 0.0
        Share a in [0, 1] of the labels that is spread evenly over all classes, after ignoring.
    reduction : {"none", "sum", "mean", "weighted_mean"}, default "none"
        Sums are accumulated in float64 where the device has it. "weighted_mean" is the sum divided
        by `total_weight` of the same arguments.
    denominator : number or 0-d array, optional
        What the sum of "mean" is divided by; by default the number of kept rows. 0/0 is 0.
    dtype : dtype, optional
        Dtype of the loss, no narrower than `logits`; by default that of `logits`, and float32 for
        half precision under ``torch.autocast``. It widens the sum, not the computation.
    shard : ClassShard, optional
        Where the classes lie on several devices, which of them this one has. What has their shape
        is local then, among arguments and results: see `xent_api.ClassShard`.

    Returns
    -------
    array
        The losses, in the shape of `labels`, or their 0-d reduction, in `dtype`. At
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
    class_weights: Array | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    shard: ClassShard | None = None,
) -> Array:
    r"""Return the derivative of the loss with respect to `logits`.

    .. math::

        \partial L/\partial x_j = w\,(p_j \sum_k c_k z'_k - c_j z'_j), \qquad
        p = \mathrm{softmax}(x), \quad z'_j = (1-a)\,[j = y] + a/K

    Plain, ``softmax(x) - one_hot(y)``, but with all its digits, also where a prediction is
    confident.

    Parameters
    ----------
    labels, logits, axis, mask, ignore_index, weights, class_weights, label_smoothing, denominator,
    shard
        As in `sparse_softmax_cross_entropy_with_logits`, with the same errors.
    reduction : {"none", "sum", "mean", "weighted_mean"}, default "none"
        The loss that is differentiated: "none" and "sum" give each row's own derivative, the
        means that divided by the denominator.

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
    class_weights: Array | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    dtype: DType | None = None,
    shard: ClassShard | None = None,
) -> tuple[Array, Array]:
    """Return the loss and its derivative with respect to `logits`, from one exponential.

    Parameters
    ----------
    labels, logits, axis, mask, ignore_index, weights, class_weights, label_smoothing,
    reduction, denominator, dtype, shard
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
    class_weights: Array | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    shard: ClassShard | None = None,
) -> tuple[Array, Array]:
    r"""Return the first derivative and the diagonal of the second with respect to `logits`.

    .. math:: \partial^2 L/\partial x_j^2 = w\,p_j\,(1 - p_j), \qquad p = \mathrm{softmax}(x)

    Each row has a full matrix of second derivatives; gradient boosting takes its diagonal.

    Parameters
    ----------
    labels, logits, axis, mask, ignore_index, weights, class_weights, label_smoothing,
    reduction, denominator, shard
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


@computes(SPARSE_SOFTMAX, "gradient", "probabilities")
def gradient_and_probabilities(  # type: ignore[empty-body]
    *,
    labels: Array,
    logits: Array,
    axis: int = -1,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    class_weights: Array | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    shard: ClassShard | None = None,
) -> tuple[Array, Array]:
    r"""Return the derivative of the loss and the predicted probabilities, from one exponential.

    .. math:: p = \mathrm{softmax}(x)

    Parameters
    ----------
    labels, logits, axis, mask, ignore_index, weights, class_weights, label_smoothing,
    reduction, denominator, shard
        As in `gradient`, with the same errors.

    Returns
    -------
    gradient : array, shape and dtype of `logits`
    probabilities : array, shape and dtype of `logits`
        They depend on `logits`, `mask` and `ignore_index` only. At rows that are not kept they are
        0; for those of all rows see `xent_api.special.softmax`.

    Examples
    --------
    The accuracy of the predictions, from the pass that gives the gradient:

    >>> import numpy as np
    >>> from xent_api import sparse_softmax_xent
    >>> labels = np.asarray([1, 0])
    >>> slope, probabilities = sparse_softmax_xent.gradient_and_probabilities(
    ...     labels=labels, logits=np.asarray([[0.0, 1.0], [0.0, 3.0]]), reduction="mean")
    >>> print(np.mean(np.argmax(probabilities, axis=-1) == labels))
    0.5
    """


@computes(SPARSE_SOFTMAX, "hessian_vector_product")
def hessian_vector_product(
    *,
    labels: Array,
    logits: Array,
    vector: Array,
    axis: int = -1,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    class_weights: Array | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    shard: ClassShard | None = None,
) -> Array:
    r"""Return the matrix of second derivatives with respect to `logits`, times a vector v.

    .. math::

        (H v)_j = w\,Z\,p_j\,(v_j - \sum_k p_k v_k), \qquad
        p = \mathrm{softmax}(x), \quad Z = \sum_k c_k z'_k

    with the smoothed labels z', which without smoothing are 1 at the class index and 0 elsewhere.
    The matrix H of each row, of K times K numbers, is not made. This is what conjugate-gradient and
    newton-cg solvers ask for.

    Parameters
    ----------
    vector : array, shape of `logits`
        The vector v, of a dtype as an array of `weights`.
    labels, logits, axis, mask, ignore_index, weights, class_weights, label_smoothing,
    reduction, denominator, shard
        As in `gradient`, with the same errors.

    Returns
    -------
    array, shape and dtype of `logits`
        Divided as the gradient is. 0 at rows that are not kept, whatever `vector` is there; NaN
        where the loss is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sparse_softmax_xent
    >>> sparse_softmax_xent.hessian_vector_product(
    ...     labels=np.asarray([1]), logits=np.zeros((1, 2)), vector=np.asarray([[1.0, 0.0]]))
    array([[ 0.25, -0.25]])
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
    class_weights: Array | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    dtype: DType | None = None,
    shard: ClassShard | None = None,
) -> Array:
    """Return the sum of the weights of the kept rows: each is its weight times that of its class.

    Without weights this is the default denominator of a mean, with weights that of "weighted_mean".
    Over many machines, add up both the sums of the losses and these.

    Parameters
    ----------
    labels : integer array
    mask, ignore_index, weights, class_weights, shard
        As in `sparse_softmax_cross_entropy_with_logits`, with the same errors; mask and weights
        broadcast into the shape of `labels`. With class weights a label that is no class makes the
        total NaN, unless it is ignored.
    logits, axis, label_smoothing, reduction, denominator, dtype
        Not looked at, so that one dictionary of arguments serves the loss as well.

    Returns
    -------
    array, 0-d
        Without weights the number of kept rows, in the default integer dtype of the namespace. It
        is floating, right to 1 ulp, where that dtype has 32 bits and the array more elements than
        it holds, or an unknown number of them. With weights it has the dtype in which they are
        computed, the wider of the two: float64 for float64 arrays, float32 for narrower ones;
        float64, where the device has it, for integers and Python numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sparse_softmax_xent
    >>> labels = np.asarray([2, 0, -1])
    >>> print(sparse_softmax_xent.total_weight(labels=labels, ignore_index=-1))
    2
    """
