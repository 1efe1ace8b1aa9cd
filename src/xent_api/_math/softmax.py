r"""Softmax cross entropy with logits: terms, loss, gradient and diagonal of the Hessian of a row.

For the logits x of K classes, labels z with the sum Z, and a weight w,

.. math:: L = w\,(Z\,\log\sum_k e^{x_k} - \sum_j z_j x_j).

With m = max x, u = x - m <= 0, e = exp(u), and r the sum of all e but one that is 1,

.. math:: L = w\,(Z\,\log(1+r) - \sum_j z_j u_j)

    \partial L/\partial x_j = w\,((Z - z_j)\,p_j - z_j\,n_j), \qquad
    p = e/(1+r), \quad n = ((1-e) + r)/(1+r) = 1 - p.

The labels z are those that are meant: of a part a of the labels that is spread evenly (smoothing),
and of a weight c for each class, with Z their sum,

.. math:: z_j = c_j\,(z_j^0\,(1-a) + a\,Z^0/K), \qquad
    Z = (1-a) \sum_j c_j z_j^0 + a\,Z^0 \sum_j c_j/K.

For labels in [0, Z] all terms of the loss are >= 0. r is summed without the 1 of the largest logit,
so that a confident prediction costs r, which may be 1e-30, and not 0; and n, the probability of all
other classes, is a sum too where the textbook's 1 - p rounds to 0. Classes that share the maximum
need no case of their own: one of them is the 1, the others stay in r.

A class index y stands for labels that are 1 at y and 0 elsewhere. With b, the sum of all e but that
at y, there is no sum without the maximum to be taken: r = b + (e_y - 1). Where y has the maximum
that is b itself. Elsewhere its 1 is in b, and r needs no digits beyond those of 1 + r: the loss is
at least log 2.

Sums over the classes are taken, and what follows of a row is computed, in the dtype `wide`, which
costs next to nothing: a row has one of it for K elements.
"""

from math import nan
from typing import Any, NamedTuple

from .._typing import Array, DType, Namespace
from .mean import divided
from .ops import LabelPlace


class Rows(NamedTuple):
    """How rows are computed, and what is done to their labels."""

    size: Any
    """K, the number of classes: an int, or a symbol for one."""
    smoothing: float
    compute: DType
    """The dtype of what each class has."""
    wide: DType
    """The dtype of what each row has."""
    of_loss: bool
    """Whether derivatives are those of the loss; else they are those of its gradient."""


class Terms(NamedTuple):
    """What loss, gradient and Hessian share, so that one exponential of each class serves all."""

    rows: Rows
    u: Array
    e: Array
    r: Array
    """The sum of all e but one that is 1; NaN where the label is no class."""
    partition: Array
    """S = 1 + r, the sum of all e."""
    labels: Array | None
    """z, where there is a label for each class."""
    mass: Array | None
    """Z; None stands for 1."""
    class_weights: Any
    """c; None stands for 1."""
    weights: Array | None
    """w; None stands for 1."""
    denominator: Array | float | None
    """What the derivatives of a mean are divided by, in the factor that all classes of a row have:
    once for a row."""


class Label(NamedTuple):
    """What there is of a class index, besides."""

    at: LabelPlace
    u: Array
    """u at the label."""
    e: Array
    """e at the label."""
    rest: Array
    """e, but 0 at the label."""
    b: Array
    """The sum of the rest."""
    defined: Array
    """1 where the label is a class, else NaN."""
    weight: Array | None
    """c at the label, where it is not in w; None stands for 1."""
    mean: Array | None
    """The mean of all c, beside that."""


def dense_terms(
    ops: Namespace,
    rows: Rows,
    x: Array,
    z: Array,
    class_weights: Array | None,
    weights: Array | float | None,
    denominator: Array | float | None,
) -> Terms:
    """Return the terms for a label of each class."""
    total = ops.row_sum(z, rows.wide)
    weighted, mass = z, total
    if class_weights is not None:
        weighted = z * class_weights
        mass = ops.row_sum(weighted, rows.wide)

    def at_label(m: Array) -> Array:
        at_max = ops.plain_row_sum(ops.where(x == m, weighted, 0.0), rows.wide)
        return at_max * 2.0 >= mass

    m = _maximum(ops, rows, x, at_label)
    known = _exponentials(ops, x, m)
    r = ops.sum_excluding_max(known[1], rows.wide)
    r, (u, e) = ops.recomputed(r, known, _exponentials, x, m)
    labels = weighted
    if rows.smoothing:
        labels = _smoothed(ops, rows, z, total)
        if class_weights is not None:
            labels = labels * class_weights
            spread = total * _mean(ops, rows, class_weights)
            mass = ops.mixture(mass, spread, rows.smoothing)
    w = row_weights(ops, weights, r)
    return Terms(rows, u, e, r, 1.0 + r, labels, mass, class_weights, w, denominator)


def sparse_terms(
    ops: Namespace,
    rows: Rows,
    x: Array,
    classes: Array,
    labels: Array,
    keep: Array | None,
    class_weights: Array | None,
    weights: Array | float | None,
    denominator: Array | float | None,
) -> tuple[Terms, Label]:
    """Return the terms for a class index, of which one that is no class makes the row NaN.

    Not where the row is not kept: tools that look for NaN would find it on the way. Without
    smoothing the weight of the class is a factor of the row.
    """
    at = ops.place(classes, labels, rows.compute)
    chosen = ops.take_label(x, at)
    m = _maximum(ops, rows, x, lambda m: chosen == m)
    u, e = _exponentials(ops, x, m)
    u_label = ops.shift(ops.cast(chosen, rows.wide), ops.cast(m, rows.wide))
    rest, e_label = ops.zero_at_label(e, at), ops.exp(u_label)
    b = ops.row_sum(rest, rows.wide)
    # Every output depends on one of these, and so does every derivative: as a factor.
    right = _is_class_or_left_out(labels, rows.size, keep)
    defined = ops.where(right, ops.ones_like(b), nan)
    r, partition = (b + (e_label - 1.0)) * defined, (b + e_label) * defined
    w, weight, mean, mass = row_weights(ops, weights, r), None, None, None
    if class_weights is not None:
        weight = ops.cast(ops.take_class(class_weights, at), rows.wide)
        if rows.smoothing:
            mean = _mean(ops, rows, class_weights)
            mass = ops.mixture(weight, mean, rows.smoothing)
            # The loss may be next to nothing wherever the label is, if its class weighs nothing.
            r = ops.sum_excluding_max(e, rows.wide) * defined
            partition = 1.0 + r
        else:
            w, weight = weight if w is None else w * weight, None
    terms = Terms(rows, u, e, r, partition, None, mass, class_weights, w, denominator)
    return terms, Label(at, u_label, e_label, rest, b, defined, weight, mean)


def dense_weight(
    ops: Namespace, rows: Rows, z: Array, class_weights: Array, weights: Array | float | None
) -> Array:
    """Return the weight of the rows: the sum of the labels times the weights of their classes."""
    value = ops.row_sum(z * class_weights, rows.wide)
    return _times_weights(ops, value, weights)


def sparse_weight(
    ops: Namespace,
    rows: Rows,
    classes: Array,
    labels: Array,
    keep: Array | None,
    class_weights: Array,
    weights: Array | float | None,
) -> Array:
    """Return the weight of the rows: that of the class, NaN where the label is none and counts."""
    at = ops.place(classes, labels, rows.compute)
    value = ops.cast(ops.take_class(class_weights, at), rows.wide)
    value = ops.where(_is_class_or_left_out(labels, rows.size, keep), value, nan)
    return _times_weights(ops, value, weights)


def dense_class_share(
    ops: Namespace,
    _rows: Rows,
    z: Array,
    _class_weights: Array | None,
    weights: Array | float | None,
) -> Array:
    """Return the derivative of the weight of the rows by the weights of their classes: w*z."""
    w = row_weights(ops, weights, z)
    return z if w is None else z * w


def sparse_class_share(
    ops: Namespace,
    rows: Rows,
    classes: Array,
    labels: Array,
    _keep: Array | None,
    _class_weights: Array | None,
    weights: Array | float | None,
) -> Array:
    """Return the same for class indices: w at the label, 0 elsewhere."""
    at = ops.place(classes, labels, rows.compute)
    ones = ops.ones_like(ops.cast(labels, rows.compute))
    zeros = ops.zeros_like(ops.cast(classes, rows.compute)) + ops.zeros_like(ones)
    w = row_weights(ops, weights, ones)
    return ops.set_at_label(zeros, at, ones if w is None else w + ops.zeros_like(ones))


def class_factor(
    ops: Namespace,
    _rows: Rows,
    z: Array,
    class_weights: Array,
    weights: Array | float | None,
) -> Array:
    """Return the derivative of the weight of the rows by their labels: w*c."""
    w = row_weights(ops, weights, z)
    value = ops.zeros_like(z) + class_weights
    return value if w is None else value * w


def _times_weights(ops: Namespace, value: Array, weights: Array | float | None) -> Array:
    w = row_weights(ops, weights, value)
    return value if w is None else value * w


def _is_class_or_left_out(labels: Array, size: int, keep: Array | None) -> Array:
    """Tell the rows whose label is the number of one of `size` classes, or is not kept."""
    valid = (labels >= 0) & (labels < size)
    return valid if keep is None else valid | ~keep


def row_weights(ops: Namespace, weights: Array | float | None, like: Array) -> Array | None:
    """Return the weights of rows in the dtype of `like`."""
    if weights is None:
        return None
    if isinstance(weights, float):
        return ops.zeros_like(like) + weights
    return ops.cast(weights, like.dtype)


def dense_loss(ops: Namespace, t: Terms, _: Array) -> Array:
    """Return L of the rows for a label of each class."""
    u = t.u
    if t.weights is not None:
        u = ops.finite_if_weighted_by_0(u, t.weights)
    products = ops.product_or_zero(t.labels, u)
    return _loss(ops, t, -ops.row_sum(products, t.rows.wide))


def sparse_loss(ops: Namespace, t: Terms, label: Label) -> Array:
    """Return L of the rows for a class index."""
    size, smoothing, _, wide, _ = t.rows
    if not smoothing:
        return _loss(ops, t, -label.u)
    kept = 0.0 if _is(smoothing, 1.0) else label.u * (1.0 - smoothing)
    u = t.u
    if label.weight is not None:
        kept = ops.product_or_zero(label.weight * (1.0 - smoothing), label.u)
        u = ops.product_or_zero(t.class_weights, u)
    spread = ops.row_sum(u, wide) * (smoothing / size)
    return _loss(ops, t, -(kept + spread))


def dense_gradient(ops: Namespace, t: Terms, _: Array) -> Array:
    """Return dL/dx for a label of each class."""
    factor = _factor(ops, t, None, t.partition)
    p = t.e * _narrow(ops, t, factor)
    n = _complement(ops, t, p, factor)
    return _gradient(p, n, t.labels, _narrow(ops, t, t.mass) - t.labels)


def sparse_gradient(ops: Namespace, t: Terms, label: Label) -> Array:
    """Return dL/dx for a class index."""
    size, smoothing = t.rows.size, t.rows.smoothing
    share, factor = smoothing / size if smoothing else 0.0, _factor(ops, t, None, t.partition)
    ends, each = ((1.0 - smoothing) + share, smoothing - share), (share, 1.0 - share)
    if label.weight is not None:
        mean: Array = label.mean  # which is there, too
        remaining = mean * smoothing - label.weight * share
        ends, share = (label.weight * ends[0], remaining), share * t.class_weights
        each = share, _narrow(ops, t, t.mass) - share
    at_label = _gradient(label.e * factor, label.b * factor, *ends)
    p = label.rest * _narrow(ops, t, factor)
    n = _complement(ops, t, p, factor) if smoothing else None
    others = _gradient(p, n, *each)
    return ops.set_at_label(others, label.at, _narrow(ops, t, at_label))


def dense_hessian(ops: Namespace, t: Terms, _: Array) -> Array:
    """Return d²L/dx² for a label of each class."""
    return _hessian(ops, t, t.r, t.partition)


def sparse_hessian(ops: Namespace, t: Terms, label: Label) -> Array:
    """Return the same for a class index, with an r that has all digits wherever the label is."""
    r = ops.sum_excluding_max(t.e, t.rows.wide) * label.defined
    return _hessian(ops, t, r, 1.0 + r)


def _hessian(ops: Namespace, t: Terms, r: Array, partition: Array) -> Array:
    """Return d²L/dx² = w*Z*p*(1 - p), the diagonal, as that of h = min(p, 1 - p).

    Where 1 - p is the smaller one, e is 1 and it is r/S; so that no factor is a rounded difference
    from 1, of which few digits are left. The relative error of h*(1 - h) is that of h at most, and
    next to none around 1/2. (Which of the two forms is off by less was measured, over 1e8 elements
    each.)
    """
    factor = _factor(ops, t, t.mass, partition)
    rounded, share = _narrow(ops, t, factor), _narrow(ops, t, 1.0 / partition)
    smaller = ops.minimum(t.e, (1.0 - t.e) + _narrow(ops, t, r))
    value = smaller * rounded
    if t.rows.compute == t.rows.wide:
        return smaller * (rounded - value * share)
    error = _narrow(ops, t, factor - ops.cast(rounded, t.rows.wide))
    return value - (value * (smaller * share) - smaller * error)


def probabilities(ops: Namespace, t: Terms, _: Array) -> Array:
    """Return p."""
    return t.e * _narrow(ops, t, 1.0 / t.partition)


def sparse_probabilities(ops: Namespace, t: Terms, _: Label) -> Array:
    """Return p, which does not depend on the label: it may be no class."""
    return t.e * _narrow(ops, t, 1.0 / ops.row_sum(t.e, t.rows.wide))


def hessian_vector_product(ops: Namespace, t: Terms, vector: Array) -> Array:
    """Return the matrix of second derivatives times a vector v: w*Z*p*(v - sum(p*v))."""
    factor = _factor(ops, t, t.mass, t.partition)
    mean = ops.row_sum(t.e * vector, t.rows.wide) / t.partition
    return (t.e * _narrow(ops, t, factor)) * (vector - _narrow(ops, t, mean))


def label_slope(ops: Namespace, t: Terms, z: Array) -> Array:
    """Return dL/dz = w*(log(1 + r) - u), weighted and smoothed as the labels are.

    At a class that is switched off it would be infinite. There it is that of u = 0, because what
    made a label of 0 will multiply it by 0.
    """
    softplus, u = _softplus(ops, t), ops.zero_if_infinite(t.u, z)
    if t.class_weights is not None:
        slope = _averaged(ops, t, ops.product_or_zero(t.class_weights, softplus - u))
    else:
        slope = softplus - _averaged(ops, t, u)
    return _weighted_class(ops, t, slope)


def _averaged(ops: Namespace, t: Terms, value: Array) -> Array:
    """Return what each class has, of which `smoothing` is the mean of the row."""
    size, smoothing = t.rows.size, t.rows.smoothing
    if not smoothing:
        return value
    mean = ops.row_sum(value, value.dtype) / size
    kept = ops.zeros_like(value) if _is(smoothing, 1.0) else value * (1.0 - smoothing)
    return kept + mean * smoothing


def class_weight_slope(ops: Namespace, t: Terms, z: Array) -> Array:
    """Return dL/dc = w*z*(log(1 + r) - u), with z smoothed and not weighted."""
    if t.rows.smoothing:
        z = _smoothed(ops, t.rows, z, ops.row_sum(z, t.rows.wide))
    return _weighted_class(ops, t, ops.product_or_zero(z, _softplus(ops, t) - t.u))


def sparse_class_weight_slope(ops: Namespace, t: Terms, label: Label) -> Array:
    """Return the same for a class index."""
    size, smoothing = t.rows.size, t.rows.smoothing
    others, at_label = ops.zeros_like(t.u), ops.log1p_rest(t.r, size, t.rows.compute) - label.u
    if smoothing:
        r = ops.sum_excluding_max(t.e, t.rows.wide) * label.defined
        others = (_softplus(ops, t._replace(r=r)) - t.u) * (smoothing / size)
        at_label = at_label * ((1.0 - smoothing) + smoothing / size)
    found = ops.set_at_label(others, label.at, _narrow(ops, t, at_label))
    return _weighted_class(ops, t, found * _narrow(ops, t, label.defined))


def _softplus(ops: Namespace, t: Terms) -> Array:
    """Return log(1 + r) beside what each class has."""
    return ops.log1p_rest(_narrow(ops, t, t.r), t.rows.size, t.rows.compute)


def _weighted_class(ops: Namespace, t: Terms, value: Array) -> Array:
    """Return what each class has times the weight of the row."""
    return _weighted(ops, value, None if t.weights is None else _narrow(ops, t, t.weights))


def _maximum(ops: Namespace, rows: Rows, x: Array, at_label: Any) -> Array:
    """Return m as automatic differentiation should see it.

    Neither loss nor gradient depends on it, but the choice decides what cancels. Where the loss is
    differentiated, m is a variable in rows whose label has the maximum (`at_label`), and a constant
    in others. Where the gradient is, it is the reverse.
    """
    m = ops.row_max(x)
    return ops.constant_unless(m, lambda: at_label(m) if rows.of_loss else ~at_label(m))


def _exponentials(ops: Namespace, x: Array, m: Array) -> tuple[Array, Array]:
    """Return u and e."""
    u = ops.shift(x, m)
    return u, ops.exp(u)


def _smoothed(ops: Namespace, rows: Rows, z: Array, total: Array) -> Array:
    """Return labels of that sum, of which `smoothing` is spread evenly."""
    spread = ops.cast(total, rows.compute) * (rows.smoothing / rows.size)
    return z * (1.0 - rows.smoothing) + spread


def _mean(ops: Namespace, rows: Rows, class_weights: Array) -> Array:
    """Return the mean of the class weights."""
    return ops.row_sum(class_weights, rows.wide) / rows.size


def _loss(ops: Namespace, t: Terms, linear: Array) -> Array:
    """Return L from its linear part."""
    softplus = ops.log1p_rest(t.r, t.rows.size, t.rows.compute)
    return _weighted(ops, linear + (softplus if t.mass is None else t.mass * softplus), t.weights)


def _weighted(ops: Namespace, value: Array, weights: Array | None) -> Array:
    """Return the product, which is 0 where the weight is."""
    return value if weights is None else ops.zero_if_infinite(value, weights) * weights


def _factor(ops: Namespace, t: Terms, mass: Array | None, partition: Array) -> Array:
    """Return w*Z/S, or its part of a mean."""
    value = (1.0 if mass is None else mass) / partition
    value = value if t.weights is None else value * t.weights
    return divided(ops, value, t.denominator)


def _complement(ops: Namespace, t: Terms, p: Array, factor: Array) -> Array:
    """Return n times the factor, as f*(1 - e + r) from e*f, f and r*f.

    Exactly r*f for the largest, of which e is 1. For all others the difference is added to what is
    no smaller than it. That the factor is in each term saves a product, and the rounding of it.
    """
    return (_narrow(ops, t, factor) - p) + _narrow(ops, t, t.r * factor)


def _gradient(p: Array, n: Array | None, z: Array | float, remaining: Array | float) -> Array:
    """Return dL/dx = (Z - z)*p - z*n, from Z - z, the `remaining` mass, and p, n times the weight.

    Where a label is hard one of the terms is 0, and the other one has all its digits.
    """
    # Numbers of 0 and 1 are those of a hard label: half of the steps are not needed.
    if n is None or _is(z, 0.0):
        return p if _is(remaining, 1.0) else p * remaining
    if _is(remaining, 0.0):
        return -z * n
    return p * remaining - z * n


def _is(value: Array | float, number: float) -> bool:
    """Tell whether a value is known to be a number: what a kernel is given is not."""
    return isinstance(value, float) and value == number


def _narrow(ops: Namespace, t: Terms, value: Array) -> Array:
    """Return what belongs to a row in the dtype of its classes."""
    return ops.cast(value, t.rows.compute)
