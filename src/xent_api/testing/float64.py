"""The losses in float64, as the yardstick of millions of narrower results.

The exact reference values are few. Where every float32 number is looked at, or many points of every
system, the yardstick is float64 arithmetic of NumPy in a form that shares no step with the
package's own:

    p = sigmoid(-abs(x)) = 1/(1 + exp(abs(x))),    softplus(-abs(x)) = -log1p(-p)

For labels of float32 or narrower and logits up to 105 its relative error is below 2^-49, which is
3e-8 ulp of float32 (that of the gradient at soft labels, whose two terms cancel, below 2^-50
max(sigmoid(x), z)); ``tests/unit/test_float64.py`` holds it to that at samples in multi-precision
arithmetic. Beyond 105 what it loses is below the smallest number of float32.

Of rows with class indices, r is the sum of exp(x - x_label) over all classes but the label:

    L = log(1 + r),    dL/dx = -r/(1+r) at the label, exp(x - x_label)/(1+r) elsewhere

and the Hessian p*(1 - p), where 1 - p of the largest logit is the sum of all other p. For logits of
which the differences are exact, and below 300, the relative error is below 2^-44 (1000 classes).
"""

from typing import Any, NamedTuple

import numpy as np

from .._checks.dtypes import FLOATING

Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Values(NamedTuple):
    """Loss, gradient and Hessian in float64."""

    loss: Numbers
    gradient: Numbers
    hessian: Numbers


def sigmoid_values(logits: Numbers, labels: Numbers | float) -> Values:
    """Return the plain loss and its derivatives; `logits` and `labels` hold narrower numbers."""
    with np.errstate(all="ignore"):
        size = np.abs(logits)
        small = 1.0 / (1.0 + np.exp(size))
        large = 1.0 - small
        low = -np.log1p(-small)
        up = logits >= 0.0
        softplus, softminus = np.where(up, size + low, low), np.where(up, low, size + low)
        sigmoid, opposite = np.where(up, large, small), np.where(up, small, large)
        other = 1.0 - np.asarray(labels)
        return Values(
            _times(labels, softminus) + _times(other, softplus),
            other * sigmoid - labels * opposite,
            small * large,
        )


def softmax_values(logits: Numbers, labels: Any) -> Values:
    """Return losses and derivatives of rows with class indices; `logits` hold narrower numbers."""
    rows = np.arange(len(labels))
    e = np.exp(logits - logits[rows, labels][:, np.newaxis])
    e[rows, labels] = 0.0
    r = e.sum(axis=1)
    p = e / (1.0 + r)[:, np.newaxis]
    gradient = p.copy()
    p[rows, labels] = 1.0 / (1.0 + r)
    gradient[rows, labels] = -r / (1.0 + r)
    others, top = p.copy(), logits.argmax(axis=1)
    others[rows, top] = 0.0
    opposite = 1.0 - p
    opposite[rows, top] = others.sum(axis=1)
    return Values(np.log1p(r), gradient, p * opposite)


def _times(factor: Numbers | float, value: Numbers) -> Numbers:
    """Return the product, 0 for a factor of 0 even where the value is infinite."""
    product: Numbers = np.where((factor == 0.0) & np.isinf(value), 0.0, factor * value)
    return product


def spacings(exact: Numbers, dtype: str) -> Numbers:
    """Return the distances between the numbers of the dtype that enclose `exact`."""
    digits, least, _ = FLOATING[dtype]
    with np.errstate(all="ignore"):
        # The exponent field alone is the power of two below (or at) the exact value.
        exponent = np.abs(exact).view(np.int64) & (0x7FF << 52)
        return np.maximum(np.ldexp(exponent.view(np.float64), 1 - digits), 2.0**least)


def ulp_errors(actual: Numbers, exact: Numbers, dtype: str, *, flushed: Any = False) -> Numbers:
    """Return for each element the distance in ulp of the dtype, as `ulp_error` does for one.

    `flushed` is where a 0 counts as right for an exact value below the smallest normal number: by
    default nowhere.
    """
    digits, least, _ = FLOATING[dtype]
    with np.errstate(all="ignore"):
        errors = np.abs(actual - exact) / spacings(exact, dtype)
        same = (actual == exact) | (np.isnan(actual) & np.isnan(exact))
        same |= flushed & (actual == 0.0) & (np.abs(exact) < 2.0 ** (least + digits - 1))
        errors[same] = 0.0
        errors[np.isnan(errors)] = np.inf
    return errors
