"""The float64 yardstick, held to multi-precision values at samples of every size of logit."""

import math
from fractions import Fraction

import numpy as np
import pytest
from helpers.oracle import sigmoid_xent as exact_values
from helpers.oracle import softmax_xent as exact_rows

from xent_api.testing import sigmoid_vectors, ulp_error
from xent_api.testing.float64 import sigmoid_values, softmax_values, ulp_errors

BOUND = Fraction(2) ** -49
ROWS = Fraction(2) ** -44


def _logits(count: int) -> np.ndarray:
    random = np.random.default_rng(20261122)
    magnitude = 2.0 ** random.uniform(-149, 6.7, count)
    uniform = random.uniform(-105.0, 105.0, count)
    signed = magnitude * random.choice([-1.0, 1.0], count)
    return np.concatenate([signed, uniform]).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_relative_error_at_hard_labels(label: float) -> None:
    logits = _logits(1500)
    found = sigmoid_values(logits, label)
    for i, x in enumerate(logits.tolist()):
        exact = exact_values(x, label)
        for quantity in ("loss", "gradient", "hessian"):
            got, wanted = Fraction(getattr(found, quantity)[i].item()), getattr(exact, quantity)
            assert abs(got - wanted) <= BOUND * abs(wanted), (quantity, x)


def test_errors_at_soft_labels() -> None:
    logits = _logits(1000)
    random = np.random.default_rng(1)
    tiny = 10.0 ** -random.uniform(0.0, 30.0, 500)
    near_one = 1.0 - 10.0 ** -random.uniform(0.0, 7.0, 500)
    drawn = np.concatenate([random.uniform(size=1000), tiny, near_one])
    labels = drawn.astype(np.float32).astype(np.float64)
    found = sigmoid_values(logits, labels)
    for i, (x, z) in enumerate(zip(logits.tolist(), labels.tolist(), strict=True)):
        exact = exact_values(x, z)
        loss, slope = (Fraction(values[i].item()) for values in found[:2])
        assert abs(loss - exact.loss) <= BOUND * exact.loss, (x, z)
        larger = Fraction(max(1.0 / (1.0 + math.exp(-x)), z))
        assert abs(slope - exact.gradient) <= BOUND / 2 * larger, (x, z)


@pytest.mark.parametrize(("classes", "rows"), [(2, 100), (10, 50), (1000, 2)])
@pytest.mark.parametrize("scale", [0.5, 20.0])
def test_relative_error_of_rows(classes: int, rows: int, scale: float) -> None:
    random = np.random.default_rng(20261126)
    logits = np.clip(np.round(random.normal(0.0, scale, (rows, classes)) * 2**12) / 2**12, -50, 50)
    labels = random.integers(0, classes, rows)
    labels[::2] = logits[::2].argmax(axis=1)
    found = softmax_values(logits, labels)
    for i, label in enumerate(labels.tolist()):
        hard = tuple(float(j == label) for j in range(classes))
        loss, *slopes = exact_rows(tuple(logits[i].tolist()), hard)
        assert abs(Fraction(found.loss[i].item()) - loss) <= ROWS * loss
        for got, wanted in zip(found[1:], slopes, strict=True):
            for one, other in zip(got[i].tolist(), wanted, strict=True):
                assert abs(Fraction(one) - other) <= ROWS * abs(other)


def test_special_logits() -> None:
    logits = np.asarray([np.inf, -np.inf, np.inf, -np.inf, np.inf, np.nan, 0.0, -0.0])
    labels = np.asarray([1.0, 0.0, 0.0, 1.0, 0.5, 1.0, 0.25, 1.0])
    found = sigmoid_values(logits, labels)
    log2 = math.log(2)
    inf, nan = math.inf, math.nan
    np.testing.assert_array_equal(found.loss, [0.0, 0.0, inf, inf, inf, nan, log2, log2])
    np.testing.assert_array_equal(found.gradient, [0.0, 0.0, 1.0, -1.0, 0.5, nan, 0.25, -0.5])
    np.testing.assert_array_equal(found.hessian, [0.0, 0.0, 0.0, 0.0, 0.0, nan, 0.25, 0.25])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_errors_in_ulp_are_those_of_the_exact_measure(dtype: str) -> None:
    """At every finite reference value, and at wrong results beside it."""
    exact = [v.loss for v in sigmoid_vectors(dtype) if isinstance(v.loss, Fraction)]
    exact += [-value for value in exact[::3]]
    wide = np.asarray([float(value) for value in exact])
    for actual in (wide, np.zeros_like(wide), wide * (1.0 + 2.0**-12), wide + 2.0**-140, -wide):
        found = ulp_errors(actual, wide, dtype, flushed=True)
        for got, a, e in zip(found.tolist(), actual.tolist(), wide.tolist(), strict=True):
            assert got == pytest.approx(ulp_error(a, e, dtype), rel=1e-12)


def test_a_zero_is_an_error_unless_it_may_be_flushed() -> None:
    zero, tiny = np.zeros(2), np.asarray([2.0**-15, 2.0**-14])
    np.testing.assert_array_equal(ulp_errors(zero, tiny, "float16"), [512, 1024])
    np.testing.assert_array_equal(ulp_errors(zero, tiny, "float16", flushed=True), [0, 1024])


def test_errors_in_ulp_of_what_is_not_finite() -> None:
    inf, nan = math.inf, math.nan
    actual = np.asarray([inf, -inf, nan, nan, 1.0, inf])
    exact = np.asarray([inf, inf, nan, 1.0, nan, 1.0])
    np.testing.assert_array_equal(ulp_errors(actual, exact, "float32"), [0, inf, 0, inf, inf, inf])
