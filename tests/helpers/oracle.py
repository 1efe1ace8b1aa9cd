"""Exact values by mpmath at 500 digits, from the definition of the loss.

Independent of the package: A softplus(x) + B softplus(-x) and its derivatives, with no rewrite.
mpmath's `log1p` and 500 digits keep what a float64 evaluation would lose.
"""

from fractions import Fraction
from functools import cache
from typing import NamedTuple

import mpmath

DIGITS = 500


class Values(NamedTuple):
    """Loss, gradient and Hessian at one point."""

    loss: Fraction
    gradient: Fraction
    hessian: Fraction


@cache
def sigmoid_xent(
    x: float, z: float, *, smoothing: float = 0.0, pos_weight: float = 1.0, weight: float = 1.0
) -> Values:
    """Return the exact values at a finite logit and label."""
    with mpmath.workdps(DIGITS):
        mx, mz, a, q, w = map(mpmath.mpf, (x, z, smoothing, pos_weight, weight))
        negative = w * ((1 - mz) * (1 - a) + a / 2)
        positive = w * q * (mz * (1 - a) + a / 2)
        p, n = (1 / (1 + mpmath.exp(-v)) for v in (mx, -mx))
        loss = negative * _softplus(mx) + positive * _softplus(-mx)
        gradient = negative * p - positive * n
        hessian = (negative + positive) * p * n
        return Values(*map(to_fraction, (loss, gradient, hessian)))


def to_fraction(value: mpmath.mpf) -> Fraction:
    """Return an mpf as a Fraction; 0 for what underflows in every dtype by far."""
    if value == 0 or abs(value) < mpmath.ldexp(1, -3000):
        return Fraction(0)
    with mpmath.workprec(250):
        sign, mantissa, exponent, _ = (+value)._mpf_
    scale: Fraction = Fraction(2) ** int(exponent)
    return scale * (-int(mantissa) if sign else int(mantissa))


def _softplus(x: mpmath.mpf) -> mpmath.mpf:
    return x + mpmath.log1p(mpmath.exp(-x)) if x > 0 else mpmath.log1p(mpmath.exp(x))


@cache
def softmax_xent(
    x: tuple[float, ...], z: tuple[float, ...], *, smoothing: float = 0.0, weight: float = 1.0
) -> tuple[Fraction, tuple[Fraction, ...], tuple[Fraction, ...]]:
    """Return loss, gradient and Hessian of a row of finite logits."""
    with mpmath.workdps(DIGITS):
        size, a, w = len(x), mpmath.mpf(smoothing), mpmath.mpf(weight)
        labels = [mpmath.mpf(v) for v in z]
        mass = mpmath.fsum(labels)
        spread = [v * (1 - a) + a * mass / size for v in labels]
        e = [mpmath.exp(mpmath.mpf(v)) for v in x]
        total = mpmath.fsum(e)
        p = [v / total for v in e]
        losses = [-v * mpmath.log(pj) for v, pj in zip(spread, p, strict=True)]
        slopes = [w * (mass * pj - v) for v, pj in zip(spread, p, strict=True)]
        curves = [w * mass * pj * (1 - pj) for pj in p]
        return (
            to_fraction(w * mpmath.fsum(losses)),
            tuple(map(to_fraction, slopes)),
            tuple(map(to_fraction, curves)),
        )
