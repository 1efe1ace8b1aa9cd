r"""Sigmoid cross entropy with logits: coefficients, loss, gradient and Hessian.

For a logit x and a label z, with smoothing a, weight of the positive term q and weight w, every
option of the loss only changes the two coefficients of

.. math:: L = A\,\mathrm{softplus}(x) + B\,\mathrm{softplus}(-x)

    A = w\,((1-z)(1-a) + a/2), \qquad B = w\,q\,(z(1-a) + a/2).

With b = 1 where x >= 0 and 0 elsewhere, s = 1 - 2b and e = exp(s x) = exp(-|x|),

.. math:: L = c\,\log(1+e) - x\,r, \qquad r = (1-b)B - bA, \quad c = A + B.

For labels in [0, 1] both terms are >= 0, so nothing cancels, and no term is a difference that
could round to 0 in the tails. The classic ``max(x, 0) - x*z + log1p(exp(-abs(x)))`` loses all
digits at soft labels, where its first two terms cancel.

The step b is a constant for automatic differentiation. That makes plain autodiff of these lines
right at x = 0 as well, where the derivatives of `abs` and `maximum` are a matter of convention.
"""

from typing import NamedTuple

from .._typing import Array, Namespace


class Terms(NamedTuple):
    """What loss, gradient and Hessian share, so that one exponential serves all three."""

    residual: Array
    """r, the coefficient of -x: one of B and -A; plain, what the label is above the step b."""
    coefficients: Array | float | None
    """c = A + B. None stands for the constant 1 of the plain loss: its derivative with respect to
    the label is then exactly 0 instead of the difference of two rounded halves."""
    sign: Array
    """s, with abs(x) = -s*x."""
    decay: Array
    """e = exp(-abs(x)), in [0, 1]."""
    rest: Array | None = None
    """What r is rounded by, where that is known."""


def terms(
    ops: Namespace,
    x: Array,
    z: Array,
    *,
    smoothing: float = 0.0,
    pos_weight: Array | float | None = None,
) -> Terms:
    """Return the shared terms of the loss at logits `x` and labels `z`, for weights of 1.

    `z - b` is z at b = 0 and -(1-z) at b = 1: B or -A of the plain loss by arithmetic alone. A
    `where` would do the same, but an unpredictable condition may cost more than the rest of the
    loss together.
    """
    b = ops.astype(x >= 0.0, x.dtype)
    s = 1.0 - 2.0 * b
    residual, rest = ops.difference(z, b)
    coefficients: Array | float | None = None
    if smoothing:
        # Smoothing z first and then taking 1 - z would cost up to 1e6 ulp where 1 - z is small.
        # Here both summands have the same sign.
        residual, rest = residual * (1.0 - smoothing) + s * (0.5 * smoothing), None
    if pos_weight is not None:
        factor = b + (1.0 - b) * pos_weight
        residual, rest = residual * factor, _times(rest, factor)
        coefficients = _coefficients(z, smoothing, pos_weight)
    return Terms(residual, coefficients, s, ops.exp_neg_abs(x, s), rest)


def label_terms(t: Terms, *, smoothing: float, pos_weight: Array | float | None) -> Terms:
    """Return the terms of the derivative with respect to the label, for weights of 1.

    The loss is linear in z: its derivative is a loss, too, with the coefficients dA/dz = -(1-a) and
    dB/dz = (1-a)q. Plain, it is -x to the last bit.
    """
    q = 1.0 if pos_weight is None else pos_weight
    b = 0.5 - 0.5 * t.sign
    residual = (1.0 - smoothing) * (b + (1.0 - b) * q)
    coefficients = (1.0 - smoothing) * (q - 1.0)
    return Terms(residual, coefficients, t.sign, t.decay)


def pos_weight_terms(z: Array, t: Terms, *, smoothing: float) -> Terms:
    """Return the terms of the derivative with respect to q, for weights of 1: A = 0, B = B/q."""
    positive = z * (1.0 - smoothing) + 0.5 * smoothing
    b = 0.5 - 0.5 * t.sign
    return Terms((1.0 - b) * positive, positive, t.sign, t.decay)


def weighted(t: Terms, weights: Array | float | None) -> Terms:
    """Return the terms of the loss times `weights`."""
    if weights is None:
        return t
    coefficients = weights if t.coefficients is None else t.coefficients * weights
    rest = _times(t.rest, weights)
    return Terms(t.residual * weights, coefficients, t.sign, t.decay, rest)


def _times(rest: Array | None, factor: Array | float) -> Array | None:
    return None if rest is None else rest * factor


def _coefficients(z: Array, smoothing: float, pos_weight: Array | float) -> Array:
    """Return A + B without weights.

    Grouped so that an array of ones as `pos_weight` gives exactly 1: in binary arithmetic
    ``(1 - u) + u`` rounds to 1 for every u in [0, 1], both for u = z and for u = smoothing (which
    the caller has rounded to the dtype of `z`). No difference of close numbers occurs, unlike in
    ``1 + (q - 1)*z`` at small q.
    """
    total = (1.0 - z) + pos_weight * z
    if smoothing:
        total = (1.0 - smoothing) * total + (0.5 * smoothing) * (1.0 + pos_weight)
    return total


def loss(ops: Namespace, x: Array, t: Terms) -> Array:
    """Return L = c*log1p(e) - x*r.

    At infinite x the product is inf*0 where r = 0, though its limit is 0. Putting 0 for such an x
    *before* the product keeps the derivative with respect to the label, -x, at every finite x;
    doing it afterwards, or wherever r = 0, would lose that derivative at all hard labels.
    """
    x = ops.for_product(x, t.residual)
    return ops.log1p_minus_product(t.coefficients, t.decay, x, t.residual, t.rest)


def gradient(ops: Namespace, t: Terms) -> Array:
    """Return dL/dx = s*c*e/(1 + e) - r.

    The textbook's sigmoid(x) - z rounds to 0 for z = 1 and large x. Here r = 0 for that label and
    the whole result is -e/(1 + e), which keeps its digits, and its sign where it underflows: then
    it is -0, as at z = 0 and -x it is 0.
    """
    tail = t.sign * ops.over_one_plus(t.decay)
    return (tail if t.coefficients is None else t.coefficients * tail) - t.residual


def probabilities(ops: Namespace, t: Terms) -> Array:
    """Return sigmoid(x) = b + s*e/(1 + e), which below 0 is the tail itself."""
    return (0.5 - 0.5 * t.sign) + t.sign * ops.over_one_plus(t.decay)


def hessian(z: Array, t: Terms) -> Array:
    """Return d²L/dx² = c*e/(1 + e)².

    The textbook's p*(1 - p) is 0 as soon as p rounds to 1. The square is written out because the
    rounding of 1 + e would count twice: over all float32 logits the worst error is 2.4 ulp, and 3.6
    where the library's exp is off by 2.4; with e/(1 + e)² it was 3.9 and 4.6 over 4e6 of them.
    ``z - z`` is 0 and carries a label that is NaN (or infinite), which the plain loss's second
    derivative would otherwise not see.
    """
    curvature = t.decay / (1.0 + t.decay * (2.0 + t.decay))
    if t.coefficients is not None:
        curvature = t.coefficients * curvature
    return curvature + (z - z)
