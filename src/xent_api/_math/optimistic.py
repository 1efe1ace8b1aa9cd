r"""Softmax cross entropy of a class index, without the maximum, where no exponential needs it.

With q = exp(x_y) of the label y, b the sum of exp(x_k) of all other classes, and S = b + q,

.. math:: L = w\,\log(1 + b/q), \qquad
    \partial L/\partial x_j = w\,e^{x_j}/S, \qquad \partial L/\partial x_y = -w\,b/S.

These are the lines of `softmax` with x_y for m where the loss is concerned, and 0 for it elsewhere.
They take a pass less over the logits, for the differences from the maxima, or two, where
exponentials need no wider dtype (`exact`), and the rounding of those differences is in none of the
results. But exponentials overflow, or keep no digits,
where logits are far from 0: `trusted` tells the rows of which all results have theirs. Others
are left to the lines of `softmax`.
"""

from .._typing import Array, DType, Namespace
from .softmax import at_label

LEAST = 0.5
"""The least S. An exponential that is subnormal is off by up to half of the smallest number, and
times no more than 1/LEAST by the smallest."""
FACTORS = 2.0**-126, 2.0
"""What w/S may be: a float32 number with all digits, and no more than 1/LEAST, by which the
smallest exponentials would show how few digits they have."""
ODDS = 2.0**-100, 1e300
"""What b/q may be. Below it exponentials of others may be subnormal, or 0, beyond it that of the
label in float64."""


def exact(xp: Namespace, x: Array, classes: Array, size: int, wide: DType) -> Array:
    """Return exp(x) of a class of each row in the dtype `wide`.

    For the label, and for the largest of the others. Where a maximum is subtracted that is exactly
    1. Here its error would be that of the whole sum where it is nearly all of it, and so be in all
    gradients of the row: of an exponential that is off by 2.5 ulp they would be by 5.
    """
    return xp.exp(xp.astype(at_label(xp, x, classes, size), wide))


def odds(beside: Array, at_label: Array) -> Array:
    """Return b/q, the odds against the label."""
    return beside / at_label


def loss(xp: Namespace, odds: Array, weights: Array | None) -> Array:
    """Return L of the rows."""
    value = xp.log1p(odds)
    return value if weights is None else value * weights


def trusted(whole: Array, odds: Array) -> Array:
    """Tell the rows of which the loss has its digits. NaN is nowhere in them."""
    return (whole >= LEAST) & (odds >= ODDS[0]) & (odds < ODDS[1])


def trusted_factor(xp: Namespace, factor: Array, weights: Array | None) -> Array:
    """Tell the rows of which the rounded factor has its digits."""
    size = xp.abs(factor)
    if weights is None:
        return (size >= FACTORS[0]) & (size < FACTORS[1])
    return ~((size < FACTORS[0]) & (weights != 0.0)) & (size < FACTORS[1])
