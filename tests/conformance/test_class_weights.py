"""Class weights, weighted means, probabilities, products with the Hessian, dtypes of losses."""

import math
from fractions import Fraction
from typing import Any

import pytest
from helpers.abilities import LIBRARIES

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent, special
from xent_api._checks.dtypes import FLOATING, compute_name
from xent_api.testing import ulp_error
from xent_api.testing.suite import Suite
from xent_api.testing.weighted import allowed, weighted_vectors

INF, NAN = math.inf, math.nan
LOGITS = [[1.0, -2.0, 0.5], [3.0, 3.0, -1.0], [-4.0, 0.0, 2.0], [0.25, -INF, 0.0]]
INDICES = [2, 0, 1, 0]
SOFT = [[0.25, 0.5, 0.25], [1.0, 0.0, 0.0], [0.0, 0.125, 0.875], [0.5, 0.0, 0.5]]
CLASS_WEIGHTS = [0.5, 3.0, 1.25]
WEIGHTS = [1.0, 0.5, 2.0, 0.25]
VECTOR = [[1.0, -1.0, 0.5], [0.0, 2.0, 0.25], [-3.0, 1.0, 1.0], [0.5, 1.0, -2.0]]
OF_ROWS = [
    pytest.param(sparse_softmax_xent, "int32", INDICES, id="indices"),
    pytest.param(softmax_xent, None, SOFT, id="dense"),
]
ALL = [
    *OF_ROWS,
    pytest.param(sigmoid_xent, None, SOFT, id="sigmoid"),
]


def _arrays(suite: Suite, dtype: str, kind: str | None, labels: Any) -> dict[str, Any]:
    return {
        "logits": suite.array(LOGITS, dtype),
        "labels": suite.array(labels, kind or dtype),
    }


def _results(family: Any, arrays: dict[str, Any], vector: Any, **options: Any) -> list[Any]:
    """Return everything that a family computes."""
    reduced = options.get("reduction", "none")
    return [
        *family.loss_and_gradient(**arrays, **options),
        family.loss(**arrays, **options),
        *family.gradient_and_hessian(**arrays, **options),
        *family.gradient_and_probabilities(**arrays, **options),
        family.hessian_vector_product(**arrays, vector=vector, **options),
        *([] if reduced == "none" else [family.gradient(**arrays, **options)]),
    ]


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), OF_ROWS)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
def test_class_weights_of_1_change_no_bit(
    suite: Suite, dtype: str, family: Any, kind: str | None, labels: Any, reduction: str
) -> None:
    if reduction == "weighted_mean" and family is softmax_xent:
        return  # by the sum of the labels, which need not be 1
    arrays = _arrays(suite, dtype, kind, labels)
    ones = suite.array([1.0] * 3, compute_name(dtype))
    vector = suite.array(VECTOR, dtype)
    options = {"weights": suite.array(WEIGHTS, dtype), "reduction": reduction}
    for smoothing in (0.0, *((0.1, 0.75) if family is softmax_xent else ())):
        options["label_smoothing"] = smoothing
        plain = _results(family, arrays, vector, **options)
        weighted = _results(family, arrays | {"class_weights": ones}, vector, **options)
        for got, wanted in zip(weighted, plain, strict=True):
            suite.assert_equal(got, wanted)


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
def test_smoothed_class_indices_with_class_weights_of_1(suite: Suite, dtype: str) -> None:
    arrays = _arrays(suite, dtype, "int32", INDICES)
    ones = suite.array([1.0] * 3, compute_name(dtype))
    for smoothing in (0.1, 0.75, 1.0):
        plain = sparse_softmax_xent.loss(**arrays, label_smoothing=smoothing)
        got = sparse_softmax_xent.loss(**arrays, label_smoothing=smoothing, class_weights=ones)
        for one, other in zip(suite.floats(got), suite.floats(plain), strict=True):
            assert one == other or ulp_error(one, _exact(other), dtype) <= 1.0


def _exact(value: float) -> Any:
    from fractions import Fraction

    return Fraction(value) if math.isfinite(value) else value


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), ALL)
def test_a_weighted_mean_is_the_sum_divided_by_the_total_weight(
    suite: Suite, dtype: str, family: Any, kind: str | None, labels: Any
) -> None:
    arrays = _arrays(suite, dtype, kind, labels)
    compute, sigmoid = compute_name(dtype), family is sigmoid_xent
    finite = suite.array([row[:3] for row in LOGITS[:3]] + [[0.25, 1.0, 0.0]], dtype)
    weights = [[w] for w in WEIGHTS] if sigmoid else WEIGHTS
    mask = [[True], [True], [False], [True]] if sigmoid else [True, True, False, True]
    options: list[dict[str, Any]] = [{}, {"mask": suite.array(mask, "bool")}]
    options += [o | {"weights": suite.array(weights, compute)} for o in options[:2]]
    options += [{"weights": 0.3}]
    if not sigmoid:
        by_class = {"class_weights": suite.array(CLASS_WEIGHTS, compute)}
        options += [o | by_class | {"label_smoothing": 0.125} for o in options]
    for given in options:
        common = arrays | {"logits": finite} | given
        mean = family.loss(**common, reduction="weighted_mean")
        if not given.keys() & {"weights", "class_weights"}:
            suite.assert_equal(mean, family.loss(**common, reduction="mean"))
        (total,) = suite.floats(family.loss(**common, reduction="sum", dtype=_widest(suite)))
        (weight,) = suite.floats(family.total_weight(**common, reduction="weighted_mean"))
        (got,) = suite.floats(mean)
        assert ulp_error(got, _exact(total / weight), dtype) <= 2.0
        slopes = family.gradient(**common, reduction="weighted_mean")
        for one, other in zip(
            suite.floats(slopes), suite.floats(family.gradient(**common)), strict=True
        ):
            eps = 2.0 ** (1 - FLOATING[dtype].digits)
            assert abs(one - other / weight) <= 8 * eps * max(1.0, 1.0 / weight)


def _widest(suite: Suite) -> Any:
    """Return the dtype float64 where the namespace has it, else none."""
    return suite.target.xp.float64 if suite.has("float64") else None


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), ALL)
def test_weights_of_0_in_a_weighted_mean(
    suite: Suite, dtype: str, family: Any, kind: str | None, labels: Any
) -> None:
    arrays = _arrays(suite, dtype, kind, labels)
    given: list[dict[str, Any]] = [{"weights": 0.0}]
    given += [{"weights": suite.array(0.0, dtype)}]
    if family is not sigmoid_xent:
        given += [{"class_weights": suite.array([0.0] * 3, dtype)}]
    for options in given:
        mean = family.loss(**arrays, **options, reduction="weighted_mean")
        assert suite.floats(mean) == [0.0]
        total, slopes = family.loss_and_gradient(**arrays, **options, reduction="weighted_mean")
        assert {*suite.floats(total), *suite.floats(slopes)} == {0.0}
        assert suite.floats(family.total_weight(**arrays, **options)) == [0.0]


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
def test_a_class_without_weight_counts_as_label_0(suite: Suite, dtype: str) -> None:
    logits = suite.array([[0.0, -INF, 1.0]], dtype)
    weights = suite.array([1.0, 0.0, 2.0], dtype)
    soft, hard = suite.array([[0.5, 0.25, 0.25]], dtype), suite.array([1], "int32")
    found = softmax_xent.loss_and_gradient(labels=soft, logits=logits, class_weights=weights)
    same = suite.array([[0.5, 0.0, 0.5]], dtype)
    wanted = softmax_xent.loss_and_gradient(labels=same, logits=logits)
    for got, plain in zip(found, wanted, strict=True):
        suite.assert_equal(got, plain)
    for smoothing in (0.0, 0.25):
        options = {"class_weights": weights, "label_smoothing": smoothing}
        found = sparse_softmax_xent.loss_and_gradient(labels=hard, logits=logits, **options)
        values = [v for value in found for v in suite.floats(value)]
        assert all(map(math.isfinite, values))
        assert smoothing or set(values) == {0.0}


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
def test_a_confident_prediction_of_another_class_than_one_without_weight(
    suite: Suite, dtype: str
) -> None:
    logits = suite.array([[0.0, -16.0]], dtype)
    weights = suite.array([1.0, 0.0], dtype)
    loss = sparse_softmax_xent.loss(
        labels=suite.array([1], "int32"),
        logits=logits,
        class_weights=weights,
        label_smoothing=0.25,
    )
    (got,) = suite.floats(loss)
    assert ulp_error(got, _exact(0.125 * math.log1p(math.exp(-16.0))), dtype) <= 6.0


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
def test_a_mean_whose_weights_are_0_while_smoothing_leaves_a_loss(suite: Suite, dtype: str) -> None:
    given: dict[str, Any] = {
        "labels": suite.array([0], "int32"),
        "logits": suite.array([[1.0, 0.0, -1.0]], dtype),
        "class_weights": suite.array([0.0, 1.0, 2.0], dtype),
        "label_smoothing": 0.25,
        "reduction": "weighted_mean",
    }
    loss, slopes = sparse_softmax_xent.loss_and_gradient(**given)
    assert suite.floats(loss) == [INF]
    assert suite.floats(slopes) == [INF, -INF, -INF]


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
def test_smoothing_that_leaves_little_of_a_heavy_label(suite: Suite, dtype: str) -> None:
    size = 300
    weights = [1000.0] + [2.0**-7] * (size - 1)
    arrays: dict[str, Any] = {
        "logits": suite.array([[0.0] * size], dtype),
        "class_weights": suite.array(weights, dtype),
        "label_smoothing": 1.0,
    }
    exact = math.fsum(weights) / size * math.log(size)
    hard = suite.array([[1.0] + [0.0] * (size - 1)], dtype)
    for family, labels in (
        (softmax_xent, hard),
        (sparse_softmax_xent, suite.array([0], "int32")),
    ):
        (got,) = suite.floats(family.loss(labels=labels, **arrays))
        assert ulp_error(got, _exact(exact), dtype) <= 6.0


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), OF_ROWS)
def test_a_product_with_unit_vectors_has_the_columns_of_the_hessian(
    suite: Suite, dtype: str, family: Any, kind: str | None, labels: Any
) -> None:
    arrays = _arrays(suite, dtype, kind, labels)
    arrays["class_weights"] = suite.array(CLASS_WEIGHTS, compute_name(dtype))
    _, curves = family.gradient_and_hessian(**arrays)
    diagonal = suite.floats(curves)
    _, p = family.gradient_and_probabilities(**arrays)
    shares, eps = suite.floats(p), 2.0 ** (1 - FLOATING[dtype].digits)
    columns = []
    for place in range(3):
        unit = suite.array([[float(j == place) for j in range(3)]] * 4, dtype)
        columns.append(suite.floats(family.hessian_vector_product(**arrays, vector=unit)))
    for row in range(4):
        for j in range(3):
            at = 3 * row + j
            mass = diagonal[at] / (shares[at] * (1.0 - shares[at])) if shares[at] else 0.0
            assert abs(columns[j][at] - diagonal[at]) <= 40 * eps * mass
            for k in range(3):
                # The matrix is symmetric.
                assert abs(columns[j][3 * row + k] - columns[k][at]) <= 40 * eps * mass


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
def test_a_product_of_the_sigmoid_family(suite: Suite, dtype: str) -> None:
    arrays = _arrays(suite, dtype, None, SOFT)
    options: dict[str, Any] = {"pos_weight": 3.0, "weights": 0.5, "reduction": "mean"}
    _, curves = sigmoid_xent.gradient_and_hessian(**arrays, **options)
    vector = [v for row in VECTOR for v in row]
    product = sigmoid_xent.hessian_vector_product(
        **arrays, vector=suite.array(VECTOR, dtype), **options
    )
    for got, h, v in zip(suite.floats(product), suite.floats(curves), vector, strict=True):
        assert got == h * v or ulp_error(got, _exact(h * v), dtype) <= 1.0


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
def test_softmax_of_two_classes_is_the_sigmoid_function(suite: Suite, dtype: str) -> None:
    x = [0.0, -0.0, 1.5, -3.25, 20.0, -20.0, INF, -INF]
    one = special.sigmoid(suite.array(x, dtype))
    finite = x[:-2]
    both = special.softmax(suite.array([[v, 0.0] for v in finite], dtype))
    for got, wanted in zip(suite.floats(both)[::2], suite.floats(one)[:-2], strict=True):
        assert ulp_error(got, _exact(wanted), dtype) <= 4.0
    logs = special.log_softmax(suite.array([[v, 0.0] for v in finite], dtype))
    alone = special.log_sigmoid(suite.array(finite, dtype))
    for got, wanted in zip(suite.floats(logs)[::2], suite.floats(alone), strict=True):
        assert ulp_error(got, _exact(wanted), dtype) <= 4.0


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), ALL)
def test_what_stands_at_ignored_positions_does_not_matter(
    suite: Suite, dtype: str, family: Any, kind: str | None, labels: Any
) -> None:
    sigmoid = family is sigmoid_xent
    arrays = _arrays(suite, dtype, kind, labels)
    kept = [True, False, True, False]
    mask = suite.array([[k] for k in kept] if sigmoid else kept, "bool")
    bad = [row if keep else [NAN, INF, NAN] for row, keep in zip(LOGITS, kept, strict=True)]
    bad_vector = [row if keep else [NAN, INF, 1.0] for row, keep in zip(VECTOR, kept, strict=True)]
    bad_labels = labels
    if kind is None:
        bad_labels = [r if keep else [NAN] * 3 for r, keep in zip(labels, kept, strict=True)]
    else:
        bad_labels = [r if keep else -7 for r, keep in zip(labels, kept, strict=True)]
    other = _arrays(suite, dtype, kind, bad_labels) | {"logits": suite.array(bad, dtype)}
    options: dict[str, Any] = {"mask": mask, "reduction": "weighted_mean"}
    if not sigmoid:
        options["class_weights"] = suite.array(CLASS_WEIGHTS, dtype)
    given = _results(family, arrays, suite.array(VECTOR, dtype), **options)
    found = _results(family, other, suite.array(bad_vector, dtype), **options)
    for got, wanted in zip(found, given, strict=True):
        suite.assert_equal(got, wanted)
    _, p = family.gradient_and_probabilities(**arrays, **options)
    product = family.hessian_vector_product(**arrays, vector=suite.array(VECTOR, dtype), **options)
    for values in (p, product):
        rows = suite.floats(values)
        assert set(rows[3:6] + rows[9:]) == {0.0}


@pytest.mark.everywhere
@pytest.mark.eager
def test_a_class_index_that_is_none(suite: Suite, dtype: str) -> None:
    arrays = _arrays(suite, dtype, "int32", [2, 3, -1, 0])
    arrays["class_weights"] = suite.array(CLASS_WEIGHTS, dtype)
    vector = suite.array(VECTOR, dtype)
    loss, slopes = sparse_softmax_xent.loss_and_gradient(**arrays)
    product = sparse_softmax_xent.hessian_vector_product(**arrays, vector=vector)
    _, p = sparse_softmax_xent.gradient_and_probabilities(**arrays)
    isnan = [v != v for v in suite.floats(loss)]
    assert isnan == [False, True, True, False]
    for values in (slopes, product):
        assert [v != v for v in suite.floats(values)] == [n for n in isnan for _ in range(3)]
    assert all(v == v for v in suite.floats(p))
    (total,) = suite.floats(sparse_softmax_xent.total_weight(**arrays))
    assert total != total
    (mean,) = suite.floats(sparse_softmax_xent.loss(**arrays, reduction="weighted_mean"))
    assert mean != mean
    # Only -1 is ignored; 3 is a class of none.
    kept = arrays | {"labels": suite.array([2, -1, -1, 0], "int32")}
    (total,) = suite.floats(sparse_softmax_xent.total_weight(**kept, ignore_index=-1))
    assert total == 1.75


def _turned(rows: Any) -> list[list[float]]:
    return [list(column) for column in zip(*rows, strict=True)]


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), OF_ROWS)
def test_classes_in_another_axis(
    suite: Suite, dtype: str, family: Any, kind: str | None, labels: Any
) -> None:
    arrays = _arrays(suite, dtype, kind, labels)
    options = {"class_weights": suite.array(CLASS_WEIGHTS, dtype), "label_smoothing": 0.25}
    plain = _results(family, arrays, suite.array(VECTOR, dtype), **options)
    turned = {"logits": suite.array(_turned(LOGITS), dtype), "labels": arrays["labels"]}
    if kind is None:
        turned["labels"] = suite.array(_turned(labels), dtype)
    found = _results(family, turned, suite.array(_turned(VECTOR), dtype), **options, axis=0)
    for got, wanted in zip(found, plain, strict=True):
        values, others = suite.floats(got), suite.floats(wanted)
        if got.ndim == 2:
            assert got.shape == (3, 4)
            values = [v for row in _turned([values[k : k + 4] for k in (0, 4, 8)]) for v in row]
        for one, other in zip(values, others, strict=True):
            assert one == other or abs(one - other) <= 2.0 ** (3 - FLOATING[dtype].digits)
    totals = [
        family.total_weight(**given, class_weights=options["class_weights"], axis=axis)
        for given, axis in ((arrays, -1), (turned, 0))
    ]
    assert suite.floats(totals[0]) == suite.floats(totals[1])


@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), ALL)
def test_the_dtype_of_a_loss(
    suite: Suite, dtype: str, family: Any, kind: str | None, labels: Any
) -> None:
    arrays = _arrays(suite, dtype, kind, labels)
    wider = ("float32", "float64") if dtype in ("float16", "bfloat16") else ("float64",)
    for name in (*(w for w in wider if suite.has(w)), dtype):
        wanted = getattr(suite.target.xp, name, None) or arrays["logits"].dtype
        for reduction in ("none", "sum", "mean", "weighted_mean"):
            loss = family.loss(**arrays, reduction=reduction, dtype=wanted)
            plain = family.loss(**arrays, reduction=reduction)
            assert (loss.dtype, plain.dtype) == (wanted, arrays["logits"].dtype)
            for one, other in zip(suite.floats(loss), suite.floats(plain), strict=True):
                assert one == other or ulp_error(other, _exact(one), dtype) <= 1.01
            value, slopes = family.loss_and_gradient(**arrays, reduction=reduction, dtype=wanted)
            assert (value.dtype, slopes.dtype) == (wanted, arrays["logits"].dtype)
    narrower = {"float64": "float32", "float32": "float16", "float16": "bfloat16"}.get(dtype)
    for wrong in (narrower and getattr(suite.target.xp, narrower, None), "float32", float, "x", 3):
        if wrong is not None:
            with pytest.raises(TypeError, match=r"^`dtype` must be"):
                family.loss(**arrays, dtype=wrong)


@pytest.mark.dtypes("float32", "float64")
@pytest.mark.eager
def test_errors(suite: Suite, dtype: str) -> None:
    arrays = _arrays(suite, dtype, None, SOFT)
    three, two = suite.array(CLASS_WEIGHTS, dtype), suite.array([1.0, 2.0], dtype)
    calls: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (
            ValueError,
            r"`class_weights` must have the shape \(3,\).*got \(2,\)",
            {"class_weights": two},
        ),
        (ValueError, r"`class_weights` must have the shape", {"class_weights": three[None, :]}),
        (TypeError, "`class_weights` must be an array.*got float", {"class_weights": 2.0}),
        (TypeError, "`class_weights` must be an array.*got list", {"class_weights": [1.0] * 3}),
        (
            TypeError,
            "`class_weights` must be real; got bool",
            {"class_weights": suite.array([True] * 3, "bool")},
        ),
        (
            ValueError,
            "`denominator` must be None",
            {"denominator": 2, "reduction": "weighted_mean"},
        ),
        (ValueError, '`reduction` must be .* or "weighted_mean"; got', {"reduction": "average"}),
    ]
    for error, text, given in calls:
        with pytest.raises(error, match=text):
            softmax_xent.loss(**arrays, **given)
    with pytest.raises(ValueError, match=r"`class_weights` must have the shape \(K,\)"):
        sparse_softmax_xent.total_weight(
            labels=suite.array(INDICES, "int32"), class_weights=three[None, :]
        )
    vectors: list[tuple[type[Exception], str, Any]] = [
        (ValueError, r"`vector` must have the shape of `logits`, \(4, 3\); got \(3,\)", three),
        (TypeError, "`vector` must be an array.*got NoneType", None),
        (TypeError, "`vector` must be an array.*got float", 1.0),
        (TypeError, "`vector` must be real; got bool", suite.array([[True] * 3] * 4, "bool")),
    ]
    for error, text, vector in vectors:
        with pytest.raises(error, match=text):
            sigmoid_xent.hessian_vector_product(**arrays, vector=vector)
    with pytest.raises(TypeError, match="unexpected keyword argument 'dtype'"):
        softmax_xent.gradient(**arrays, dtype=None)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'vector'"):
        softmax_xent.hessian_vector_product(**arrays)


@pytest.mark.autodiff
@pytest.mark.only("torch", "jax", "mlx", "tensorflow", "paddle")
@pytest.mark.dtypes("float32")
@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), OF_ROWS)
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
@pytest.mark.parametrize("reduction", ["sum", "weighted_mean"])
def test_derivatives(
    suite: Suite,
    dtype: str,
    family: Any,
    kind: str | None,
    labels: Any,
    smoothing: float,
    reduction: str,
) -> None:
    """By autodiff in logits, class weights and weights, against differences of loss and sums."""
    slopes = LIBRARIES[suite.target.library].slopes
    assert slopes is not None
    logits = suite.array([*LOGITS[:3], [0.25, 1.0, 0.0]], dtype)
    given = suite.array(labels, kind or dtype)
    class_weights, weights = suite.array(CLASS_WEIGHTS, dtype), suite.array(WEIGHTS, dtype)
    options = {"label_smoothing": smoothing, "reduction": reduction}

    def loss(x: Any, c: Any, w: Any) -> Any:
        return family.loss(labels=given, logits=x, class_weights=c, weights=w, **options)

    in_x, in_c, in_w = slopes(loss, logits, class_weights, weights)
    wanted = family.gradient(
        labels=given, logits=logits, class_weights=class_weights, weights=weights, **options
    )
    for got, exact in zip(suite.floats(in_x), suite.floats(wanted), strict=True):
        assert abs(got - exact) <= 4e-6
    (value,) = suite.floats(loss(logits, class_weights, weights))
    total = 1.0
    if reduction == "weighted_mean":
        (total,) = suite.floats(
            family.total_weight(labels=given, class_weights=class_weights, weights=weights)
        )
    # The sum is linear in both, and so is the total weight.
    for place, got in enumerate(suite.floats(in_c)):
        unit = suite.array([float(k == place) for k in range(3)], dtype)
        one = {"labels": given, "class_weights": unit, "weights": weights}
        (part,) = suite.floats(
            family.loss(**one, logits=logits, label_smoothing=smoothing, reduction="sum")
        )
        (weight,) = suite.floats(family.total_weight(**one))
        exact = part if reduction == "sum" else (part - value * weight) / total
        assert abs(got - exact) <= 2e-5
    for place, got in enumerate(suite.floats(in_w)):
        unit = suite.array([float(k == place) for k in range(4)], dtype)
        one = {"labels": given, "class_weights": class_weights, "weights": unit}
        (part,) = suite.floats(
            family.loss(**one, logits=logits, label_smoothing=smoothing, reduction="sum")
        )
        (weight,) = suite.floats(family.total_weight(**one))
        exact = part if reduction == "sum" else (part - value * weight) / total
        assert abs(got - exact) <= 2e-5


@pytest.mark.autodiff
@pytest.mark.only("torch", "jax", "mlx", "tensorflow", "paddle")
@pytest.mark.dtypes("float32")
@pytest.mark.eager
@pytest.mark.parametrize(("family", "kind", "labels"), ALL)
def test_derivatives_of_probabilities_and_products(
    suite: Suite, dtype: str, family: Any, kind: str | None, labels: Any
) -> None:
    slopes = LIBRARIES[suite.target.library].slopes
    assert slopes is not None
    xp = suite.target.xp
    logits = suite.array([*LOGITS[:3], [0.25, 1.0, 0.0]], dtype)
    given, vector = suite.array(labels, kind or dtype), suite.array(VECTOR, dtype)
    factor = suite.array(SOFT, dtype)

    def probability(x: Any) -> Any:
        return xp.sum(family.gradient_and_probabilities(labels=given, logits=x)[1] * factor)

    def product(x: Any, v: Any) -> Any:
        hv = family.hessian_vector_product(labels=given, logits=x, vector=v)
        return xp.sum(hv * factor)

    (in_x,) = slopes(probability, logits)
    h = 2.0**-7
    third, in_v = slopes(product, logits, vector)
    # The Hessian is symmetric: the derivative in the vector is its product with the factor.
    wanted = family.hessian_vector_product(labels=given, logits=logits, vector=factor)
    for got, exact in zip(suite.floats(in_v), suite.floats(wanted), strict=True):
        assert abs(got - exact) <= 1e-5
    for place in range(12):
        step = suite.shaped([h * (k == place) for k in range(12)], (4, 3), dtype)
        for found, function in ((in_x, probability), (third, lambda x: product(x, vector))):
            (up,), (down,) = (suite.floats(function(logits + s * step)) for s in (1.0, -1.0))
            assert abs(suite.floats(found)[place] - (up - down) / (2 * h)) <= 2e-3


@pytest.mark.autodiff
@pytest.mark.only("torch", "jax", "mlx", "tensorflow", "paddle")
@pytest.mark.dtypes("float32")
@pytest.mark.eager
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_derivatives_in_the_labels(suite: Suite, dtype: str, smoothing: float) -> None:
    """The loss is linear in the labels: its derivative is the loss of a unit label."""
    slopes = LIBRARIES[suite.target.library].slopes
    assert slopes is not None
    logits = suite.array(LOGITS[0], dtype)
    options = {
        "class_weights": suite.array(CLASS_WEIGHTS, dtype),
        "weights": 0.5,
        "label_smoothing": smoothing,
        "reduction": "sum",
    }
    (found,) = slopes(
        lambda z: softmax_xent.loss(labels=z, logits=logits, **options), suite.array(SOFT[0], dtype)
    )
    for place, got in enumerate(suite.floats(found)):
        unit = suite.array([float(k == place) for k in range(3)], dtype)
        (exact,) = suite.floats(softmax_xent.loss(labels=unit, logits=logits, **options))
        assert abs(got - exact) <= 2e-6


@pytest.mark.autodiff
@pytest.mark.only("torch", "jax", "mlx", "tensorflow", "paddle")
@pytest.mark.dtypes("float32")
@pytest.mark.eager
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_derivatives_of_a_mean_of_nothing_are_0(suite: Suite, dtype: str, smoothing: float) -> None:
    slopes, xp = LIBRARIES[suite.target.library].slopes, suite.target.xp
    assert slopes is not None
    x, c = suite.array(LOGITS[:1], dtype), suite.array(CLASS_WEIGHTS, dtype)
    options: dict[str, Any] = {
        "labels": suite.array([0], "int32"),
        "mask": suite.array([False], "bool"),
        "label_smoothing": smoothing,
        "reduction": "weighted_mean",
    }
    for function in (
        lambda x, c: sparse_softmax_xent.loss(logits=x, class_weights=c, **options),
        lambda x, c: xp.sum(sparse_softmax_xent.gradient(logits=x, class_weights=c, **options)),
        lambda x, c: xp.sum(
            sparse_softmax_xent.hessian_vector_product(
                logits=x, vector=x, class_weights=c, **options
            )
        ),
    ):
        for found in slopes(function, x, c):
            assert set(suite.floats(found)) == {0.0}


@pytest.mark.only("torch")
@pytest.mark.dtypes("float64")
@pytest.mark.eager
@pytest.mark.parametrize("options", [{"reduction": "mean"}, {"reduction": "weighted_mean"}])
def test_torch_differentiates_a_mean_of_nothing_twice(
    suite: Suite, dtype: str, options: dict[str, Any]
) -> None:
    import torch

    x = suite.array(LOGITS[:1], dtype).requires_grad_()
    factor = suite.array(1.0, dtype).requires_grad_()
    mask, labels = suite.array([False], "bool"), suite.array([0], "int64")
    for weights in ({}, {"class_weights": suite.array(CLASS_WEIGHTS, dtype)}, {"weights": 0.0}):
        loss = sparse_softmax_xent.loss(labels=labels, logits=x, mask=mask, **weights, **options)
        (slope,) = torch.autograd.grad(loss, x, factor, create_graph=True)
        (twice,) = torch.autograd.grad(slope.sum(), factor)
        assert (slope.tolist(), twice.tolist()) == ([[0.0] * 3], 0.0)


@pytest.mark.only("jax")
@pytest.mark.dtypes("float32")
@pytest.mark.eager
def test_debug_nans_finds_nothing_in_a_mean_of_nothing(suite: Suite, dtype: str) -> None:
    import jax

    x, mask = suite.array(LOGITS[:2], dtype), suite.array([False, False], "bool")
    labels, soft = suite.array(INDICES[:2], "int32"), suite.array(SOFT[:2], dtype)
    c = suite.array(CLASS_WEIGHTS, dtype)
    weighted: list[dict[str, Any]] = [
        {"weights": 2.0},
        {"weights": suite.array([1.0, 2.0], dtype)},
        {"class_weights": c},
        {"class_weights": c, "label_smoothing": 0.25},
    ]
    with jax.debug_nans(True):
        for options in weighted:
            for family, z in ((sparse_softmax_xent, labels), (softmax_xent, soft)):
                given = {"labels": z, "logits": x, "mask": mask, "reduction": "weighted_mean"}
                for value in _results(family, given | options, x):
                    assert set(suite.floats(value)) == {0.0}


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.parametrize("family", [softmax_xent, sparse_softmax_xent], ids=["dense", "indices"])
def test_reference_values_of_the_total_weight(suite: Suite, dtype: str, family: Any) -> None:
    compute, indices = compute_name(dtype), family is sparse_softmax_xent
    vectors = [v for v in weighted_vectors(dtype) if v.number is not None or not indices]
    for v in vectors[:60]:
        label = [v.number] if indices else [list(v.labels)]
        total = family.total_weight(
            labels=suite.array(label, "int32" if indices else dtype),
            weights=v.weight,
            class_weights=suite.array(list(v.class_weights), compute),
            label_smoothing=0.5,
            reduction="weighted_mean",
            dtype=None,
        )
        (got,) = suite.floats(total)
        (exact,) = v.total
        assert isinstance(exact, Fraction)
        assert abs(Fraction(got) - exact) <= allowed(v, "total", 0), v
