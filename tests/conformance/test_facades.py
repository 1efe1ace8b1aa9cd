"""The documented signatures: same values as the family, in the documented order."""

import inspect
from typing import Any

import pytest
from helpers.suite import Suite

from xent_api import sigmoid_xent
from xent_api.facades import paddle, tensorflow, tensorflow_v1

SIGNATURES = [
    (tensorflow.sigmoid_cross_entropy_with_logits, "(labels=None, logits=None, name=None)"),
    (tensorflow.weighted_cross_entropy_with_logits, "(labels, logits, pos_weight, name=None)"),
    (tensorflow.softmax_cross_entropy_with_logits, "(labels, logits, axis=-1, name=None)"),
    (tensorflow.sparse_softmax_cross_entropy_with_logits, "(labels, logits, name=None)"),
    (
        tensorflow_v1.sigmoid_cross_entropy_with_logits,
        "(_sentinel=None, labels=None, logits=None, name=None)",
    ),
    (
        paddle.sigmoid_cross_entropy_with_logits,
        "(x, label, ignore_index=-100, name=None, normalize=False)",
    ),
]


@pytest.mark.parametrize(("function", "documented"), SIGNATURES)
def test_signatures(function: Any, documented: str) -> None:
    parameters = inspect.signature(function).parameters.values()
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    assert str(inspect.Signature(bare)) == documented


@pytest.fixture
def points(suite: Suite, dtype: str) -> tuple[Any, Any]:
    logits = suite.array([[0.5, -1.5, 3.0], [0.0, 20.0, -20.0]], dtype)
    labels = suite.array([[1.0, 0.0, 0.25], [-1.0, 1.0, 0.0]], dtype)
    return labels, logits


@pytest.mark.everywhere
def test_tensorflow(suite: Suite, dtype: str, points: tuple[Any, Any]) -> None:
    labels, logits = points
    plain = sigmoid_xent.loss(labels=labels, logits=logits)
    for function in (
        tensorflow.sigmoid_cross_entropy_with_logits,
        tensorflow_v1.sigmoid_cross_entropy_with_logits,
    ):
        suite.assert_equal(function(labels=labels, logits=logits, name="loss"), plain)
    suite.assert_equal(tensorflow.sigmoid_cross_entropy_with_logits(labels, logits), plain)
    for factor in (2.5, suite.array([1.0, 2.0, 3.0], dtype)):
        weighted = sigmoid_xent.loss(labels=labels, logits=logits, pos_weight=factor)
        actual = tensorflow.weighted_cross_entropy_with_logits(labels, logits, factor, "loss")
        suite.assert_equal(actual, weighted)


@pytest.mark.everywhere
def test_paddle(suite: Suite, dtype: str, points: tuple[Any, Any]) -> None:
    labels, logits = points
    function = paddle.sigmoid_cross_entropy_with_logits
    suite.assert_equal(function(logits, labels), sigmoid_xent.loss(labels=labels, logits=logits))
    kept = sigmoid_xent.loss(labels=labels, logits=logits, ignore_index=-1)
    suite.assert_equal(function(logits, labels, -1), kept)
    normalized = function(logits, labels, -1, "loss", True)
    exact = [v / 5 for v in suite.floats(kept)]
    suite.assert_ulp(normalized, exact, dtype, shape=(2, 3), bar=1.0)
    none_kept = function(logits, labels * 0.0, 0, normalize=True)
    suite.assert_equal(none_kept, logits * 0.0)
