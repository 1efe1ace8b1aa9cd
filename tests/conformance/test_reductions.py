"""Sums, means, denominators and total weights."""

import math
from fractions import Fraction
from typing import Any

import pytest

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent
from xent_api.testing.suite import Suite

LOG2 = "0.69314718055994530941723212145817656808"
INF, NAN = math.inf, math.nan


def _arrays(suite: Suite, dtype: str) -> dict[str, Any]:
    """Return two rows of two zeros: each loss is log 2, each gradient 1/2 or -1/2."""
    return {
        "logits": suite.array([[0.0, 0.0], [0.0, 0.0]], dtype),
        "labels": suite.array([[0.0, 1.0], [1.0, 0.0]], dtype),
    }


def _times(factor: float) -> str:
    from decimal import Decimal

    return str(Decimal(LOG2) * Decimal(factor))


@pytest.mark.everywhere
def test_sum_and_mean(suite: Suite, dtype: str) -> None:
    arrays = _arrays(suite, dtype)
    total, slope = suite.call(sigmoid_xent.loss_and_gradient, arrays, reduction="sum")
    suite.assert_ulp(total, [_times(4)], dtype, shape=())
    suite.assert_equal(slope, suite.array([[0.5, -0.5], [-0.5, 0.5]], dtype))
    mean, slope = suite.call(sigmoid_xent.loss_and_gradient, arrays, reduction="mean")
    suite.assert_ulp(mean, [LOG2], dtype, shape=())
    suite.assert_equal(slope, suite.array([[0.125, -0.125], [-0.125, 0.125]], dtype))
    _, curvature = suite.call(sigmoid_xent.gradient_and_hessian, arrays, reduction="mean")
    suite.assert_equal(curvature, suite.array([[0.0625] * 2] * 2, dtype))


@pytest.mark.parametrize(("denominator", "expected"), [(8, 0.5), (0.5, 8.0), (-4, -1.0)])
def test_a_number_as_denominator(
    suite: Suite, dtype: str, denominator: float, expected: float
) -> None:
    arrays = _arrays(suite, dtype)
    options: dict[str, Any] = {"reduction": "mean", "denominator": denominator}
    mean, slope = suite.call(sigmoid_xent.loss_and_gradient, arrays, **options)
    suite.assert_ulp(mean, [_times(expected)], dtype, shape=())
    half = 0.5 / denominator
    suite.assert_equal(slope, suite.array([[half, -half], [-half, half]], dtype))


@pytest.mark.everywhere
@pytest.mark.parametrize("kind", ["int32", "float32", "same"])
def test_an_array_as_denominator(suite: Suite, dtype: str, kind: str) -> None:
    value = suite.array(8, dtype if kind == "same" else kind)
    arrays = _arrays(suite, dtype) | {"denominator": value}
    mean, slope = suite.call(sigmoid_xent.loss_and_gradient, arrays, reduction="mean")
    suite.assert_ulp(mean, [_times(0.5)], dtype, shape=())
    suite.assert_equal(slope, suite.array([[0.0625, -0.0625], [-0.0625, 0.0625]], dtype))


def test_a_mean_divides_by_the_number_of_positions_and_not_by_their_weights(
    suite: Suite, dtype: str
) -> None:
    arrays = _arrays(suite, dtype)
    # Four losses of log 2 with weights 1 and 3: the sum is 8 log 2, the mean 2 log 2.
    weights = suite.array([1.0, 3.0], dtype)
    mean, slope = suite.call(
        sigmoid_xent.loss_and_gradient, arrays | {"weights": weights}, reduction="mean"
    )
    suite.assert_ulp(mean, [_times(2)], dtype, shape=())
    suite.assert_equal(slope, suite.array([[0.125, -0.375], [-0.125, 0.375]], dtype))
    mean = suite.call(sigmoid_xent.loss, arrays, reduction="mean", weights=3.0)
    suite.assert_ulp(mean, [_times(3)], dtype, shape=())


@pytest.mark.eager
def test_a_number_weighs_as_an_array_does(suite: Suite, dtype: str) -> None:
    arrays = {
        "logits": suite.array([0.5, -2.0, 7.0, -9.0], dtype),
        "labels": suite.array([1.0, 0.25, 0.0, 1.0], dtype),
    }
    for number in (0.0, 0.375, 3.0):
        for name in ("weights", "pos_weight"):
            given = arrays | {name: suite.array([number] * 4, dtype)}
            for function in (sigmoid_xent.loss_and_gradient, sigmoid_xent.gradient_and_hessian):
                found = suite.call(function, arrays, **{name: number})
                for got, wanted in zip(found, suite.call(function, given), strict=True):
                    suite.assert_equal(got, wanted)


@pytest.mark.dtypes("float32")
def test_a_sum_of_one_large_and_many_small_terms(suite: Suite, dtype: str) -> None:
    if not suite.has("float64"):
        pytest.skip(f"{suite} has no float64 to add up in")
    # In float32 each of the small terms, 40, would be lost beside 40 * 2**25, or be rounded to 128.
    size = 1001
    arrays = {
        "logits": suite.array([40.0] * size, dtype),
        "labels": suite.array([0.0] * size, dtype),
        "weights": suite.array([2.0**25] + [1.0] * (size - 1), dtype),
    }
    exact = 40 * (2**25 + size - 1)
    total = suite.call(sigmoid_xent.loss, arrays, reduction="sum")
    suite.assert_ulp(total, [float(exact)], dtype, shape=(), bar=0.5)
    # Rounded once: dividing a sum that was already rounded to float32 would miss by more.
    for denominator in (3, 7, 1001):
        mean = suite.call(sigmoid_xent.loss, arrays, reduction="mean", denominator=denominator)
        suite.assert_ulp(mean, [Fraction(exact, denominator)], dtype, shape=(), bar=0.5)


def test_a_mask_without_dimensions_counts_for_all(suite: Suite, dtype: str) -> None:
    # At the logit 40 and the label 0 the loss is 40 and the gradient 1 in every dtype but float64,
    # and there too to 4e-18.
    arrays = {
        "logits": suite.array([40.0] * 200, dtype),
        "labels": suite.array([0.0] * 200, dtype),
        "mask": suite.array(True, "bool"),
    }
    mean, slope = suite.call(sigmoid_xent.loss_and_gradient, arrays, reduction="mean")
    suite.assert_ulp(mean, [40.0], dtype, shape=(), bar=1.0)
    suite.assert_ulp(slope, [Fraction(1, 200)] * 200, dtype, bar=1.0)
    count = sigmoid_xent.total_weight(labels=arrays["labels"], mask=arrays["mask"])
    assert suite.floats(count) == [200.0]


@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_total_weight_of_booleans_and_of_nothing(suite: Suite, dtype: str) -> None:
    labels = suite.array([True, False, True], "bool")
    mask = suite.array([True, True, False], "bool")
    weights = suite.array([1.0, 2.0, 4.0], dtype)
    total = sigmoid_xent.total_weight(labels=labels, mask=mask, weights=weights)
    suite.assert_equal(total, suite.array(3.0, dtype))
    empty = suite.array([1.0], dtype)[:0]
    for none in (math.inf, suite.array([math.inf], dtype)):
        assert suite.floats(sigmoid_xent.total_weight(labels=empty, weights=none)) == [0.0]


@pytest.mark.everywhere
def test_a_weighted_mean(suite: Suite, dtype: str) -> None:
    arrays = _arrays(suite, dtype) | {"weights": suite.array([1.0, 3.0], dtype)}

    def weighted(**given: Any) -> Any:
        weight = sigmoid_xent.total_weight(labels=given["labels"], weights=given["weights"])
        return weight, sigmoid_xent.loss(**given, reduction="mean", denominator=weight)

    weight, mean = suite.call(weighted, arrays)
    assert suite.floats(weight) == [8.0]
    suite.assert_ulp(mean, [LOG2], dtype, shape=())


@pytest.mark.parametrize("as_array", [False, True])
def test_0_over_0_is_0_and_anything_else_is_ieee(suite: Suite, dtype: str, as_array: bool) -> None:
    arrays = {
        "logits": suite.array([INF, 0.0], dtype),
        "labels": suite.array([1.0, 0.5], dtype),
        "mask": suite.array([True, False], "bool"),
    }

    def mean(denominator: float, **changed: Any) -> tuple[Any, Any]:
        given = arrays | changed
        options: dict[str, Any] = {"reduction": "mean"}
        if as_array:
            given["denominator"] = suite.array(denominator, dtype)
        else:
            options["denominator"] = denominator
        loss, slope = suite.call(sigmoid_xent.loss_and_gradient, given, **options)
        return suite.floats(loss)[0], suite.floats(slope)

    assert mean(0.0) == (0.0, [0.0, 0.0])
    kept = suite.array([True, True], "bool")
    loss, slope = mean(0.0, mask=kept, labels=suite.array([1.0, 0.0], dtype))
    assert (loss, slope) == (INF, [0.0, INF])
    loss, _ = mean(0.0, logits=suite.array([NAN, 0.0], dtype))
    assert math.isnan(loss)
    loss, _ = mean(NAN)
    assert math.isnan(loss)


@pytest.mark.everywhere
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_nothing_there(suite: Suite, dtype: str, shape: tuple[int, ...]) -> None:
    xp = suite.target.xp
    empty = xp.reshape(suite.array([1.0], dtype)[:0], shape)
    arrays = {"logits": empty, "labels": empty}
    for reduction in ("sum", "mean"):
        loss, slope = suite.call(sigmoid_xent.loss_and_gradient, arrays, reduction=reduction)
        assert suite.floats(loss) == [0.0]
        assert tuple(slope.shape) == shape
    suite.assert_equal(suite.call(sigmoid_xent.loss, arrays), empty)
    assert suite.floats(sigmoid_xent.total_weight(labels=empty)) == [0.0]


@pytest.mark.everywhere
def test_0_dimensional_arrays(suite: Suite, dtype: str) -> None:
    arrays = {"logits": suite.array(0.0, dtype), "labels": suite.array(1.0, dtype)}
    for reduction in ("none", "sum", "mean"):
        loss, slope = suite.call(sigmoid_xent.loss_and_gradient, arrays, reduction=reduction)
        suite.assert_ulp(loss, [LOG2], dtype, shape=())
        suite.assert_equal(slope, suite.array(-0.5, dtype))


@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_total_weight_takes_the_arguments_of_its_loss(suite: Suite, dtype: str) -> None:
    rows = suite.array([[1.0, 0.0], [0.0, 1.0]], dtype)
    plain: dict[str, Any] = {
        "logits": rows,
        "weights": suite.array([0.5, 2.0], dtype),
        "mask": suite.array([True, False], "bool"),
        "label_smoothing": 0.1,
        "reduction": "mean",
        "denominator": 7,
    }
    sigmoid = plain | {"labels": rows, "ignore_index": 1, "pos_weight": 3.0}
    dense = plain | {"labels": rows, "axis": 1}
    sparse = plain | {"labels": suite.array([0, 5], "int32"), "axis": 1, "ignore_index": 5}
    families = ((sigmoid_xent, sigmoid), (softmax_xent, dense), (sparse_softmax_xent, sparse))
    for family, given in families:
        assert family.loss(**given).shape == ()
        # Of the sigmoid family the mask hides a column, and the label a position of the other.
        assert suite.floats(family.total_weight(**given)) == [0.5]
    # What is not looked at may be anything.
    wrong: Any = {"logits": 1, "reduction": "?", "denominator": "?", "label_smoothing": 9}
    assert suite.floats(sigmoid_xent.total_weight(labels=rows, **wrong)) == [4.0]
    with pytest.raises(ValueError, match="`axis` must lie in"):
        softmax_xent.total_weight(**(dense | {"axis": 2}))


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.dtypes("float32")
def test_total_weight_has_the_documented_dtypes(suite: Suite, dtype: str) -> None:
    xp = suite.target.xp
    defaults = xp.__array_namespace_info__().default_dtypes(device=suite.target.device)
    labels = suite.array([1.0, 0.0, 1.0], dtype)
    mask = suite.array([True, False, True], "bool")
    for options in ({}, {"mask": mask}, {"ignore_index": 0}):
        assert sigmoid_xent.total_weight(labels=labels, **options).dtype == defaults["integral"]
    widest = "float64" if "float64" in suite.target.dtypes() else "float32"
    half = sigmoid_xent.total_weight(labels=labels, weights=0.5)
    suite.assert_equal(half, suite.array(1.5, widest))
    masked = sigmoid_xent.total_weight(labels=labels, weights=0.5, mask=mask)
    suite.assert_equal(masked, suite.array(1.0, widest))
    integers = suite.array([1, 2, 3], "int32")
    whole = sigmoid_xent.total_weight(labels=labels, weights=integers)
    suite.assert_equal(whole, suite.array(6.0, widest))
    for name in suite.target.dtypes():
        given = suite.array([1.0, 2.0, 4.0], name)
        total = sigmoid_xent.total_weight(labels=labels, weights=given)
        wide = "float64" if name == "float64" else "float32"
        suite.assert_equal(total, suite.array(7.0, wide))


@pytest.mark.dtypes("float32")
@pytest.mark.slow
def test_a_mean_of_20_million_equal_losses_is_right_to_4_ulp(suite: Suite, dtype: str) -> None:
    xp = suite.target.xp
    if suite.target.name == "mparray":
        pytest.skip("mparray's elements are Python objects: 20 million of them take hours")
    # ndonnx evaluates an eager call at microseconds an element.
    size = 1_000_000 if suite.target.name == "ndonnx" else 20_000_000
    where = {} if suite.target.device is None else {"device": suite.target.device}
    logits = xp.full((size,), 0.1, dtype=xp.float32, **where)
    labels = xp.ones_like(logits)
    single = suite.floats(sigmoid_xent.loss(labels=labels[:1], logits=logits[:1]))
    mean = suite.call(sigmoid_xent.loss, {"labels": labels, "logits": logits}, reduction="mean")
    # Relative to one of the losses themselves: the sum is under test here, not the loss.
    suite.assert_ulp(mean, single, dtype, shape=(), bar=4.0)
