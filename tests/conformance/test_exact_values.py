"""Errors against the reference values of class weights, probabilities, products and `special`."""

from fractions import Fraction
from itertools import groupby
from typing import Any

import pytest
from helpers.suite import Suite

from xent_api import softmax_xent, sparse_softmax_xent, special
from xent_api._checks.dtypes import FLOATING, compute_name
from xent_api.testing import functions, weighted
from xent_api.testing.ulp import Exact

DERIVATIVES = ("gradient", "hessian", "probabilities", "product")


def assert_within(got: float, exact: Exact, allowed: Fraction, dtype: str, where: object) -> None:
    """Assert that a result is off by no more than is allowed."""
    if not isinstance(exact, Fraction):
        assert got == exact or (got != got and exact != exact), (where, got, exact)
        return
    largest = FLOATING[dtype].largest
    if abs(got) == float("inf"):
        assert abs(exact) + allowed > largest, (where, got, float(exact))
        return
    error = abs(Fraction(got) - exact)
    assert error <= allowed, (
        where,
        got,
        float(exact),
        float(error / allowed) if allowed else error,
    )


def _groups(dtype: str, *, indices: bool) -> list[list[weighted.WeightedVector]]:
    """Return the vectors of a call each."""
    found = [v for v in weighted.weighted_vectors(dtype) if v.number is not None or not indices]
    groups = groupby(found, key=lambda v: (len(v.logits), v.smoothing))
    return [list(group) for _, group in groups]


@pytest.mark.everywhere
@pytest.mark.parametrize("family", [softmax_xent, sparse_softmax_xent], ids=["dense", "indices"])
def test_class_weights(suite: Suite, dtype: str, family: Any) -> None:
    compute, indices = compute_name(dtype), family is sparse_softmax_xent
    for group in _groups(dtype, indices=indices):
        first = group[0]
        labels = [v.number if indices else list(v.labels) for v in group]
        arrays = {
            "logits": suite.array([list(v.logits) for v in group], dtype),
            "labels": suite.array(labels, "int32" if indices else dtype),
            "weights": suite.array([v.weight for v in group], compute),
            "class_weights": suite.array(list(first.class_weights), compute),
        }
        vector = suite.array([list(v.vector) for v in group], compute)
        options = {"label_smoothing": first.smoothing}
        losses, slopes = suite.call(family.loss_and_gradient, arrays, **options)
        _, curves = suite.call(family.gradient_and_hessian, arrays, **options)
        again, p = suite.call(family.gradient_and_probabilities, arrays, **options)
        product = suite.call(family.hessian_vector_product, arrays | {"vector": vector}, **options)
        if not suite.traced:  # a compiler may round once where the other call does twice
            suite.assert_equal(again, slopes)
        results = (losses, slopes, curves, p, product, again)
        for name, values in zip(("loss", *DERIVATIVES, "gradient"), results, strict=True):
            found = iter(suite.floats(values))
            for v in group:
                for place, exact in enumerate(getattr(v, name)):
                    bound = weighted.allowed(v, name, place)
                    assert_within(next(found), exact, bound, dtype, (name, place, v))


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.parametrize("family", [softmax_xent, sparse_softmax_xent], ids=["dense", "indices"])
def test_total_weight_by_classes(suite: Suite, dtype: str, family: Any) -> None:
    compute, indices = compute_name(dtype), family is sparse_softmax_xent
    for group in _groups(dtype, indices=indices)[:3]:
        given = {
            "class_weights": suite.array(list(group[0].class_weights), compute),
            "label_smoothing": 0.5,
            "reduction": "weighted_mean",
            "dtype": None,
        }
        for v in group:
            labels = [v.number] if indices else [list(v.labels)]
            labels = suite.array(labels, "int32" if indices else dtype)
            total = family.total_weight(labels=labels, weights=v.weight, **given)
            (got,) = suite.floats(total)
            bound = weighted.allowed(v, "total", 0)
            assert_within(got, v.total[0], bound, compute, v)


def _traced(suite: Suite, function: Any, x: Any) -> Any:
    """Call a function of one argument, which has no name."""

    def named(*, x: Any) -> Any:
        return function(x)

    return suite.call(named, {"x": x})


@pytest.mark.everywhere
@pytest.mark.parametrize("name", functions.ELEMENTS)
def test_functions_of_elements(suite: Suite, dtype: str, name: str) -> None:
    vectors = functions.function_vectors(dtype, name)
    x = suite.array([v.x[0] for v in vectors], dtype)
    found = _traced(suite, getattr(special, name), x)
    assert found.dtype == x.dtype
    for v, got in zip(vectors, suite.floats(found), strict=True):
        assert_within(got, v.value[0], functions.allowed(v, 0), dtype, v)


@pytest.mark.everywhere
@pytest.mark.parametrize("name", functions.ROWS)
def test_functions_of_rows(suite: Suite, dtype: str, name: str) -> None:
    vectors = sorted(functions.function_vectors(dtype, name), key=lambda v: len(v.x))
    for size, group in groupby(vectors, key=lambda v: len(v.x)):
        rows = list(group)
        x = suite.array([list(v.x) for v in rows], dtype)
        found = _traced(suite, getattr(special, name), x)
        assert found.dtype == x.dtype
        assert found.shape == ((len(rows),) if name == "logsumexp" else (len(rows), size))
        got = iter(suite.floats(found))
        for v in rows:
            for place, exact in enumerate(v.value):
                assert_within(next(got), exact, functions.allowed(v, place), dtype, v)
