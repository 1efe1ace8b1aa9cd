"""Dtypes of labels, weights and results."""

from typing import Any

import pytest

from xent_api import sigmoid_xent
from xent_api.testing.suite import Suite

INTEGERS = ("bool", "int8", "uint8", "int32", "int64")


@pytest.mark.everywhere
@pytest.mark.parametrize("kind", INTEGERS)
def test_labels_of_integers_and_booleans_are_cast(suite: Suite, dtype: str, kind: str) -> None:
    if not suite.has(kind):
        pytest.skip(f"{suite} has no {kind}")
    logits = suite.array([0.5, -1.5, 0.0, 2.0], dtype)
    values: list[Any] = [True, False, True, False] if kind == "bool" else [1, 0, 1, 0]
    given = {"logits": logits, "labels": suite.array(values, kind)}
    cast = {"logits": logits, "labels": suite.array([1.0, 0.0, 1.0, 0.0], dtype)}
    suite.assert_equal(suite.call(sigmoid_xent.loss, given), suite.call(sigmoid_xent.loss, cast))


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.parametrize("argument", ["labels", "weights", "pos_weight"])
def test_narrower_floats_are_cast_up_exactly_and_wider_ones_refused(
    suite: Suite, dtype: str, argument: str
) -> None:
    arrays = {
        "logits": suite.array([0.5, -1.5], dtype),
        "labels": suite.array([1.0, 0.0], dtype),
    }
    compute = "float64" if dtype == "float64" else "float32"
    for kind in suite.target.dtypes():
        given = arrays | {argument: suite.array([0.375, 0.625], kind)}
        if kind == "float64" and compute == "float32":
            with pytest.raises(TypeError, match=f"`{argument}` must .* got .*float64"):
                sigmoid_xent.loss(**given)
            continue
        wide = arrays | {argument: suite.array([0.375, 0.625], compute)}
        for function in (sigmoid_xent.loss_and_gradient, sigmoid_xent.gradient_and_hessian):
            for got, wanted in zip(
                suite.call(function, given), suite.call(function, wide), strict=True
            ):
                suite.assert_equal(got, wanted)


@pytest.mark.eager
@pytest.mark.parametrize("argument", ["weights", "pos_weight", "denominator"])
def test_numpy_scalars_are_numbers_for_every_library(
    suite: Suite, dtype: str, argument: str
) -> None:
    np = pytest.importorskip("numpy")
    arrays = {
        "logits": suite.array([0.5, -1.5], dtype),
        "labels": suite.array([1.0, 0.5], dtype),
    }
    mean: dict[str, Any] = {"reduction": "mean"}
    wanted = sigmoid_xent.loss(**arrays, **(mean | {argument: 3}))
    for number in (np.int64(3), np.float32(3.0), np.float64(3.0)):
        found = sigmoid_xent.loss(**arrays, **(mean | {argument: number}))
        suite.assert_equal(found, wanted)


@pytest.mark.parametrize("argument", ["weights", "pos_weight"])
def test_integer_weights_are_cast(suite: Suite, dtype: str, argument: str) -> None:
    arrays = {
        "logits": suite.array([0.5, -1.5], dtype),
        "labels": suite.array([1.0, 0.5], dtype),
    }
    given = arrays | {argument: suite.array([2, 3], "int32")}
    wide = arrays | {argument: suite.array([2.0, 3.0], dtype)}
    suite.assert_equal(suite.call(sigmoid_xent.loss, given), suite.call(sigmoid_xent.loss, wide))


@pytest.mark.everywhere
@pytest.mark.dtypes("float16", "bfloat16")
def test_narrow_floats_are_computed_in_float32_and_rounded_once(suite: Suite, dtype: str) -> None:
    values = [0.1, -2.7, 5.3, -0.04, 8.8]
    narrow = {
        "logits": suite.array(values, dtype),
        "labels": suite.array([1.0, 0.3, 0.0, 0.9, 1.0], dtype),
    }
    xp = suite.target.xp
    wide = {name: xp.astype(value, xp.float32) for name, value in narrow.items()}
    options: dict[str, Any] = {"weights": 3.0, "pos_weight": 0.7, "label_smoothing": 0.05}
    for reduction in ("none", "mean"):
        found = suite.call(sigmoid_xent.loss_and_gradient, narrow, reduction=reduction, **options)
        wanted = suite.call(sigmoid_xent.loss_and_gradient, wide, reduction=reduction, **options)
        for got, value in zip(found, wanted, strict=True):
            if reduction == "none" or value.shape != ():
                suite.assert_equal(got, xp.astype(value, narrow["logits"].dtype))


@pytest.mark.dtypes("float16")
def test_a_mean_over_many_float16_does_not_overflow(suite: Suite, dtype: str) -> None:
    # The sum is 1.2e6 and the count 3e4; float16 ends at 65504.
    values = {"logits": suite.array([40.0] * 30_000, dtype)}
    values["labels"] = suite.array([0.0] * 30_000, dtype)
    values["weights"] = suite.array([1.0], dtype)
    mean, slope = suite.call(sigmoid_xent.loss_and_gradient, values, reduction="mean")
    suite.assert_equal(mean, suite.array(40.0, dtype))
    suite.assert_ulp(slope[:1], [1 / 30_000], dtype, bar=0.51)
    total = sigmoid_xent.total_weight(labels=values["labels"], weights=values["logits"])
    assert suite.floats(total) == [1_200_000.0]
