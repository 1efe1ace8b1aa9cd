"""What must hold for any input, on every backend."""

import itertools
import math
from typing import Any

import array_api_compat.numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.array_api import make_strategies_namespace

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent
from xent_api.testing.suite import Suite

pytestmark = [pytest.mark.eager, pytest.mark.dtypes("float32", "float64")]

# The same examples in every run, and no time limit: these machines are shared.
PROPERTY = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
SHAPES = make_strategies_namespace(array_api_compat.numpy).array_shapes(
    min_dims=0, max_dims=3, min_side=0, max_side=4
)


def _numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, width=32, allow_subnormal=False)


LOGIT, LABEL = _numbers(-60, 60), _numbers(0, 1)


@st.composite
def _problem(draw: st.DrawFn) -> tuple[tuple[int, ...], list[float], list[float], list[bool]]:
    shape = draw(SHAPES)
    size = math.prod(shape)

    def several(elements: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(elements, min_size=size, max_size=size))

    return shape, several(LOGIT), several(LABEL), several(st.booleans())


def _array(suite: Suite, values: list[Any], shape: tuple[int, ...], dtype: str) -> Any:
    xp = suite.target.xp
    flat = suite.array(values or [0], dtype)[: len(values)]
    return xp.reshape(flat, shape)


def _arrays(suite: Suite, problem: Any, dtype: str) -> dict[str, Any]:
    shape, logits, labels, _ = problem
    return {
        "logits": _array(suite, logits, shape, dtype),
        "labels": _array(suite, labels, shape, dtype),
    }


@PROPERTY
@given(problem=_problem())
def test_masked_is_computed_on_the_kept_part(suite: Suite, dtype: str, problem: Any) -> None:
    shape, logits, labels, keep = problem
    mask = _array(suite, keep, shape, "bool")
    kept = [i for i, k in enumerate(keep) if k]
    part = {
        "logits": _array(suite, [logits[i] for i in kept], (len(kept),), dtype),
        "labels": _array(suite, [labels[i] for i in kept], (len(kept),), dtype),
    }
    arrays = _arrays(suite, problem, dtype)
    for reduction in ("none", "sum", "mean"):
        options: dict[str, Any] = {"reduction": reduction}
        loss, slope = sigmoid_xent.loss_and_gradient(**arrays, mask=mask, **options)
        wanted, slopes = sigmoid_xent.loss_and_gradient(**part, **options)
        assert tuple(slope.shape) == shape
        found = suite.floats(slope)
        # These compute the last elements by other instructions, and to other bits.
        differs = suite.target.name in ("ndonnx", "tensorflow")
        bits = 8 * EPS[dtype] if differs else 0.0
        pairs = zip([found[i] for i in kept], suite.floats(slopes), strict=True)
        assert all(abs(one - other) <= bits for one, other in pairs)
        assert all(v == 0.0 for v, k in zip(found, keep, strict=True) if not k)
        if reduction != "none":
            (got,), (value,) = suite.floats(loss), suite.floats(wanted)
            assert abs(got - value) <= 4 * EPS[dtype] * abs(value)
    count = sigmoid_xent.total_weight(labels=arrays["labels"], mask=mask)
    assert suite.floats(count) == [float(len(kept))]


@PROPERTY
@given(problem=_problem())
def test_the_loss_is_linear_in_the_label(suite: Suite, dtype: str, problem: Any) -> None:
    arrays = _arrays(suite, problem, dtype)
    zeros = arrays["labels"] * 0.0
    low = suite.floats(sigmoid_xent.loss(labels=zeros, logits=arrays["logits"]))
    high = suite.floats(sigmoid_xent.loss(labels=zeros + 1.0, logits=arrays["logits"]))
    found = suite.floats(sigmoid_xent.loss(**arrays))
    for got, one, other, label in zip(found, low, high, problem[2], strict=True):
        wanted = (1.0 - label) * one + label * other
        assert abs(got - wanted) <= 8 * EPS[dtype] * wanted


@PROPERTY
@given(logits=st.lists(LOGIT, min_size=2, max_size=6))
def test_the_loss_is_monotonic_in_the_logit_at_hard_labels(
    suite: Suite, dtype: str, logits: list[float]
) -> None:
    logits = sorted(logits)
    given_logits = suite.array(logits, dtype)
    for label, sign in ((0.0, 1.0), (1.0, -1.0)):
        labels = suite.array([label] * len(logits), dtype)
        losses = suite.floats(sigmoid_xent.loss(labels=labels, logits=given_logits))
        steps = itertools.pairwise(losses)
        # The functions of the backend may themselves step back by the error that they have.
        assert all(sign * (b - a) >= -8 * EPS[dtype] * max(a, b) for a, b in steps)


@PROPERTY
@given(problem=_problem(), factor=_numbers(0.125, 8), smoothing=st.sampled_from([0.0, 0.1, 1.0]))
def test_mirroring_logits_and_labels_mirrors_the_gradient(
    suite: Suite, dtype: str, problem: Any, factor: float, smoothing: float
) -> None:
    arrays = _arrays(suite, problem, dtype)
    options: dict[str, Any] = {"weights": factor, "label_smoothing": smoothing}
    loss, slope = sigmoid_xent.loss_and_gradient(**arrays, **options)
    mirrored = {"logits": -arrays["logits"], "labels": 1.0 - arrays["labels"]}
    other, back = sigmoid_xent.loss_and_gradient(**mirrored, **options)
    for x, a, b in zip(problem[1], suite.floats(loss), suite.floats(other), strict=True):
        # 1 - z is rounded, which moves the loss by up to |x| times that.
        assert abs(a - b) <= EPS[dtype] * factor * (8 * abs(a / factor) + abs(x))
    for a, b in zip(suite.floats(slope), suite.floats(back), strict=True):
        assert abs(a + b) <= 8 * EPS[dtype] * factor


@PROPERTY
@given(problem=_problem(), factor=_numbers(0.125, 8))
def test_weights_and_pos_weights_broadcast_as_if_repeated(
    suite: Suite, dtype: str, problem: Any, factor: float
) -> None:
    shape = problem[0]
    arrays = _arrays(suite, problem, dtype)
    small_shape = shape[1:] if shape else ()
    small = _array(suite, [factor] * math.prod(small_shape), small_shape, dtype)
    full = _array(suite, [factor] * math.prod(shape), shape, dtype)
    for name in ("weights", "pos_weight"):
        found = sigmoid_xent.loss_and_gradient(**arrays, **{name: small})
        wanted = sigmoid_xent.loss_and_gradient(**arrays, **{name: full})
        for got, value in zip(found, wanted, strict=True):
            suite.assert_equal(got, value)


@PROPERTY
@given(logit=_numbers(-20, 20), label=LABEL, factor=_numbers(0.125, 8))
def test_finite_differences(
    suite: Suite, dtype: str, logit: float, label: float, factor: float
) -> None:
    step = 0.03125
    points = suite.array([logit - step, logit, logit + step], dtype)
    labels = suite.array([label] * 3, dtype)
    losses = suite.floats(sigmoid_xent.loss(labels=labels, logits=points, pos_weight=factor))
    slopes, curvatures = sigmoid_xent.gradient_and_hessian(
        labels=labels, logits=points, pos_weight=factor
    )
    size = max(1.0, factor)
    (_, slope, _), (_, curvature, _) = suite.floats(slopes), suite.floats(curvatures)
    at = suite.floats(points)
    width = at[2] - at[0]
    # The third derivative of the loss is at most t/8; rounding of the losses counts 1/width.
    tolerance = size * step**2 / 8 + 8 * EPS[dtype] * max(losses) / width
    assert abs((losses[2] - losses[0]) / width - slope) <= tolerance
    ends = suite.floats(slopes)
    assert (
        abs((ends[2] - ends[0]) / width - curvature) <= size * step + 8 * EPS[dtype] * size / width
    )


@PROPERTY
@given(problem=_problem(), keep=st.lists(st.booleans(), min_size=16, max_size=16))
def test_a_mask_broadcasts_as_if_repeated(
    suite: Suite, dtype: str, problem: Any, keep: list[bool]
) -> None:
    shape = problem[0]
    arrays = _arrays(suite, problem, dtype)
    small_shape = shape[1:] if shape else ()
    size = math.prod(small_shape)
    small = _array(suite, keep[:size], small_shape, "bool") if size <= 16 else None
    if small is None:
        return
    copies = math.prod(shape) // size if size else 0
    full = _array(suite, keep[:size] * copies, shape, "bool")
    for reduction in ("none", "mean"):
        options: dict[str, Any] = {"reduction": reduction}
        found = sigmoid_xent.loss_and_gradient(**arrays, mask=small, **options)
        wanted = sigmoid_xent.loss_and_gradient(**arrays, mask=full, **options)
        for got, value in zip(found, wanted, strict=True):
            suite.assert_equal(got, value)


@PROPERTY
@given(problem=_problem())
def test_the_gradients_of_sum_and_mean_differ_by_the_number_that_is_kept(
    suite: Suite, dtype: str, problem: Any
) -> None:
    arrays, mask = _arrays(suite, problem, dtype), _array(suite, problem[3], problem[0], "bool")
    whole = suite.floats(sigmoid_xent.gradient(**arrays, mask=mask, reduction="sum"))
    mean = suite.floats(sigmoid_xent.gradient(**arrays, mask=mask, reduction="mean"))
    count = max(1, sum(problem[3]))
    for a, b in zip(whole, mean, strict=True):
        assert abs(a - count * b) <= EPS[dtype] * abs(a) + 1e-36
    total = math.fsum(whole)
    assert (
        abs(total - count * math.fsum(mean)) <= 2 * EPS[dtype] * math.fsum(map(abs, whole)) + 1e-36
    )


@PROPERTY
@given(
    rows=st.lists(st.lists(LOGIT, min_size=4, max_size=4), min_size=1, max_size=4),
    labels=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    order=st.permutations(range(4)),
)
def test_rows_of_classes(
    suite: Suite, dtype: str, rows: list[list[float]], labels: list[int], order: list[int]
) -> None:
    """Gradients of a row add up to 0, and neither the order nor the kind of labels matters."""
    labels = labels[: len(rows)]
    arrays = {"logits": suite.array(rows, dtype), "labels": suite.array(labels, "int32")}
    loss, slope = sparse_softmax_xent.loss_and_gradient(**arrays)
    losses, slopes = suite.floats(loss), suite.floats(slope)
    assert all(value >= 0.0 for value in losses)
    for i in range(len(rows)):
        row = slopes[4 * i : 4 * i + 4]
        assert abs(math.fsum(row)) <= 8 * EPS[dtype] * math.fsum(map(abs, row)) + 1e-36
    turned = {
        "logits": suite.array([[row[k] for k in order] for row in rows], dtype),
        "labels": suite.array([[float(k == y) for k in order] for y in labels], dtype),
    }
    for a, b in zip(losses, suite.floats(softmax_xent.loss(**turned)), strict=True):
        assert abs(a - b) <= 8 * EPS[dtype] * a + 1e-36
