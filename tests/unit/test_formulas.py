"""The formulas run unchanged on 400-digit numbers, and agree there with the definition."""

from typing import Any

import mpmath
import pytest

from xent_api._math import sigmoid
from xent_api._math.ops import Ops

mparray: Any = Ops(pytest.importorskip("mparray"))

DIGITS = 400
LOGITS = ["0", "0.1", "-0.1", "3", "-3", "40", "-40", "700", "-700", "1e-30", "-1e-30"]
LABELS = ["0", "1", "0.25", "1e-20"]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"smoothing": "0.1"},
    {"pos_weight": "3"},
    {"weights": "0.3", "pos_weight": "1e-3", "smoothing": "1e-6"},
]


def _definition(x: Any, z: Any, a: Any, q: Any, w: Any) -> tuple[Any, Any, Any]:
    """Return loss, gradient and Hessian of A softplus(x) + B softplus(-x)."""
    negative, positive = w * ((1 - z) * (1 - a) + a / 2), w * q * (z * (1 - a) + a / 2)
    p, n = 1 / (1 + mpmath.exp(-x)), 1 / (1 + mpmath.exp(x))
    loss = -negative * mpmath.log(n) - positive * mpmath.log(p)
    return loss, negative * p - positive * n, (negative + positive) * p * n


def _points() -> tuple[list[tuple[Any, Any]], Any, Any]:
    """Return pairs of logits and labels, and the arrays of both."""
    pairs = [(mpmath.mpf(x), mpmath.mpf(z)) for x in LOGITS for z in LABELS]
    return pairs, mparray.asarray([x for x, _ in pairs]), mparray.asarray([z for _, z in pairs])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_formulas_at_400_digits(options: dict[str, Any]) -> None:
    with mpmath.workdps(DIGITS):
        pairs, x, z = _points()
        given = {name: mpmath.mpf(value) for name, value in options.items()}
        weights = given.pop("weights", None)
        terms = sigmoid.weighted(sigmoid.terms(mparray, x, z, **given), weights)
        found = (
            sigmoid.loss(mparray, x, terms),
            sigmoid.gradient(mparray, terms),
            sigmoid.hessian(z, terms),
        )
        numbers = [given.get("smoothing", 0), given.get("pos_weight", 1), weights or 1]
        with mpmath.workdps(2 * DIGITS):
            exact = [_definition(a, b, *numbers) for a, b in pairs]
        for which in range(3):
            for i, wanted in enumerate(exact):
                # mparray's `float` would round to 53 bits; its elements are mpmath's numbers.
                error = abs(found[which]._data[i] - wanted[which])
                # Only the gradient's two parts cancel, to no more than they are themselves.
                size = max(abs(wanted[which]), mpmath.mpf(1) if which == 1 else 0)
                assert error <= size * mpmath.mpf(10) ** (10 - DIGITS), (pairs[i], which)


@pytest.mark.parametrize("options", OPTIONS[:3], ids=str)
def test_derivatives_of_the_coefficients_at_400_digits(options: dict[str, Any]) -> None:
    """The loss is linear in the label and in `pos_weight`: a difference is the derivative."""
    with mpmath.workdps(DIGITS):
        pairs, x, z = _points()
        given = {name: mpmath.mpf(value) for name, value in options.items()}
        a, q = given.get("smoothing", mpmath.mpf(0)), given.get("pos_weight", mpmath.mpf(1))
        terms = sigmoid.terms(mparray, x, z, **given)
        in_label = sigmoid.label_terms(terms, smoothing=a, pos_weight=given.get("pos_weight"))
        in_weight = sigmoid.pos_weight_terms(z, terms, smoothing=a)
        for i, (logit, label) in enumerate(pairs):
            with mpmath.workdps(2 * DIGITS):
                one, zero = (_definition(logit, mpmath.mpf(v), a, q, 1) for v in (1, 0))
                twice, once = (_definition(logit, label, a, v, 1) for v in (q + 1, q))
                exact = [
                    [p - n for p, n in zip(*pair, strict=True)]
                    for pair in ((one, zero), (twice, once))
                ]
            for found, wanted in zip((in_label, in_weight), exact, strict=True):
                values = sigmoid.loss(mparray, x, found), sigmoid.gradient(mparray, found)
                for value, right in zip(values, wanted, strict=False):
                    error = abs(value._data[i] - right)
                    assert error <= max(abs(right), 1) * mpmath.mpf(10) ** (10 - DIGITS)
