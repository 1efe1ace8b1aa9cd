r"""Sigmoid cross entropy with logits: loss, derivatives and weights.

For logits that are independent of each other and need not exclude each other (multi-label
classification, binary regression). All functions take arrays of any one namespace of the Python
Array API standard and return arrays of that namespace, on the same device and of the dtype of
`logits`. float16 and bfloat16 are computed in float32 and rounded once.
"""

from ._checks.checker import SIGMOID
from ._family import computes, totals
from ._typing import Array, DType, Number, Reduction

__all__ = [
    "gradient",
    "gradient_and_hessian",
    "gradient_and_probabilities",
    "hessian_vector_product",
    "loss",
    "loss_and_gradient",
    "sigmoid_cross_entropy_with_logits",
    "total_weight",
]


@computes(SIGMOID, "loss")
def sigmoid_cross_entropy_with_logits(
    *,
    labels: Array,
    logits: Array,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    dtype: DType | None = None,
) -> Array:
    r"""Return the sigmoid cross entropy of `logits` x against `labels` z.

    .. math::

        L = w\,(q\,z'\,\mathrm{softplus}(-x) + (1-z')\,\mathrm{softplus}(x)),
        \qquad z' = z(1-a) + a/2

    with weight w, `pos_weight` q and `label_smoothing` a. Plain, this is
    ``-z*log(sigmoid(x)) - (1-z)*log(1-sigmoid(x))``, computed so that no digit is lost in either
    tail, at soft labels, or at infinite logits.

    Parameters
    ----------
    labels : array, shape of `logits`
        Probabilities z. Boolean and integer labels are cast; floating ones may not be wider than
        the dtype of the computation (float64 for float64 logits, else float32). Labels outside
        [0, 1] extend the formula linearly.
    logits : array, real floating
        Log-odds x = log(p/(1-p)); infinities are allowed.
    mask : boolean array, optional
        True where a position counts. Broadcasts into the shape of `logits`.
    ignore_index : int or float, optional
        Positions with this label are not counted. It is compared in the dtype of `labels`; NaN
        means that NaN labels are missing ones. Combined with `mask` by *and*.
    weights : array or number, optional
        Factor w of each position's loss, finite. Broadcasts into the shape of `logits`; floating
        arrays may be no wider than floating labels. A weight of 0 gives 0 even where the loss is
        infinite; NaN logits still give NaN. "mean" is divided by the number of positions,
        "weighted_mean" by the sum of the weights.
    pos_weight : array or number, optional
        Factor q of the positive term, finite, like `weights`.
    label_smoothing : float, default 0.0
        Strength a in [0, 1] with which labels are drawn towards 1/2, after ignoring.
    reduction : {"none", "sum", "mean", "weighted_mean"}, default "none"
        Sums are accumulated in float64 where the device has it. "weighted_mean" is the sum divided
        by `total_weight` of the same arguments.
    denominator : number or 0-d array, optional
        What the sum of "mean" is divided by; by default the number of kept positions. 0/0 is 0.
    dtype : dtype, optional
        Dtype of the loss, no narrower than `logits`; by default that of `logits`, and float32 for
        half precision under ``torch.autocast``. It widens the sum, not the computation.

    Returns
    -------
    array
        The losses, in the shape of `logits`, or their 0-d reduction, in `dtype`. At
        positions that are not kept the loss is exactly 0, whatever stands there.

    Raises
    ------
    TypeError
        For an argument that is no array, arrays of different namespaces, or an unsuitable dtype.
    ValueError
        For shapes or devices that do not fit together, or an option outside its range.

    See Also
    --------
    total_weight : the denominator of a weighted mean, or of one over many machines.

    Notes
    -----
    The name, and the meaning without options, are those of
    ``tf.nn.sigmoid_cross_entropy_with_logits``; all arguments are keyword-only because frameworks
    disagree about their order.

    Examples
    --------
    >>> import numpy as np
    >>> import xent_api as xa
    >>> logits = np.asarray([1.0, -1.0, 0.0])
    >>> labels = np.asarray([1.0, 1.0, 0.0])
    >>> xa.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    array([0.31326169, 1.31326169, 0.69314718])

    A missing label, and the mean over the others:

    >>> labels = np.asarray([1.0, np.nan, 0.0])
    >>> mean = xa.sigmoid_cross_entropy_with_logits(
    ...     labels=labels, logits=logits, ignore_index=np.nan, reduction="mean")
    >>> print(round(float(mean), 6))
    0.503204
    """


loss = sigmoid_cross_entropy_with_logits


@computes(SIGMOID, "gradient")
def gradient(
    *,
    labels: Array,
    logits: Array,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
) -> Array:
    r"""Return the derivative of the loss with respect to `logits`.

    .. math:: \partial L/\partial x = w\,((1-z')\,\sigma(x) - q\,z'\,\sigma(-x))

    Plain, ``sigmoid(x) - z``, but with all its digits: at x = 20 and z = 1 it is -2.06e-9, not 0.

    Parameters
    ----------
    labels, logits, mask, ignore_index, weights, pos_weight, label_smoothing, denominator
        As in `sigmoid_cross_entropy_with_logits`, with the same errors.
    reduction : {"none", "sum", "mean", "weighted_mean"}, default "none"
        The loss that is differentiated: "none" and "sum" give each position's own derivative,
        the means that divided by the denominator.

    Returns
    -------
    array, shape and dtype of `logits`

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sigmoid_xent
    >>> logits = np.asarray([0.0, 20.0, np.inf], dtype=np.float32)
    >>> sigmoid_xent.gradient(labels=np.ones(3, dtype=np.float32), logits=logits)
    array([-5.0000000e-01, -2.0611537e-09, -0.0000000e+00], dtype=float32)
    """


@computes(SIGMOID, "loss", "gradient")
def loss_and_gradient(  # type: ignore[empty-body]
    *,
    labels: Array,
    logits: Array,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    dtype: DType | None = None,
) -> tuple[Array, Array]:
    """Return the loss and its derivative with respect to `logits`, from one exponential.

    Parameters
    ----------
    labels, logits, mask, ignore_index, weights, pos_weight, label_smoothing, reduction,
    denominator, dtype
        As in `sigmoid_cross_entropy_with_logits`, with the same errors.

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
    >>> from xent_api import sigmoid_xent
    >>> value, slope = sigmoid_xent.loss_and_gradient(
    ...     labels=np.asarray([1, 0]), logits=np.zeros(2), reduction="mean")
    >>> print(round(float(value), 6), slope)
    0.693147 [-0.25  0.25]
    """


@computes(SIGMOID, "gradient", "hessian")
def gradient_and_hessian(  # type: ignore[empty-body]
    *,
    labels: Array,
    logits: Array,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
) -> tuple[Array, Array]:
    r"""Return the first derivative and the diagonal of the second with respect to `logits`.

    .. math:: \partial^2 L/\partial x^2 = w\,((1-z') + q\,z')\,\sigma(x)\,\sigma(-x)

    The loss is elementwise, so that the Hessian has no other entries.

    Parameters
    ----------
    labels, logits, mask, ignore_index, weights, pos_weight, label_smoothing, reduction, denominator
        As in `gradient`, with the same errors.

    Returns
    -------
    gradient : array, shape of `logits`
    hessian : array, shape of `logits`
        0 at infinite logits, NaN where the logit or the label is NaN.

    Examples
    --------
    The two that gradient boosting needs:

    >>> import numpy as np
    >>> from xent_api import sigmoid_xent
    >>> sigmoid_xent.gradient_and_hessian(labels=np.asarray([1, 0]), logits=np.zeros(2))
    (array([-0.5,  0.5]), array([0.25, 0.25]))
    """


@computes(SIGMOID, "gradient", "probabilities")
def gradient_and_probabilities(  # type: ignore[empty-body]
    *,
    labels: Array,
    logits: Array,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
) -> tuple[Array, Array]:
    r"""Return the derivative of the loss and the predicted probabilities, from one exponential.

    .. math:: p = \mathrm{sigmoid}(x)

    Parameters
    ----------
    labels, logits, mask, ignore_index, weights, pos_weight, label_smoothing, reduction,
    denominator
        As in `gradient`, with the same errors.

    Returns
    -------
    gradient : array, shape and dtype of `logits`
    probabilities : array, shape and dtype of `logits`
        They depend on `logits`, `mask` and `ignore_index` only. At positions that are not kept they
        are 0; for those of all positions see `xent_api.special.sigmoid`.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sigmoid_xent
    >>> slope, probabilities = sigmoid_xent.gradient_and_probabilities(
    ...     labels=np.asarray([1.0, 0.0]), logits=np.asarray([0.0, -40.0]))
    >>> print(slope, probabilities)
    [-5.00000000e-01  4.24835426e-18] [5.00000000e-01 4.24835426e-18]
    """


@computes(SIGMOID, "hessian_vector_product")
def hessian_vector_product(
    *,
    labels: Array,
    logits: Array,
    vector: Array,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
) -> Array:
    r"""Return the matrix of second derivatives with respect to `logits`, times a vector v.

    .. math:: H v = w\,(A + B)\,p\,(1 - p)\,v, \qquad p = \mathrm{sigmoid}(x)

    with A and B the coefficients of the two terms of the loss, without w: of the plain loss 1 - z
    and z. The matrix H is diagonal.

    Parameters
    ----------
    vector : array, shape of `logits`
        The vector v, of a dtype as an array of `weights`.
    labels, logits, mask, ignore_index, weights, pos_weight, label_smoothing, reduction,
    denominator
        As in `gradient`, with the same errors.

    Returns
    -------
    array, shape and dtype of `logits`
        Divided as the gradient is. 0 at positions that are not kept, whatever `vector` is there;
        NaN where the loss is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sigmoid_xent
    >>> x = np.zeros(2)
    >>> sigmoid_xent.hessian_vector_product(labels=x, logits=x, vector=np.asarray([1.0, 4.0]))
    array([0.25, 1.  ])
    """


@totals(SIGMOID)
def total_weight(
    *,
    labels: Array,
    logits: Array | None = None,
    mask: Array | None = None,
    ignore_index: Number | None = None,
    weights: Array | Number | None = None,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    denominator: Array | Number | None = None,
    dtype: DType | None = None,
) -> Array:
    """Return the sum of the weights of the kept positions.

    Without weights this is the default denominator of a mean, with weights that of "weighted_mean".
    Over many machines, add up both the sums of the losses and these.

    Parameters
    ----------
    labels : array
    mask, ignore_index, weights
        As in `sigmoid_cross_entropy_with_logits`, with the same errors; they broadcast into the
        shape of `labels`.
    logits, pos_weight, label_smoothing, reduction, denominator, dtype
        Not looked at, so that one dictionary of arguments serves the loss as well.

    Returns
    -------
    array, 0-d
        Without weights the number of kept positions, in the default integer dtype of the namespace.
        It is floating, right to 1 ulp, where that dtype has 32 bits and the array more elements
        than it holds, or an unknown number of them. With weights it has the dtype in which they are
        computed: float64 for float64 arrays, float32 for narrower ones; float64, where the device
        has it, for integers and Python numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import sigmoid_xent
    >>> labels = np.asarray([1, 0, -1])
    >>> print(sigmoid_xent.total_weight(labels=labels, ignore_index=-1))
    2
    """
