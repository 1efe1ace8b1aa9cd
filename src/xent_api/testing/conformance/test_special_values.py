"""The table of special values: infinities, NaN and signed zeros."""

import math
from typing import Any

import pytest

from xent_api import sigmoid_xent
from xent_api.testing.suite import Suite

INF, NAN = math.inf, math.nan
LOG2 = "0.69314718055994530941723212145817656808"

# logit, label, loss, gradient, Hessian
TABLE: list[tuple[float, float, Any, float, float]] = [
    (INF, 1.0, 0.0, 0.0, 0.0),
    (INF, 0.75, INF, 0.25, 0.0),
    (INF, 0.0, INF, 1.0, 0.0),
    (-INF, 0.0, 0.0, 0.0, 0.0),
    (-INF, 0.25, INF, -0.25, 0.0),
    (-INF, 1.0, INF, -1.0, 0.0),
    (0.0, 0.0, LOG2, 0.5, 0.25),
    (-0.0, 0.0, LOG2, 0.5, 0.25),
    (0.0, 1.0, LOG2, -0.5, 0.25),
    (-0.0, 1.0, LOG2, -0.5, 0.25),
    (0.0, 0.25, LOG2, 0.25, 0.25),
    (-0.0, 0.75, LOG2, -0.25, 0.25),
    (NAN, 0.0, NAN, NAN, NAN),
    (NAN, 1.0, NAN, NAN, NAN),
    (0.0, NAN, NAN, NAN, NAN),
    (2.0, NAN, NAN, NAN, NAN),
    (INF, NAN, NAN, NAN, NAN),
]


def _points(suite: Suite, dtype: str) -> dict[str, Any]:
    return {
        "logits": suite.array([row[0] for row in TABLE], dtype),
        "labels": suite.array([row[1] for row in TABLE], dtype),
    }


@pytest.mark.everywhere
def test_loss_and_gradient(suite: Suite, dtype: str) -> None:
    arrays = _points(suite, dtype)
    losses, slopes = suite.call(sigmoid_xent.loss_and_gradient, arrays)
    suite.assert_ulp(losses, [row[2] for row in TABLE], dtype)
    suite.assert_ulp(slopes, [row[3] for row in TABLE], dtype)


@pytest.mark.everywhere
def test_gradient_and_hessian(suite: Suite, dtype: str) -> None:
    slopes, curvatures = suite.call(sigmoid_xent.gradient_and_hessian, _points(suite, dtype))
    suite.assert_ulp(slopes, [row[3] for row in TABLE], dtype)
    suite.assert_ulp(curvatures, [row[4] for row in TABLE], dtype)


@pytest.mark.parametrize("number", [False, True])
def test_a_weight_of_0_gives_0_where_the_loss_is_infinite(
    suite: Suite, dtype: str, number: bool
) -> None:
    arrays = {
        "logits": suite.array([INF, -INF, INF, 3.0, NAN], dtype),
        "labels": suite.array([0.0, 1.0, 1.0, 0.5, 0.0], dtype),
    }
    options: dict[str, Any] = {"weights": 0.0} if number else {}
    if not number:
        arrays["weights"] = suite.array([0.0] * 5, dtype)
    expected = suite.array([0.0, 0.0, 0.0, 0.0, NAN], dtype)
    for function in (sigmoid_xent.loss_and_gradient, sigmoid_xent.gradient_and_hessian):
        for actual in suite.call(function, arrays, **options):
            suite.assert_equal(actual, expected)


def test_labels_outside_the_unit_interval_extend_the_formula_linearly(
    suite: Suite, dtype: str
) -> None:
    # L(x, z) = softplus(x) - z*x: at x = 0 log 2, at x = +-40 within 4e-18 of max(x, 0) - z*x.
    arrays = {
        "logits": suite.array([0.0, 40.0, -40.0, 40.0], dtype),
        "labels": suite.array([2.0, 2.0, 2.0, -1.0], dtype),
    }
    losses = suite.call(sigmoid_xent.loss, arrays)
    suite.assert_ulp(losses, [LOG2, -40.0, 80.0, 80.0], dtype)


@pytest.mark.dtypes("float32", "float64")
def test_confident_predictions_keep_their_digits(suite: Suite, dtype: str) -> None:
    # exp(-20) - exp(-40)/2 + ..., where every textbook formula gives 0 in float32
    exact = "2.061153620314380702362137643747229649871e-9"
    slope = "2.061153618190203581120388203258396e-9"
    arrays = {
        "logits": suite.array([-20.0, 20.0], dtype),
        "labels": suite.array([0.0, 1.0], dtype),
    }
    losses, slopes = suite.call(sigmoid_xent.loss_and_gradient, arrays)
    suite.assert_ulp(losses, [exact, exact], dtype)
    suite.assert_ulp(slopes, [slope, f"-{slope}"], dtype)
