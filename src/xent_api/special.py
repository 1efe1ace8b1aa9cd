r"""Sigmoid, softplus, softmax and their logarithms, accurate in both tails, for any namespace.

They are what the losses are made of, and computed by the same lines: within 4 ulp of the exact
value (0.51 in half precision), of rows plus the rounding of the differences x - max x. They take
real floating arrays of any one namespace of the Python Array API standard and return arrays of that
namespace, on the same device and of the same dtype. float16 and bfloat16 are computed in float32
and rounded once. Libraries with automatic differentiation see the derivatives in closed form.
"""

from ._backends.marks import as_it_is
from ._engine.special import special
from ._shard import ClassShard
from ._typing import Array

__all__ = ["log_sigmoid", "log_softmax", "logsumexp", "sigmoid", "softmax", "softplus"]


@as_it_is
def sigmoid(x: Array, /) -> Array:
    r"""Return the sigmoid function, elementwise.

    .. math:: 1/(1 + e^{-x})

    Parameters
    ----------
    x : array, real floating

    Returns
    -------
    array, shape and dtype of `x`
        0 at -inf and 1 at +inf.

    Raises
    ------
    TypeError
        For what is no real floating array of a namespace of the standard.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import special
    >>> special.sigmoid(np.asarray([-40.0, 0.0, 40.0]))
    array([4.24835426e-18, 5.00000000e-01, 1.00000000e+00])
    """
    return special("sigmoid", x)


@as_it_is
def log_sigmoid(x: Array, /) -> Array:
    r"""Return the logarithm of the sigmoid function, elementwise.

    .. math:: \log(1/(1 + e^{-x})) = -\mathrm{softplus}(-x)

    Parameters
    ----------
    x : array, real floating

    Returns
    -------
    array, shape and dtype of `x`
        -inf at -inf and 0 at +inf.

    Raises
    ------
    TypeError
        For what is no real floating array of a namespace of the standard.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import special
    >>> special.log_sigmoid(np.asarray([-40.0, 0.0, 20.0]))
    array([-4.00000000e+01, -6.93147181e-01, -2.06115362e-09])
    """
    return special("log_sigmoid", x)


@as_it_is
def softplus(x: Array, /) -> Array:
    r"""Return the softplus function, elementwise.

    .. math:: \log(1 + e^x)

    Parameters
    ----------
    x : array, real floating

    Returns
    -------
    array, shape and dtype of `x`
        0 at -inf and +inf at +inf.

    Raises
    ------
    TypeError
        For what is no real floating array of a namespace of the standard.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import special
    >>> special.softplus(np.asarray([-20.0, 0.0, 40.0]))
    array([2.06115362e-09, 6.93147181e-01, 4.00000000e+01])
    """
    return special("softplus", x)


@as_it_is
def softmax(x: Array, /, *, axis: int = -1, shard: ClassShard | None = None) -> Array:
    r"""Return the softmax function along an axis.

    .. math:: e^{x_j}/\sum_k e^{x_k}

    Parameters
    ----------
    x : array, real floating
        -inf switches a class off. A row that is -inf everywhere, or +inf anywhere, gives NaN.
    axis : int, default -1
        The axis of the classes. (SciPy's default is all axes.)
    shard : ClassShard, optional
        Where the classes lie on several devices, which of them this one has: see
        `xent_api.ClassShard`.

    Returns
    -------
    array, shape and dtype of `x`

    Raises
    ------
    TypeError
        For what is no real floating array of a namespace of the standard, an `axis` that is no int,
        and a `shard` that is no `ClassShard`.
    ValueError
        For an `axis` that `x` does not have, and more classes than the `size` of `shard`.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import special
    >>> special.softmax(np.asarray([40.0, 0.0, -np.inf]))
    array([1.00000000e+00, 4.24835426e-18, 0.00000000e+00])
    """
    return special("softmax", x, axis=axis, shard=shard)


@as_it_is
def log_softmax(x: Array, /, *, axis: int = -1, shard: ClassShard | None = None) -> Array:
    r"""Return the logarithm of the softmax function along an axis.

    .. math:: x_j - \log\sum_k e^{x_k}

    Parameters
    ----------
    x : array, real floating
        -inf switches a class off. A row that is -inf everywhere, or +inf anywhere, gives NaN.
    axis : int, default -1
        The axis of the classes. (SciPy's default is all axes.)
    shard : ClassShard, optional
        Where the classes lie on several devices, which of them this one has: see
        `xent_api.ClassShard`.

    Returns
    -------
    array, shape and dtype of `x`

    Raises
    ------
    TypeError
        For what is no real floating array of a namespace of the standard, an `axis` that is no int,
        and a `shard` that is no `ClassShard`.
    ValueError
        For an `axis` that `x` does not have, and more classes than the `size` of `shard`.

    Examples
    --------
    A confident prediction keeps its digits:

    >>> import numpy as np
    >>> from xent_api import special
    >>> special.log_softmax(np.asarray([40.0, 0.0]))
    array([-4.24835426e-18, -4.00000000e+01])
    """
    return special("log_softmax", x, axis=axis, shard=shard)


@as_it_is
def logsumexp(
    x: Array,
    /,
    *,
    axis: int = -1,
    keepdims: bool = False,
    shard: ClassShard | None = None,
) -> Array:
    r"""Return the logarithm of the sum of exponentials along an axis.

    .. math:: \log\sum_k e^{x_k}

    Parameters
    ----------
    x : array, real floating
    axis : int, default -1
        The axis of the classes. (SciPy's default is all axes.)
    keepdims : bool, default False
        Whether the axis stays, with one element.
    shard : ClassShard, optional
        Where the classes lie on several devices, which of them this one has: see
        `xent_api.ClassShard`.

    Returns
    -------
    array, shape of `x` without `axis`, dtype of `x`
        -inf, with a derivative of 0, for a row that is -inf everywhere or has no classes; +inf for
        one with +inf. The error is at most 4 eps times (abs(max x) + log(sum exp(x - max x))).

    Raises
    ------
    TypeError
        For what is no real floating array of a namespace of the standard, an `axis` that is no int,
        and a `shard` that is no `ClassShard`.
    ValueError
        For an `axis` that `x` does not have, and more classes than the `size` of `shard`.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_api import special
    >>> special.logsumexp(np.asarray([[1000.0, 1000.0], [-np.inf, -np.inf]]))
    array([1000.69314718,          -inf])
    """
    return special("logsumexp", x, axis=axis, keepdims=keepdims, shard=shard)
