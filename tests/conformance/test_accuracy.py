"""Exact symmetries, and where libraries are at their worst."""

import itertools
import math
from typing import Any

import pytest
from helpers import oracle

from xent_api import sigmoid_xent
from xent_api._checks.dtypes import FLOATING, compute_name, round_to
from xent_api.testing import BAR, sigmoid_vectors, ulp_error
from xent_api.testing.suite import Suite

LABELS = (0.0, 1e-20, 1e-6, 0.1, 0.25, 0.5, 0.9, 1.0 - 1e-6, 1.0)


def _logits(dtype: str) -> list[float]:
    return sorted({abs(v.logit) for v in sigmoid_vectors(dtype) if v.logit == v.logit})


def _normal(logits: list[float], dtype: str) -> list[float]:
    digits, least, _ = FLOATING[compute_name(dtype)]
    return [x for x in logits if x >= 2.0 ** (least + digits - 1)]


def _arrays(suite: Suite, dtype: str, points: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "logits": suite.array([x for x, _ in points], dtype),
        "labels": suite.array([z for _, z in points], dtype),
    }


@pytest.mark.eager
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"weights": 0.3}], ids=str)
def test_symmetry_bit_for_bit(suite: Suite, dtype: str, options: dict[str, Any]) -> None:
    # With smoothing not at 0 itself: both -0 and 0 count as x >= 0, and A and B round differently.
    # XLA takes a subnormal number for 0.
    found = _normal(_logits(dtype), dtype) if "label_smoothing" in options else _logits(dtype)
    points = [(x, 1.0) for x in [*found, *(-x for x in found)]]
    mirrored = [(-x, 0.0) for x, _ in points]
    one = sigmoid_xent.loss_and_gradient(**_arrays(suite, dtype, points), **options)
    other = sigmoid_xent.loss_and_gradient(**_arrays(suite, dtype, mirrored), **options)
    suite.assert_equal(one[0], other[0])
    suite.assert_equal(one[1], -other[1])
    # Zeros compare equal whatever their sign: gradients that underflow keep theirs.
    assert _signs(suite, one[1]) == _signs(suite, -other[1])


def _signs(suite: Suite, values: Any) -> list[float]:
    return [math.copysign(1.0, value) for value in suite.floats(values)]


@pytest.mark.eager
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1e-6, 0.37])
def test_explicit_defaults_change_no_bit(suite: Suite, dtype: str, smoothing: float) -> None:
    logits = [*_logits(dtype)[::15], *(-x for x in _logits(dtype)[::17])]
    labels = [round_to(z, dtype) for z in LABELS]
    points = list(itertools.product(logits, labels))
    arrays = _arrays(suite, dtype, points)
    ones = suite.array([1.0] * len(points), compute_name(dtype))
    everything = suite.array([True] * len(points), "bool")
    count = suite.array(len(points), "int32")
    explicit: list[dict[str, Any]] = [
        {"weights": 1, "pos_weight": 1.0},
        {"pos_weight": ones},
        {"weights": ones, "mask": everything},
        {"pos_weight": suite.array([1.0], dtype), "weights": suite.array(1.0, dtype)},
        {"ignore_index": -100},
    ]
    reduced = [
        {"reduction": "mean", "mask": everything},
        {"reduction": "mean", "ignore_index": -100},
        {"reduction": "mean", "denominator": len(points)},
        {"reduction": "mean", "denominator": count},
        {"reduction": "sum", "weights": ones},
    ]
    functions = (sigmoid_xent.loss_and_gradient, sigmoid_xent.gradient_and_hessian)
    for function, options in itertools.product(functions, explicit + reduced):
        common = {"label_smoothing": smoothing, "reduction": options.get("reduction", "none")}
        plain = function(**arrays, **common)
        for got, wanted in zip(function(**arrays, **(common | options)), plain, strict=True):
            suite.assert_equal(got, wanted)


# Where a sweep of all float32 numbers, or of some millions on ndonnx, found a library at its worst.
WORST_LOGITS = (
    *("0x1.056d660000000p+1", "0x1.5d25920000000p-1", "0x1.5c913e0000000p+6"),  # loss
    *("0x1.ba7fec0000000p+1", "0x1.0a111a0000000p+2"),  # gradient
    *("0x1.6278960000000p+2", "0x1.6275dc0000000p+2"),  # Hessian
    "0x1.03d5740000000p+1",  # log1p of ndonnx
)


@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("logit", WORST_LOGITS)
def test_where_a_library_is_at_its_worst(suite: Suite, dtype: str, logit: str) -> None:
    x = float.fromhex(logit)
    # Four of each: the libraries' vector instructions give other bits than single elements do.
    points = [(sign * x, z) for sign in (1.0, -1.0) for z in (0.0, 1.0) for _ in range(4)]
    arrays = _arrays(suite, dtype, points)
    loss = suite.call(sigmoid_xent.loss, arrays)
    gradient, hessian = suite.call(sigmoid_xent.gradient_and_hessian, arrays)
    found = zip(*(suite.floats(values) for values in (loss, gradient, hessian)), strict=True)
    for point, got in zip(points, found, strict=True):
        exact = oracle.sigmoid_xent(*point)
        errors = [ulp_error(g, e, dtype) for g, e in zip(got, exact, strict=True)]
        assert max(errors) <= BAR, (point, errors)
