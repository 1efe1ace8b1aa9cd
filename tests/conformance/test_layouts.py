"""Arrays as they come: read-only, strided, on other devices, never changed and never returned."""

from typing import Any

import pytest

from xent_api import sigmoid_xent
from xent_api.testing.suite import Suite

VALUES = [[0.5, -1.5, 3.0, 0.0], [0.25, 20.0, -20.0, 1.0]]
LABELS = [[1.0, 0.0, 0.25, 0.5], [0.0, 1.0, 0.0, 1.0]]


@pytest.mark.eager
@pytest.mark.dtypes("float32", "float64")
def test_strided_arrays_give_the_same_as_contiguous_ones(suite: Suite, dtype: str) -> None:
    xp = suite.target.xp
    transposed = {
        "logits": xp.moveaxis(suite.array(VALUES, dtype), 0, -1),
        "labels": xp.moveaxis(suite.array(LABELS, dtype), 0, -1),
    }
    straight = {
        "logits": suite.array([list(row) for row in zip(*VALUES, strict=True)], dtype),
        "labels": suite.array([list(row) for row in zip(*LABELS, strict=True)], dtype),
    }
    for views, copies in (
        (transposed, straight),
        (_every_other(transposed), _every_other(straight)),
    ):
        got = sigmoid_xent.loss_and_gradient(**views)
        for actual, desired in zip(got, sigmoid_xent.loss_and_gradient(**copies), strict=True):
            floats = suite.floats(actual)
            suite.assert_ulp(desired, floats, dtype, shape=tuple(actual.shape), bar=1.0)


def _every_other(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: value[::2, :] for name, value in arrays.items()}


@pytest.mark.everywhere
def test_inputs_are_left_alone_and_never_returned(suite: Suite, dtype: str) -> None:
    arrays = {
        "logits": suite.array(VALUES, dtype),
        "labels": suite.array(LABELS, dtype),
        "mask": suite.array([[True, True, False, True]] * 2, "bool"),
        "weights": suite.array([1.0, 2.0, 3.0, 0.0], dtype),
        "pos_weight": suite.array([[2.0], [0.5]], dtype),
    }
    before = {name: suite.floats(value) for name, value in arrays.items()}
    options: dict[str, Any] = {"label_smoothing": 0.1, "ignore_index": 0.25}
    for name in ("loss_and_gradient", "gradient_and_hessian"):
        found = suite.call(getattr(sigmoid_xent, name), arrays, **options)
        assert all(result is not array for result in found for array in arrays.values())
    assert before == {name: suite.floats(value) for name, value in arrays.items()}


@pytest.mark.only("numpy")
@pytest.mark.dtypes("float32", "float64")
def test_read_only_arrays(suite: Suite, dtype: str) -> None:
    arrays = {
        "logits": suite.array(VALUES, dtype),
        "labels": suite.array(LABELS, dtype),
        "mask": suite.array([[True, True, False, True]] * 2, "bool"),
        "weights": suite.array([1.0, 2.0, 3.0, 0.0], dtype),
    }
    wanted = sigmoid_xent.loss_and_gradient(**arrays, reduction="mean")
    for value in arrays.values():
        value.flags.writeable = False
    loss, slope = sigmoid_xent.loss_and_gradient(**arrays, reduction="mean")
    assert loss == wanted[0]
    suite.assert_equal(slope, wanted[1])
    assert slope.flags.writeable


@pytest.mark.everywhere
@pytest.mark.eager
def test_results_are_on_the_device_of_the_logits(suite: Suite, dtype: str) -> None:
    arrays = {"logits": suite.array(VALUES, dtype), "labels": suite.array(LABELS, dtype)}
    device = getattr(arrays["logits"], "device", None)
    for reduction in ("none", "sum", "mean"):
        for result in sigmoid_xent.loss_and_gradient(**arrays, reduction=reduction):
            assert getattr(result, "device", None) == device
            assert result.dtype == arrays["logits"].dtype
    for options in ({}, {"weights": 2.0}, {"ignore_index": 0}):
        total = sigmoid_xent.total_weight(labels=arrays["labels"], **options)
        assert getattr(total, "device", None) == device
