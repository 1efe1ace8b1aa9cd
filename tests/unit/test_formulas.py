"""The formulas run unchanged on 400-digit numbers, and agree there with the definition."""

from typing import Any

import mpmath
import pytest

from xent_api._formulas import sigmoid

mparray = pytest.importorskip("mparray")

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


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_formulas_at_400_digits(options: dict[str, Any]) -> None:
    with mpmath.workdps(DIGITS):
        pairs = [(mpmath.mpf(x), mpmath.mpf(z)) for x in LOGITS for z in LABELS]
        x = mparray.asarray([a for a, _ in pairs])
        z = mparray.asarray([b for _, b in pairs])
        given = {name: mpmath.mpf(value) for name, value in options.items()}
        terms = sigmoid.terms(mparray, x, z, **given)
        found = sigmoid.loss(mparray, x, terms), sigmoid.gradient(terms), sigmoid.hessian(z, terms)
        numbers = [
            given.get(k, d) for k, d in (("smoothing", 0), ("pos_weight", 1), ("weights", 1))
        ]
        with mpmath.workdps(2 * DIGITS):
            exact = [_definition(a, b, *numbers) for a, b in pairs]
        for which in range(3):
            for i, wanted in enumerate(exact):
                # mparray's `float` would round to 53 bits; its elements are mpmath's numbers.
                error = abs(found[which]._data[i] - wanted[which])
                # Only the gradient's two parts cancel, to no more than they are themselves.
                size = max(abs(wanted[which]), mpmath.mpf(1) if which == 1 else 0)
                assert error <= size * mpmath.mpf(10) ** (10 - DIGITS), (pairs[i], which)
