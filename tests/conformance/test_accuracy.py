"""Errors in ulp against exact values from the definition of the loss, and exact symmetries."""

import itertools
import math
from fractions import Fraction
from typing import Any

import pytest
from helpers.oracle import Values
from helpers.oracle import sigmoid_xent as exact_values
from helpers.suite import Suite

from xent_api import sigmoid_xent
from xent_api._inputs.dtypes import FLOATING, round_to

MAGNITUDES = (0.0, 1e-30, 1e-6, 1e-3, 0.1, 0.3, 0.5, 0.7, 1.0, 1.7, 2.5, 4.0, 6.3, 9.0, 13.0)
TAILS = (17.5, 20.0, 33.0, 50.0, 80.0, 86.0, 300.0, 700.0, 1e4, 1e30)
LABELS = (1e-20, 1e-6, 0.1, 0.25, 0.5, 0.9, 1.0 - 1e-6)

OPTIONS: list[dict[str, float]] = [
    {},
    {"smoothing": 0.1},
    {"smoothing": 1e-6},
    {"smoothing": 1.0},
    {"pos_weight": 3.0},
    {"pos_weight": 1e-3},
    {"weight": 0.3},
    {"weight": 7.0, "pos_weight": 250.0, "smoothing": 0.01},
]


def _bar(dtype: str, options: dict[str, float]) -> float:
    extra = 2.0 if {"weight", "pos_weight"} & set(options) else 0.0
    return 0.51 if dtype in ("float16", "bfloat16") and not extra else 4.0 + extra


def _round(value: float, dtype: str) -> float:
    return round_to(value, dtype)


def _logits(dtype: str) -> list[float]:
    largest = FLOATING[dtype].largest
    found = [_round(m, dtype) for m in MAGNITUDES + TAILS if m < largest]
    return [*found, *(-x for x in found)]


def _points(dtype: str, labels: tuple[float, ...]) -> list[tuple[float, float]]:
    return list(itertools.product(_logits(dtype), (_round(z, dtype) for z in labels)))


def _rounded(options: dict[str, float], dtype: str) -> dict[str, float]:
    """Return the options as numbers of the dtype that is computed in."""
    compute = "float64" if dtype == "float64" else "float32"
    return {name: _round(value, compute) for name, value in options.items()}


def _call(
    suite: Suite,
    name: str,
    points: list[tuple[float, float]],
    dtype: str,
    options: dict[str, float],
) -> Any:
    arrays = {
        "logits": suite.array([x for x, _ in points], dtype),
        "labels": suite.array([z for _, z in points], dtype),
    }
    public = {"smoothing": "label_smoothing", "weight": "weights", "pos_weight": "pos_weight"}
    given = {public[key]: value for key, value in options.items()}
    return suite.call(getattr(sigmoid_xent, name), arrays, **given)


def _exact(points: list[tuple[float, float]], options: dict[str, float]) -> list[Values]:
    return [exact_values(x, z, **options) for x, z in points]


def _normal(points: list[Any], exact: list[Fraction], dtype: str) -> list[int]:
    """Return the places where no result is subnormal, for which the bars are promised."""
    digits, least, _ = FLOATING["float64" if dtype == "float64" else "float32"]
    smallest = Fraction(2) ** (least + digits + 10)
    return [i for i in range(len(points)) if exact[i] == 0 or abs(exact[i]) > smallest]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_hard_labels(suite: Suite, dtype: str, options: dict[str, float]) -> None:
    options = _rounded(options, dtype)
    points = _points(dtype, (0.0, 1.0))
    exact = _exact(points, options)
    keep = _normal(points, [values.hessian for values in exact], dtype)
    points, exact = [points[i] for i in keep], [exact[i] for i in keep]
    losses, slopes = _call(suite, "loss_and_gradient", points, dtype, options)
    _, curvatures = _call(suite, "gradient_and_hessian", points, dtype, options)
    bar = _bar(dtype, options)
    suite.assert_ulp(losses, _finite([v.loss for v in exact], dtype), dtype, bar=bar)
    suite.assert_ulp(curvatures, [v.hessian for v in exact], dtype, bar=bar)
    if not options.get("smoothing"):
        suite.assert_ulp(slopes, [v.gradient for v in exact], dtype, bar=bar)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_soft_labels(suite: Suite, dtype: str, options: dict[str, float]) -> None:
    options = _rounded(options, dtype)
    points = _points(dtype, LABELS)
    exact = _exact(points, options)
    losses, slopes = _call(suite, "loss_and_gradient", points, dtype, options)
    bar = _bar(dtype, options)
    suite.assert_ulp(losses, _finite([v.loss for v in exact], dtype), dtype, bar=bar)
    for (x, z), got, values in zip(points, suite.floats(slopes), exact, strict=True):
        assert _within(got, x, z, values, dtype, options), (x, z, got, float(values.gradient))


def _within(
    got: float, x: float, z: float, exact: Values, dtype: str, options: dict[str, float]
) -> bool:
    """Tell whether a soft-label gradient is within its bound, 4 eps max(sigmoid(x), z).

    The coefficients of the options scale the two sides: A for the first and B for the second.
    """
    a, q, w = (options.get(k, d) for k, d in (("smoothing", 0), ("pos_weight", 1), ("weight", 1)))
    sigma = 1 / (1 + math.exp(-x)) if x > -700 else 0.0
    size = w * max(sigma * max(1.0, q), q * (z * (1 - a) + a / 2))
    compute = "float64" if dtype == "float64" else "float32"
    eps = 2.0 ** (1 - FLOATING[compute].digits)
    rounding = 0.51 * 2.0 ** (1 - FLOATING[dtype].digits) * abs(float(exact.gradient))
    smallest = 2.0 ** (FLOATING[dtype].least)
    bound = (6 if len(options) else 4) * eps * size
    bound += (rounding if dtype != compute else 0.0) + smallest
    return abs(Fraction(got) - exact.gradient) <= bound


def _finite(values: list[Fraction], dtype: str) -> list[Fraction | float]:
    """Return exact values as they round: those beyond the range of the dtype to inf."""
    largest = FLOATING[dtype].largest
    return [value if value <= largest else math.inf for value in values]


@pytest.mark.eager
@pytest.mark.parametrize("options", [{}, {"smoothing": 0.1}, {"weight": 0.3}], ids=str)
def test_symmetry_bit_for_bit(suite: Suite, dtype: str, options: dict[str, float]) -> None:
    # With smoothing not at 0 itself: both -0 and 0 count as x >= 0, and A and B round differently.
    points = [(x, 1.0) for x in _logits(dtype) if x != 0.0 or not options.get("smoothing")]
    mirrored = [(-x, 0.0) for x, _ in points]
    losses, slopes = _call(suite, "loss_and_gradient", points, dtype, options)
    mirrored_losses, mirrored_slopes = _call(suite, "loss_and_gradient", mirrored, dtype, options)
    suite.assert_equal(losses, mirrored_losses)
    suite.assert_equal(slopes, -mirrored_slopes)


@pytest.mark.eager
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1e-6, 0.37])
def test_explicit_defaults_change_no_bit(suite: Suite, dtype: str, smoothing: float) -> None:
    points = _points(dtype, (0.0, *LABELS, 1.0))
    logits = suite.array([x for x, _ in points], dtype)
    arrays = {"logits": logits, "labels": suite.array([z for _, z in points], dtype)}
    ones = suite.array([1.0] * len(points), dtype)
    everything = suite.array([True] * len(points), "bool")
    explicit: list[dict[str, Any]] = [
        {"weights": 1, "pos_weight": 1.0},
        {"pos_weight": ones},
        {"weights": ones, "mask": everything},
        {"pos_weight": suite.array([1.0], dtype), "weights": suite.array(1.0, dtype)},
        {"ignore_index": -100},
    ]
    functions = (sigmoid_xent.loss_and_gradient, sigmoid_xent.gradient_and_hessian)
    for function, options in itertools.product(functions, explicit):
        plain = function(**arrays, label_smoothing=smoothing)
        for got, wanted in zip(
            function(**arrays, label_smoothing=smoothing, **options), plain, strict=True
        ):
            suite.assert_equal(got, wanted)
