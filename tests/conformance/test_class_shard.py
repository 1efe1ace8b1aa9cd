"""Classes over several devices: here the others have only classes that are switched off.

Such a class has a logit of -inf, and a weight of 0. It changes no maximum and no sum, so that
collectives that return what they take stand in for those devices. The exact values are those of
whole rows, which are compared with references elsewhere.
"""

import math
from typing import Any

import pytest

import xent_api as xa
from xent_api import softmax_xent, sparse_softmax_xent, special
from xent_api._checks.dtypes import FLOATING
from xent_api.testing.suite import Suite

INF = math.inf
LOGITS = [[1.0, -2.0, 0.5], [3.0, 3.0, -1.0], [-4.0, 0.0, 2.0], [0.25, -INF, 0.0]]
INDICES = [2, 0, 1, 0]
SOFT = [[0.25, 0.5, 0.25], [1.0, 0.0, 0.0], [0.0, 0.125, 0.875], [0.5, 0.0, 0.5]]
CLASS_WEIGHTS = [0.5, 3.0, 1.25]
VECTOR = [[1.0, -1.0, 0.5], [0.0, 2.0, 0.25], [-3.0, 1.0, 1.0], [0.5, 1.0, -2.0]]
FIRST, SIZE = 2, 6
SMOOTH = {"label_smoothing": 0.25, "reduction": "mean"}


def _around(rows: list[list[float]], value: float) -> list[list[float]]:
    """Return rows with the classes of other devices."""
    return [[value] * FIRST + row + [value] * (SIZE - FIRST - 3) for row in rows]


def _shard(first: Any) -> xa.ClassShard:
    return xa.ClassShard(first=first, size=SIZE, max=lambda v: v, sum=lambda v: v)


def _calls(family: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Return the functions of a family with options. (A smoothed loss would be infinite.)"""
    return [
        (family.loss, {"reduction": "weighted_mean"}),
        (family.loss_and_gradient, {}),
        (family.gradient_and_hessian, SMOOTH),
        (family.gradient_and_probabilities, SMOOTH),
        (family.hessian_vector_product, SMOOTH),
        (family.total_weight, {}),
    ]


def _local(suite: Suite, value: Any, dtype: str) -> list[float]:
    """Return the elements of the local classes."""
    found = suite.floats(value)
    if len(value.shape) < 2:
        return found
    return [v for i, v in enumerate(found) if FIRST <= i % SIZE < FIRST + 3]


def _assert_same(suite: Suite, parts: Any, wholes: Any, dtype: str) -> None:
    single = not isinstance(parts, tuple)
    for part, whole in zip(*([(v,) if single else v for v in (parts, wholes)]), strict=True):
        assert part.dtype == whole.dtype
        eps = 2.0 ** (1 - FLOATING[dtype].digits)
        wanted = _local(suite, whole, dtype)
        for got, exact in zip(suite.floats(part), wanted, strict=True):
            close = got == exact or abs(got - exact) <= 8.0 * eps * (1.0 + abs(exact))
            assert close or (got != got and exact != exact)


@pytest.mark.eager
@pytest.mark.parametrize("first", ["int", "array"])
@pytest.mark.parametrize("family", [softmax_xent, sparse_softmax_xent], ids=["dense", "indices"])
def test_a_part_is_the_whole_beside_classes_that_are_switched_off(
    suite: Suite, dtype: str, family: Any, first: str
) -> None:
    compute = "float64" if dtype == "float64" else "float32"
    part = {
        "logits": suite.array(LOGITS, dtype),
        "labels": suite.array(SOFT, dtype),
        "class_weights": suite.array(CLASS_WEIGHTS, compute),
        "vector": suite.array(VECTOR, compute),
    }
    (weights,) = _around([CLASS_WEIGHTS], 0.0)
    whole = {
        "logits": suite.array(_around(LOGITS, -INF), dtype),
        "labels": suite.array(_around(SOFT, 0.0), dtype),
        "class_weights": suite.array(weights, compute),
        "vector": suite.array(_around(VECTOR, 0.0), compute),
    }
    if family is sparse_softmax_xent:
        part["labels"] = whole["labels"] = suite.array([y + FIRST for y in INDICES], "int32")
    shard = _shard(FIRST if first == "int" else suite.array(FIRST, "int32"))
    for function, options in _calls(family):
        names = set(part) - ({"vector"} if function is not family.hessian_vector_product else set())
        given = [{name: arrays[name] for name in names} for arrays in (part, whole)]
        found = suite.call(function, given[0], **options, shard=shard)
        _assert_same(suite, found, suite.call(function, given[1], **options), dtype)


@pytest.mark.nightly
@pytest.mark.parametrize("family", [softmax_xent, sparse_softmax_xent], ids=["dense", "indices"])
def test_a_part_that_is_traced(suite: Suite, dtype: str, family: Any) -> None:
    if not suite.traced:
        pytest.skip("for traced functions only")
    test_a_part_is_the_whole_beside_classes_that_are_switched_off(suite, dtype, family, "array")


@pytest.mark.eager
def test_functions_of_a_part(suite: Suite, dtype: str) -> None:
    part, whole = suite.array(LOGITS, dtype), suite.array(_around(LOGITS, -INF), dtype)
    for function in (special.softmax, special.log_softmax, special.logsumexp):

        def named(*, x: Any, function: Any = function, **options: Any) -> Any:
            return function(x, **options)

        found = suite.call(named, {"x": part}, shard=_shard(FIRST))
        _assert_same(suite, found, suite.call(named, {"x": whole}), dtype)


@pytest.mark.eager
def test_booleans_of_no_classes(suite: Suite, dtype: str) -> None:
    """A device may have none; then the rows are counted by the others' number of them."""
    arrays = {
        "logits": suite.target.xp.reshape(suite.array([], dtype), (4, 0)),
        "labels": suite.target.xp.reshape(suite.array([], "bool"), (4, 0)),
        "mask": suite.array([True, False, True, True], "bool"),
    }
    total = suite.call(softmax_xent.total_weight, arrays, shard=_shard(FIRST))
    assert suite.floats(total) == [3.0]
    slope = suite.call(softmax_xent.gradient, arrays, reduction="mean", shard=_shard(FIRST))
    assert tuple(slope.shape) == (4, 0)


@pytest.mark.eager
def test_a_label_that_no_device_has(suite: Suite, dtype: str) -> None:
    arrays = {
        "logits": suite.array(LOGITS, dtype),
        "labels": suite.array([FIRST, SIZE, -1, FIRST], "int32"),
    }
    function = sparse_softmax_xent.loss_and_gradient
    found = suite.call(function, arrays, shard=_shard(FIRST))
    for value in found:
        rows = suite.floats(value)
        rows = rows[:: len(rows) // 4]
        assert [v != v for v in rows] == [False, True, True, False]


def _loss(suite: Suite, dtype: str, x: Any) -> Any:
    labels = suite.array([y + FIRST for y in INDICES], "int32")
    return sparse_softmax_xent.loss(labels=labels, logits=x, shard=_shard(FIRST))


@pytest.mark.only("torch")
@pytest.mark.eager
def test_pytorch_s_derivatives_of_a_part(suite: Suite, dtype: str) -> None:
    import torch

    x = suite.array(LOGITS, dtype).requires_grad_()
    weights = suite.array(CLASS_WEIGHTS, "float32").requires_grad_()
    labels = suite.array([y + FIRST for y in INDICES], "int32")
    given = {"labels": labels, "logits": x, "shard": _shard(FIRST)}
    loss = _loss(suite, dtype, x).sum()
    (slope,) = torch.autograd.grad(loss, x, create_graph=True)
    suite.assert_close(slope.detach(), sparse_softmax_xent.gradient(**given).detach(), dtype)
    with pytest.raises(NotImplementedError, match="`gradient` over several devices"):
        slope.sum().backward()
    with pytest.raises(NotImplementedError, match="`gradient` and `probabilities` over several"):
        sparse_softmax_xent.gradient_and_probabilities(**given)[1].sum().backward()
    with pytest.raises(NotImplementedError, match=r"no transformation of torch\.func"):
        torch.func.grad(lambda x: _loss(suite, dtype, x).sum())(x.detach())
    total = sparse_softmax_xent.total_weight(
        labels=labels, class_weights=weights, shard=_shard(FIRST)
    )
    assert torch.autograd.grad(total, weights)[0].tolist() == [2.0, 1.0, 1.0]


@pytest.mark.only("jax")
@pytest.mark.eager
def test_jax_s_derivatives_of_a_part(suite: Suite, dtype: str) -> None:
    import jax

    x = suite.array(LOGITS, dtype)
    labels = suite.array([y + FIRST for y in INDICES], "int32")
    slope = jax.grad(lambda x: _loss(suite, dtype, x).sum())
    wanted = sparse_softmax_xent.gradient(labels=labels, logits=x, shard=_shard(FIRST))
    suite.assert_close(slope(x), wanted, dtype)
    with pytest.raises(NotImplementedError, match="`loss` and `gradient` over several devices"):
        jax.grad(lambda x: slope(x).sum())(x)

    def total(weights: Any) -> Any:
        given = {"labels": labels, "class_weights": weights}
        return sparse_softmax_xent.total_weight(**given, shard=_shard(FIRST))

    found = jax.grad(total)(suite.array(CLASS_WEIGHTS, "float32"))
    assert suite.floats(found) == [2.0, 1.0, 1.0]
    labels = suite.array([FIRST, SIZE, -1, FIRST + 1], "int32")  # two of which are no classes
    found = jax.grad(total)(suite.array(CLASS_WEIGHTS, "float32"))
    assert suite.floats(found) == [1.0, 1.0, 0.0]
    with jax.numpy_dtype_promotion("strict"):
        slope(x)


@pytest.mark.only("mlx")
@pytest.mark.eager
def test_mlx_has_no_derivatives_of_a_part(suite: Suite, dtype: str) -> None:
    import mlx.core as mx

    x = suite.array(LOGITS, dtype)
    for derive in (mx.grad, lambda f: lambda x: mx.jvp(f, [x], [x])):
        with pytest.raises(NotImplementedError, match="`loss` over several devices"):
            derive(lambda x: _loss(suite, dtype, x).sum())(x)
