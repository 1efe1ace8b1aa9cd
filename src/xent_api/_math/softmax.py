r"""Softmax cross entropy with logits: loss, gradient and diagonal of the Hessian of one row.

For the logits x of K classes, labels z with the sum Z, and a weight w,

.. math:: L = w\,(Z\,\log\sum_k e^{x_k} - \sum_j z_j x_j).

With m = max x, u = x - m <= 0, e = exp(u), and r the sum of all e but one that is 1,

.. math:: L = w\,(Z\,\log(1+r) - \sum_j z_j u_j)

    \partial L/\partial x_j = w\,((Z - z_j)\,p_j - z_j\,n_j), \qquad
    p = e/(1+r), \quad n = ((1-e) + r)/(1+r) = 1 - p.

n is computed as (f - e*f) + r*f with f = 1/(1+r): one product and one rounding less. For
labels in [0, Z] all terms of the loss are >= 0. r is summed without the 1 of the largest logit, so
that a confident prediction costs r, which may be 1e-30, and not 0; and n, the probability of all
other classes, is a sum too where the textbook's 1 - p rounds to 0. Classes that share the maximum
need no case of their own: one of them is the 1, the others stay in r.

The rows are the last axis; what belongs to a row keeps it with one element. Sums over the classes
are taken, and what follows of a row is computed, in the dtype `wide`, which costs next to nothing:
a row has one of it for K elements.

m is a constant in these lines: neither loss nor gradient depends on it.
"""

from .._typing import Array, DType, Namespace
from . import sums


def highest(xp: Namespace, x: Array) -> Array:
    """Return m = max x."""
    return xp.max(x, axis=-1, keepdims=True)


def step(xp: Namespace, x: Array, top: Array) -> Array:
    """Return u = x - m, which has to be 0 at the maximum.

    By name, so that a compiler's namespace can see to that: one that computes x anew for this line
    may leave out the rounding that m has.
    """
    return xp.subtract(x, top)


def all_but_one(xp: Namespace, e: Array, wide: DType) -> Array:
    """Return r, the sum of all `e` <= 1 without one of those that are 1.

    The floor is 1 where e is, and 0 elsewhere. That takes the ones out of the sum exactly, and
    leaves the derivative of e there: automatic differentiation sees the whole softmax.
    """
    ones = xp.floor(e)
    count = xp.astype(sums.added(xp, ones, e.dtype), wide)
    return sums.total(xp, e - ones, wide) + (count - 1.0)


def all_but_one_in_turn(xp: Namespace, e: Array, wide: DType) -> Array:
    """Return r by sums that wait for each other: for long rows under XLA, on CPUs.

    It computes those in one pass over a row, and two sums side by side from memory: twice the time
    of loss and gradient, of 1000 classes. A single one is left out of the second sum. Where there
    are several, the sum is that of all, below 0, and its sign tells that a 1 is to be subtracted.
    """
    ones = xp.floor(e)
    count = sums.added(xp, ones, e.dtype)
    several = xp.minimum(xp.abs(count - 1.0), xp.ones_like(count))
    signed = sums.added(xp, (e - ones * (1.0 - several)) * (1.0 - 2.0 * several), wide)
    size = xp.abs(
        signed
    )  # (in this order: XLA makes other kernels if it stands last, half as fast)
    below = -xp.minimum(signed, xp.zeros_like(signed))
    return size - xp.minimum(below, xp.ones_like(signed))


def others(beside: Array, at_label: Array) -> Array:
    """Return r from the sum of all e but that at the label, and from that.

    Where the label is the largest logit, the sum is r itself. Elsewhere its 1 is in the sum, and r
    needs no digits beyond those of 1 + r: the loss is at least log 2. So that none of the ones has
    to be looked for.
    """
    return beside + (at_label - 1.0)


def apart(xp: Namespace, classes: Array, labels: Array, size: int, dtype: DType) -> Array:
    """Return 0 at the label and 1 at all other ones of `size` classes.

    By arithmetic, because XLA's kernels of sums on CPUs take in `abs` and `minimum`, but neither
    comparisons nor `clip`, of which it keeps a whole array: a sum behind one takes 1.7 ns an
    element, behind these lines 0.3 (JAX 0.10).
    """
    if size >= 2**24:  # float32 does not tell such numbers apart
        return xp.astype(classes != labels, dtype)
    distance = xp.abs(xp.astype(classes, dtype) - xp.astype(labels, dtype))
    return xp.minimum(distance, xp.ones_like(distance))


def with_label(elsewhere: Array, number: Array, apart: Array) -> Array:
    """Return what is 0 at the label of each row with a number there.

    By arithmetic, too, and with e times `apart` in what is elsewhere: XLA then has one array for
    the sum and the gradient.
    """
    return elsewhere - number * (apart - 1.0)


def is_class(labels: Array, size: int) -> Array:
    """Tell the labels that are numbers of one of `size` classes."""
    return (labels >= 0) & (labels < size)


def at_label(xp: Namespace, x: Array, labels: Array, size: int) -> Array:
    """Return x at the label, or at the class nearest to a label that is none."""
    return xp.take_along_axis(x, xp.clip(labels, 0, size - 1), axis=-1)


def put(xp: Namespace, value: Array, labels: Array, size: int, number: Array) -> Array:
    """Return `value` with a number at the label of each row, or at the class nearest to it.

    Beyond the standard: for namespaces that have NumPy's function.
    """
    return xp.put_along_axis(value, xp.clip(labels, 0, size - 1), number, axis=-1)


def hard_linear(
    xp: Namespace, at_label: Array, step: Array, size: int, smoothing: float, wide: DType
) -> Array:
    """Return that part for one hard label of `size` classes, with u `at_label`."""
    if not smoothing:
        return -at_label
    spread = sums.total(xp, step, wide) * (smoothing / size)
    return -spread if smoothing == 1.0 else -(at_label * (1.0 - smoothing) + spread)


def smoothed(z: Array, mass: Array, size: int, smoothing: float) -> Array:
    """Return the labels of which `smoothing` is spread evenly, for labels of the sum `mass`."""
    return z * (1.0 - smoothing) + mass * (smoothing / size)


def hard_labels(size: int, smoothing: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return z and 1 - z of a smoothed hard label, and of the other classes."""
    share = smoothing / size
    return ((1.0 - smoothing) + share, smoothing - share), (share, 1.0 - share)


def loss(
    xp: Namespace, linear: Array, others: Array, mass: Array | None, weights: Array | None
) -> Array:
    """Return L of the rows, for labels of the sum `mass`; None stands for 1."""
    softplus = xp.log1p(others)
    value = linear + (softplus if mass is None else mass * softplus)
    return value if weights is None else xp.zero_if_infinite(value, weights) * weights


def factor(whole: Array, mass: Array | None, weights: Array | None) -> Array:
    """Return w*Z/S from S, the sum of all e; None stands for 1."""
    value = (1.0 if mass is None else mass) / whole
    return value if weights is None else value * weights


def gradient(p: Array, n: Array | None, z: Array | float, others: Array | float) -> Array:
    """Return dL/dx = (Z - z)*p - z*n from Z - z, `others`, and p and n times the weight.

    Where a label is hard one of the terms is 0, and the other one has all its digits.
    """
    # Numbers of 0 and 1 are those of a hard label: half of the steps are not needed.
    if n is None or (isinstance(z, float) and z == 0.0):
        return p if isinstance(others, float) and others == 1.0 else p * others
    if isinstance(others, float) and others == 0.0:
        return -z * n
    return p * others - z * n


def hessian(
    xp: Namespace, e: Array, others: Array, share: Array, factor: Array, error: Array | None
) -> Array:
    """Return d²L/dx² = w*Z*p*(1 - p), the diagonal, as that of q = min(p, 1 - p).

    From r, 1/S, w*Z/S, and what that was rounded by, where it was. Where 1 - p is the smaller one,
    e is 1 and it is r/S; so that no factor is a rounded difference from 1, of which few digits are
    left. The relative error of q*(1 - q) is that of q at most, and next to none around 1/2. (Which
    of the two forms is off by less was measured, over 1e8 elements each.)
    """
    smaller = xp.minimum(e, (1.0 - e) + others)
    value = smaller * factor
    if error is None:
        return smaller * (factor - value * share)
    return value - (value * (smaller * share) - smaller * error)


def all_but_each(part: Array, whole: Array, others: Array) -> Array:
    """Return f*(1 - e + r) from e*f, f and r*f: what all classes have but one.

    Exactly r*f for the largest, of which e is 1. For all others the difference is added to what is
    no smaller than it. That the factor is in each term saves a product, and the rounding of it.
    """
    return (whole - part) + others


def label_slope(
    xp: Namespace, z: Array, step: Array, others: Array, size: int, smoothing: float
) -> Array:
    """Return dL/dz = log(1 + r) - u for weights of 1, smoothed as the labels are.

    At a class that is switched off it would be infinite. There it is that of u = 0, because what
    made a label of 0 will multiply it by 0.
    """
    softplus = xp.log1p(others)
    u = xp.zero_if_infinite(step, z)
    if not smoothing:
        return softplus - u
    mean = sums.total(xp, u, u.dtype) / size
    if smoothing == 1.0:
        return (softplus - mean) + xp.zeros_like(u)
    return softplus - (u * (1.0 - smoothing) + mean * smoothing)
