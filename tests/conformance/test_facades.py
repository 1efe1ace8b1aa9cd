"""The documented signatures: same values as the family, in the documented order."""

import inspect
import math
from fractions import Fraction
from typing import Any

import pytest

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent
from xent_api._checks.dtypes import FLOATING
from xent_api.facades import optax, paddle, tensorflow, tensorflow_v1, torch
from xent_api.testing.suite import Suite

OF_TORCH = "(input, target, weight=None, size_average=None, {}reduce=None, reduction='mean'{})"
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
    (
        torch.binary_cross_entropy_with_logits,
        OF_TORCH.format("", ", pos_weight=None"),
    ),
    (
        torch.cross_entropy,
        OF_TORCH.format("ignore_index=-100, ", ", label_smoothing=0.0"),
    ),
    (optax.sigmoid_binary_cross_entropy, "(logits, labels)"),
    (optax.softmax_cross_entropy, "(logits, labels, axis=-1, where=None)"),
    (
        optax.softmax_cross_entropy_with_integer_labels,
        "(logits, labels, axis=-1, where=None)",
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


@pytest.mark.everywhere
def test_torch_s_binary_loss(suite: Suite, dtype: str, points: tuple[Any, Any]) -> None:
    labels, logits = points
    function = torch.binary_cross_entropy_with_logits
    weights = suite.array([[2.0], [0.5]], dtype)
    factor = suite.array([1.0, 2.0, 3.0], dtype)
    plain = sigmoid_xent.loss(labels=labels, logits=logits, reduction="mean")
    suite.assert_equal(function(logits, labels), plain)
    for reduction in ("none", "sum", "mean"):
        wanted = sigmoid_xent.loss(
            labels=labels, logits=logits, weights=weights, pos_weight=factor, reduction=reduction
        )
        found = function(logits, labels, weights, reduction=reduction, pos_weight=factor)
        suite.assert_equal(found, wanted)
    older = [((None, False), "none"), ((False, None), "sum"), ((True, None), "mean")]
    for (average, reduce), reduction in older:
        kind: Any = reduction
        wanted = sigmoid_xent.loss(labels=labels, logits=logits, reduction=kind)
        suite.assert_equal(function(logits, labels, None, average, reduce), wanted)


@pytest.mark.everywhere
def test_torch_s_cross_entropy(suite: Suite, dtype: str, points: tuple[Any, Any]) -> None:
    labels, logits = points
    function, indices = torch.cross_entropy, suite.array([2, -100], "int32")
    weight = suite.array([1.0, 2.0, 3.0], dtype)
    for reduction in ("none", "sum", "mean"):
        options = {"class_weights": weight, "label_smoothing": 0.25}
        wanted = sparse_softmax_xent.loss(
            labels=indices,
            logits=logits,
            ignore_index=-100,
            reduction="weighted_mean" if reduction == "mean" else reduction,
            **options,
        )
        given: dict[str, Any] = {"reduction": reduction, "label_smoothing": 0.25}
        suite.assert_equal(function(logits, indices, weight, **given), wanted)
        wanted = softmax_xent.loss(labels=labels, logits=logits, reduction=reduction, **options)
        suite.assert_equal(function(logits, labels, weight, **given), wanted)
    images = suite.shaped([0.5, -1.0, 2.0, 0.0, 1.0, 3.0], (1, 2, 3), dtype)
    pixels = suite.array([[0, 1, 0]], "int32")
    wanted = sparse_softmax_xent.loss(labels=pixels, logits=images, axis=1, reduction="mean")
    suite.assert_equal(function(images, pixels), wanted)
    one = function(images[0, :, 0], suite.array(1, "int32"), reduction="none")
    (exact,) = (math.log1p(math.exp(0.5)),)
    suite.assert_ulp(one, [Fraction(exact)], dtype, shape=(), bar=4.0)


def test_torch_s_errors(suite: Suite, dtype: str, points: tuple[Any, Any]) -> None:
    labels, logits = points
    indices = suite.array([[0, 1, 1], [0, 0, 1]], "int32")
    with pytest.raises(TypeError, match=r"^`target` must be floating where"):
        torch.cross_entropy(logits, indices)
    with pytest.raises(ValueError, match=r"^`ignore_index` must be negative"):
        torch.cross_entropy(logits, labels, ignore_index=0)
    with pytest.raises(ValueError, match=r"^`reduction` must be"):
        torch.cross_entropy(logits, labels, reduction="weighted_mean")
    with pytest.raises(ValueError, match=r"`weight` must have the shape \(3,\)"):
        torch.cross_entropy(logits, labels, suite.array([1.0, 2.0], dtype))
    with pytest.raises(ValueError, match=r"^`target` must have the shape of `input`"):
        torch.binary_cross_entropy_with_logits(logits, labels[0, :])
    with pytest.raises(ValueError, match=r"^`input` must be given; got None"):
        torch.cross_entropy(None, labels)


@pytest.mark.everywhere
def test_optax(suite: Suite, dtype: str, points: tuple[Any, Any]) -> None:
    labels, logits = points
    found = optax.sigmoid_binary_cross_entropy(logits, labels)
    suite.assert_equal(found, sigmoid_xent.loss(labels=labels, logits=logits))
    found = optax.softmax_cross_entropy(logits, labels)
    suite.assert_equal(found, softmax_xent.loss(labels=labels, logits=logits))
    indices = suite.array([2, 0], "int32")
    found = optax.softmax_cross_entropy_with_integer_labels(logits, indices)
    suite.assert_equal(found, sparse_softmax_xent.loss(labels=indices, logits=logits))


@pytest.mark.everywhere
def test_optax_switches_classes_off(suite: Suite, dtype: str) -> None:
    nan = math.nan
    logits = suite.array([[0.5, nan, 3.0], [nan, nan, nan], [1.0, 2.0, 3.0]], dtype)
    labels = suite.array([[0.25, nan, 0.75], [nan, nan, nan], [0.0, 0.5, 0.5]], dtype)
    where = suite.array([[True, False, True], [False] * 3, [True] * 3], "bool")
    found = optax.softmax_cross_entropy(logits, labels, where=where)
    left = suite.array([[0.5, 3.0]], dtype)
    (pair,) = suite.floats(
        softmax_xent.loss(labels=suite.array([[0.25, 0.75]], dtype), logits=left)
    )
    row, z = suite.array([[1.0, 2.0, 3.0]], dtype), suite.array([[0.0, 0.5, 0.5]], dtype)
    (three,) = suite.floats(softmax_xent.loss(labels=z, logits=row))
    got = suite.floats(found)
    assert got[1] == 0.0
    eps = 2.0 ** (1 - FLOATING[dtype].digits)
    assert abs(got[0] - pair) <= 4 * eps * pair
    assert abs(got[2] - three) <= 4 * eps * three
    indices = suite.array([1, 0, 2], "int32")
    function = optax.softmax_cross_entropy_with_integer_labels
    off, none, last = suite.floats(function(logits, indices, where=where))
    assert (off, none) == (math.inf, 0.0)
    (alone,) = suite.floats(function(row, suite.array([2], "int32")))
    assert abs(last - alone) <= 4 * eps * alone
    # One with an axis less is of rows; one of classes alone broadcasts.
    rows = suite.array([False, False, True], "bool")
    assert suite.floats(optax.softmax_cross_entropy(logits, labels, where=rows)) == [0, 0, got[2]]
    with pytest.raises(ValueError, match=r"^`where` must broadcast into the shape of `logits`"):
        function(row, suite.array([2], "int32"), where=where)
    with pytest.raises(TypeError, match=r"^`where` must have dtype bool"):
        function(row, suite.array([2], "int32"), where=row)
    with pytest.raises(TypeError, match=r"^`axis` must be an int; got tuple"):
        function(row, suite.array([2], "int32"), axis=(0, 1))  # type: ignore[arg-type]
