"""Positions that do not count: exactly 0, whatever stands there."""

import math
from typing import Any

import pytest

from xent_api import sigmoid_xent
from xent_api.testing.suite import Suite

INF, NAN = math.inf, math.nan
JUNK = [NAN, INF, -INF, 1e30, NAN]
LOSS_AND_GRADIENT = sigmoid_xent.loss_and_gradient


LOGITS, LABELS = [0.5, -1.0, 2.0, 0.0, -3.0], [1.0, 0.0, 0.25, 0.5, 1.0]


def _arrays(suite: Suite, dtype: str) -> dict[str, Any]:
    """Return five positions that count and five of junk."""
    largest = 6e4 if dtype == "float16" else 1e30
    junk = [min(v, largest) if v == v and abs(v) < INF else v for v in JUNK]
    return {
        "logits": suite.array([*LOGITS, *junk], dtype),
        "labels": suite.array([*LABELS, *reversed(junk)], dtype),
    }


def _mask(suite: Suite) -> Any:
    return suite.array([True] * 5 + [False] * 5, "bool")


@pytest.mark.everywhere
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"pos_weight": 2.0}], ids=str)
def test_masked_positions_are_0_and_the_others_as_without_a_mask(
    suite: Suite, dtype: str, options: dict[str, Any]
) -> None:
    arrays = _arrays(suite, dtype)
    # As many of them: what is left of a vector, libraries may compute by another function.
    good = {"logits": suite.array(LOGITS * 2, dtype), "labels": suite.array(LABELS * 2, dtype)}
    for function in (LOSS_AND_GRADIENT, sigmoid_xent.gradient_and_hessian):
        found = suite.call(function, arrays | {"mask": _mask(suite)}, **options)
        wanted = suite.call(function, good, **options)
        for got, value in zip(found, wanted, strict=True):
            expected = suite.floats(value)[:5] + [0.0] * 5
            suite.assert_ulp(got, expected, dtype, bar=4.0 if suite.traced else 0.0)


@pytest.mark.parametrize("weights", [[2.0] * 10, [2.0] * 5 + [NAN, INF, -INF, 0.0, NAN]], ids=str)
def test_masked_weights_and_pos_weights_do_not_leak(
    suite: Suite, dtype: str, weights: list[float]
) -> None:
    arrays = _arrays(suite, dtype) | {"mask": _mask(suite)}
    for name in ("weights", "pos_weight"):
        given = arrays | {name: suite.array(weights, dtype)}
        for values in suite.call(LOSS_AND_GRADIENT, given):
            floats = suite.floats(values)
            assert floats[5:] == [0.0] * 5
            assert all(math.isfinite(v) for v in floats[:5])


def test_the_mean_counts_only_what_is_kept(suite: Suite, dtype: str) -> None:
    arrays = {
        "logits": suite.array([0.0, 0.0, 5.0, NAN], dtype),
        "labels": suite.array([0.0, 1.0, -1.0, 1.0], dtype),
        "mask": suite.array([True, True, True, False], "bool"),
    }
    loss, slope = suite.call(LOSS_AND_GRADIENT, arrays, ignore_index=-1, reduction="mean")
    suite.assert_ulp(loss, ["0.69314718055994530941723212145817656808"], dtype, shape=())
    suite.assert_equal(slope, suite.array([0.25, -0.25, 0.0, 0.0], dtype))
    count = suite.call(_total, arrays, ignore_index=-1)
    assert suite.floats(count) == [2.0]
    assert count.shape == ()


def _total(*, logits: Any, **rest: Any) -> Any:
    return sigmoid_xent.total_weight(**rest)


@pytest.mark.everywhere
def test_everything_ignored_gives_0(suite: Suite, dtype: str) -> None:
    arrays = {
        "logits": suite.array([NAN, INF, 1.0], dtype),
        "labels": suite.array([-1.0, -1.0, -1.0], dtype),
    }
    for reduction in ("none", "sum", "mean"):
        loss, slope = suite.call(LOSS_AND_GRADIENT, arrays, ignore_index=-1, reduction=reduction)
        assert set(suite.floats(loss)) == {0.0}
        assert suite.floats(slope) == [0.0, 0.0, 0.0]


@pytest.mark.dtypes("float32")
@pytest.mark.parametrize(
    ("labels", "labels_dtype", "ignored", "kept"),
    [
        ([0, 1, 156, 255], "uint8", -100, [1, 1, 1, 1]),  # must not wrap around to 156
        ([0, 1, 156, 255], "uint8", 255, [1, 1, 1, 0]),
        ([0, 1, 1, 0], "uint8", 256, [1, 1, 1, 1]),
        ([0, 1, -1, 0], "int8", -1.0, [1, 1, 0, 1]),
        ([0, 1, -1, 0], "int64", 2**70, [1, 1, 1, 1]),
        ([0, 1, 1, 0], "int32", 0.5, [1, 1, 1, 1]),
        ([0, 1, 2**32 - 1, 0], "uint32", 2**32 - 1, [1, 1, 0, 1]),
        ([0, 1, 2**53 + 1, 0], "int64", 2**53, [1, 1, 1, 1]),
        ([0, 1, 2**53 + 1, 0], "int64", 2**53 + 1, [1, 1, 0, 1]),
        ([0, 1, 1, 0], "int32", NAN, [1, 1, 1, 1]),
        ([0, 1, 1, 0], "int32", INF, [1, 1, 1, 1]),
        ([False, True, True, False], "bool", 0, [0, 1, 1, 0]),
        ([False, True, True, False], "bool", 1.0, [1, 0, 0, 1]),
        ([False, True, True, False], "bool", -1, [1, 1, 1, 1]),
        ([0.3, 0.1, -0.5, 0.0], "float32", 0, [1, 1, 1, 0]),  # Paddle's truncation ignores all
        ([0.3, 0.1, -0.5, 0.0], "float32", 0.1, [1, 0, 1, 1]),  # rounded to the labels' dtype
        ([0.3, 0.1, NAN, 0.0], "float32", NAN, [1, 1, 0, 1]),
        ([0.3, INF, 0.0, 0.0], "float32", 10**400, [1, 1, 1, 1]),
        ([0.3, INF, 0.0, 0.0], "float32", INF, [1, 0, 1, 1]),
    ],
)
def test_the_ignored_label_is_compared_in_the_dtype_of_the_labels(
    suite: Suite,
    dtype: str,
    labels: list[float],
    labels_dtype: str,
    ignored: float,
    kept: list[int],
) -> None:
    if not suite.has(labels_dtype):
        pytest.skip(f"{suite} has no {labels_dtype}")
    arrays = {
        "labels": suite.array(labels, labels_dtype),
        "logits": suite.array([0.0] * 4, dtype),
    }
    count = suite.call(_total, arrays, ignore_index=ignored)
    assert suite.floats(count) == [float(sum(kept))]
    slopes = suite.floats(suite.call(sigmoid_xent.gradient, arrays, ignore_index=ignored))
    losses = suite.floats(suite.call(sigmoid_xent.loss, arrays, ignore_index=ignored))
    _, curvatures = suite.call(sigmoid_xent.gradient_and_hessian, arrays, ignore_index=ignored)
    assert [v != 0.0 for v in losses] == [k == 1 for k in kept]
    assert [v == 0.0 for v in suite.floats(curvatures)] == [k == 0 for k in kept]
    assert all(v == 0.0 for v, k in zip(slopes, kept, strict=True) if not k)


@pytest.mark.parametrize("ignored", [0.1, -0.3, 1e-7])
def test_a_float_is_rounded_to_the_dtype_of_the_labels(
    suite: Suite, dtype: str, ignored: float
) -> None:
    arrays = {
        "labels": suite.array([ignored, 0.5], dtype),
        "logits": suite.array([NAN, 0.0], dtype),
    }
    slopes = suite.call(sigmoid_xent.gradient, arrays, ignore_index=ignored)
    suite.assert_equal(slopes, suite.array([0.0, 0.0], dtype))


@pytest.mark.everywhere
@pytest.mark.dtypes("float32")
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (2, 3)])
def test_masks_and_weights_broadcast(suite: Suite, dtype: str, shape: tuple[int, ...]) -> None:
    size = math.prod(shape)
    keep = [i % 2 == 0 for i in range(size)]
    factor = [0.5 + i for i in range(size)]
    arrays = {
        "logits": suite.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype),
        "labels": suite.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]], dtype),
        "mask": suite.shaped(keep, shape, "bool"),
        "weights": suite.shaped(factor, shape, dtype),
    }
    at = _broadcast(shape)
    kept = [float(keep[i]) for i in at]
    expected = [k * factor[i] * 0.25 for k, i in zip(kept, at, strict=True)]
    _, curvatures = suite.call(sigmoid_xent.gradient_and_hessian, arrays)
    suite.assert_equal(curvatures, suite.shaped(expected, (2, 3), dtype))
    total = suite.call(_total, arrays)
    suite.assert_equal(total, suite.array(sum(expected) * 4, dtype))
    count = suite.call(_total, {k: v for k, v in arrays.items() if k != "weights"})
    assert suite.floats(count) == [sum(kept)]


def _broadcast(shape: tuple[int, ...]) -> list[int]:
    """Return the flat index into `shape` of each element of (2, 3)."""
    rows, columns = (1, 1, *shape)[-2:]
    return [(i % rows) * columns + (j % columns) for i in range(2) for j in range(3)]
