"""Plain autodiff of every option, eager and traced, against the closed form."""

import math
from typing import Any

import numpy as np
import pytest
from helpers.abilities import LIBRARIES

from xent_api import sigmoid_xent, softmax_xent
from xent_api.testing import BAR, ulp_error
from xent_api.testing.float64 import softmax_values, ulp_errors
from xent_api.testing.suite import Suite

pytestmark = [
    pytest.mark.autodiff,
    pytest.mark.only("torch", "jax", "mlx", "tensorflow", "paddle"),
    pytest.mark.dtypes("float32"),
    pytest.mark.eager,  # each test traces what it says itself
]

INF, NAN = math.inf, math.nan
POINTS = [
    (0.0, 0.0),
    (-0.0, 0.0),
    (0.0, 1.0),
    (-0.0, 1.0),
    (0.0, 0.25),
    (1.5, 0.0),
    (-1.5, 1.0),
    (2.0, 0.75),
    (40.0, 1.0),
    (-40.0, 0.0),
    (1e3, 0.0),
    (-1e3, 0.0),
    (1e-30, 1.0),
    (INF, 1.0),
    (INF, 0.5),
    (-INF, 0.0),
    (-INF, 0.5),
    (INF, 0.0),
    (-INF, 1.0),
]
MASKED = [(NAN, 0.5), (0.5, NAN), (INF, NAN), (-INF, 1.0), (NAN, NAN)]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"label_smoothing": 0.1},
    {"pos_weight": 3.0},
    {"pos_weight": 0.5, "label_smoothing": 0.2},
]


def _grad(suite: Suite, function: Any, *arrays: Any) -> tuple[Any, ...]:
    """Return the derivatives of a scalar function with respect to all arrays."""
    slopes = LIBRARIES[suite.target.library].slopes
    assert slopes is not None
    return slopes(function, *arrays)


def _arrays(suite: Suite, dtype: str) -> tuple[Any, Any, Any]:
    rows = POINTS + MASKED
    keep = [True] * len(POINTS) + [False] * len(MASKED)
    return (
        suite.array([x for x, _ in rows], dtype),
        suite.array([z for _, z in rows], dtype),
        suite.array(keep, "bool"),
    )


def _assert_slopes(suite: Suite, actual: Any, closed: Any, options: dict[str, Any]) -> None:
    """Hold hard labels to 4 ulp, soft ones to their bound of 4 eps times the coefficient."""
    bound = 4 * 2.0**-23 * 2.0 * max(1.0, options.get("pos_weight", 1.0))
    suite.assert_close(actual, closed, "float32", atol=bound)
    points = POINTS + MASKED
    pairs = zip(suite.floats(actual), suite.floats(closed), strict=True)
    for point, (got, wanted) in zip(points, pairs, strict=True):
        if point[1] in (0.0, 1.0) and not options.get("label_smoothing"):
            assert ulp_error(got, wanted, "float32") <= 4.0, point
        else:
            assert abs(got - wanted) <= bound, point


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_derivative_in_the_logits_is_the_closed_form(
    suite: Suite, dtype: str, options: dict[str, Any], weighted: bool, reduction: str
) -> None:
    logits, labels, mask = _arrays(suite, dtype)
    given = {"labels": labels, "mask": mask}
    if weighted:
        given["weights"] = suite.array([2.0] * len(POINTS) + [NAN] * len(MASKED), dtype)
    options = options | {"reduction": reduction}
    (slope,) = _grad(suite, lambda x: sigmoid_xent.loss(logits=x, **given, **options), logits)
    closed = sigmoid_xent.gradient(logits=logits, **given, **options)
    _assert_slopes(suite, slope, closed, options)
    assert suite.floats(slope)[len(POINTS) :] == [0.0] * len(MASKED)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_derivative_in_the_labels(suite: Suite, dtype: str, options: dict[str, Any]) -> None:
    logits, labels, mask = _arrays(suite, dtype)

    def loss(z: Any) -> Any:
        return sigmoid_xent.loss(labels=z, logits=logits, mask=mask, reduction="sum", **options)

    (slope,) = _grad(suite, loss, labels)
    found = suite.floats(slope)
    assert found[len(POINTS) :] == [0.0] * len(MASKED)
    assert not any(math.isnan(v) for v in found)
    finite = [x for x, _ in POINTS if abs(x) < INF]
    if not options:
        exact = [-x for x in finite]
        assert found[: len(exact)] == [suite.floats(suite.array(v, dtype))[0] for v in exact]
        return
    # (1 - a) (q softplus(-x) - softplus(x)), whose parts are of the size of x or log 2
    q, a = options.get("pos_weight", 1.0), options.get("label_smoothing", 0.0)
    for x, got in zip(finite, found, strict=False):
        high = math.log1p(math.exp(-abs(x)))
        exact_slope = (1 - a) * (q * (max(-x, 0.0) + high) - (max(x, 0.0) + high))
        assert abs(got - exact_slope) <= 8 * 2.0**-23 * (1 + q) * max(abs(x), 1.0), x


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_second_derivative_is_the_closed_form(
    suite: Suite, dtype: str, options: dict[str, Any]
) -> None:
    logits, labels, mask = _arrays(suite, dtype)

    def slope(x: Any) -> Any:
        found = sigmoid_xent.gradient(labels=labels, logits=x, mask=mask, **options)
        return suite.target.xp.sum(found)

    (curvature,) = _grad(suite, slope, logits)
    _, closed = sigmoid_xent.gradient_and_hessian(
        labels=labels, logits=logits, mask=mask, **options
    )
    suite.assert_ulp(curvature, suite.floats(closed), dtype, bar=4.0)


def test_the_derivative_in_the_weights(suite: Suite, dtype: str) -> None:
    points = [(x, z) for x, z in POINTS if abs(x) < INF]
    logits = suite.array([x for x, _ in points] + [NAN], dtype)
    labels = suite.array([z for _, z in points] + [0.0], dtype)
    mask = suite.array([True] * len(points) + [False], "bool")
    weights = suite.array([2.0] * len(points) + [INF], dtype)
    factors = suite.array([1.0] * len(points) + [NAN], dtype)

    def loss(w: Any, q: Any) -> Any:
        return sigmoid_xent.loss(
            labels=labels, logits=logits, mask=mask, weights=w, pos_weight=q, reduction="sum"
        )

    in_weights, in_factors = _grad(suite, loss, weights, factors)
    plain = sigmoid_xent.loss(labels=labels, logits=logits, mask=mask)
    suite.assert_ulp(in_weights, suite.floats(plain), dtype, bar=4.0)
    # dL/dq = w z softplus(-x), which is the loss at the label 1, times w z
    ones = labels * 0.0 + 1.0
    positive = sigmoid_xent.loss(labels=ones, logits=logits, mask=mask) * labels * 2.0
    suite.assert_ulp(in_factors, suite.floats(positive), dtype, bar=4.0)


@pytest.mark.only("torch")
@pytest.mark.parametrize("engine", ["eager", "aot_eager"])
def test_torch_compile_forward_and_backward(suite: Suite, dtype: str, engine: str) -> None:
    import torch

    torch.compiler.reset()
    logits, labels, mask = _arrays(suite, dtype)

    def mean(x: Any, z: Any) -> Any:
        return sigmoid_xent.loss(labels=z, logits=x, mask=mask, weights=2.0, reduction="mean")

    compiled = torch.compile(mean, fullgraph=True, backend=engine)
    found = _grad(suite, compiled, logits, labels)
    wanted = _grad(suite, mean, logits, labels)
    suite.assert_ulp(found[0], suite.floats(wanted[0]), dtype, bar=4.0)
    # At infinite logits the derivative in the label is only known to be no NaN.
    finite = slice(0, sum(abs(x) < INF for x, _ in POINTS))
    suite.assert_ulp(found[1][finite], suite.floats(wanted[1][finite]), dtype, bar=4.0)
    assert not found[1].isnan().any()


@pytest.mark.only("jax")
def test_jax_jit_and_vmap(suite: Suite, dtype: str) -> None:
    import jax

    logits, labels, mask = _arrays(suite, dtype)

    def mean(x: Any, z: Any, keep: Any) -> Any:
        return sigmoid_xent.loss(labels=z, logits=x, mask=keep, reduction="mean")

    for place in (0, 1):
        jitted = jax.jit(jax.grad(mean, place))(logits, labels, mask)
        eager = jax.grad(mean, place)(logits, labels, mask)
        suite.assert_ulp(jitted, suite.floats(eager), dtype, bar=4.0)
    rows = [array[None, :].repeat(3, 0) for array in (logits, labels, mask)]
    mapped = jax.vmap(jax.grad(mean))(*rows)
    single = jax.grad(mean)(logits, labels, mask)
    suite.assert_ulp(mapped[1], suite.floats(single), dtype, bar=4.0)


@pytest.mark.only("torch", "jax")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_the_derivative_in_hard_labels_without_a_rule(suite: Suite, dtype: str) -> None:
    """In forward mode torch differentiates the arithmetic, JAX beside a denominator array."""
    points = [(2.0, 1.0), (-3.0, 0.0), (0.5, 1.0), (20.0, 1.0), (-20.0, 0.0)]
    x = suite.array([p[0] for p in points], dtype)
    z = suite.array([p[1] for p in points], dtype)
    if suite.target.name.startswith("jax"):
        import jax

        one = suite.array(1.0, dtype)

        def mean(z: Any) -> Any:
            return sigmoid_xent.loss_and_gradient(
                labels=z, logits=x, reduction="mean", denominator=one
            )[0]

        slope = jax.grad(mean)(z)
    else:
        import torch

        tangents = (torch.ones_like(z),)
        slope = torch.func.jvp(lambda z: sigmoid_xent.loss(labels=z, logits=x), (z,), tangents)[1]
    for got, (logit, _) in zip(suite.floats(slope), points, strict=True):
        assert ulp_error(got, -logit, dtype) <= 4


@pytest.mark.only("torch")
def test_tools_that_lose_the_rule_find_the_right_arithmetic(suite: Suite, dtype: str) -> None:
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    for logit, label, slope in ((0.0, 1.0, -0.5), (-0.0, 0.0, 0.5), (20.0, 1.0, -2.0611537e-09)):
        x = torch.tensor([logit], requires_grad=True)
        z = torch.tensor([label])
        traced = make_fx(lambda a, b: sigmoid_xent.loss(labels=b, logits=a))(x, z)
        (found,) = torch.autograd.grad(traced(x, z).sum(), x)
        assert found.item() == pytest.approx(slope, rel=1e-6)


@pytest.mark.only("torch")
def test_torch_compiles_a_mean_once_for_all_sizes(suite: Suite, dtype: str) -> None:
    import torch
    from torch._dynamo.testing import CompileCounter

    torch.compiler.reset()
    counter = CompileCounter()

    def mean(x: Any, z: Any) -> Any:
        return sigmoid_xent.loss(labels=z, logits=x, reduction="mean")

    compiled = torch.compile(mean, backend=counter, fullgraph=True)
    for size in range(3, 9):
        x, z = torch.randn(size, requires_grad=True), torch.ones(size)
        torch.testing.assert_close(compiled(x, z), mean(x, z))
    assert counter.frame_count <= 2


@pytest.mark.only("mlx")
def test_mlx_compiles_a_mean_without_its_size(suite: Suite, dtype: str) -> None:
    mx = suite.target.xp

    def mean(x: Any, z: Any) -> Any:
        return sigmoid_xent.total_weight(labels=x * z)

    compiled = mx.compile(mean, shapeless=True)
    assert [compiled(mx.zeros((n,)), mx.zeros((n,))).item() for n in (5, 10)] == [5, 10]


@pytest.mark.only("mlx")
def test_mlx_in_forward_mode_at_infinity(suite: Suite, dtype: str) -> None:
    mx = suite.target.xp
    x, z = mx.array([INF, -INF]), mx.array([1.0, 0.0])
    _, (slope,) = mx.jvp(lambda x: sigmoid_xent.loss(labels=z, logits=x), (x,), (mx.ones((2,)),))
    assert suite.floats(slope) == [0.0, 0.0]


@pytest.mark.parametrize("classes", [3, 4, 15, 16, 100])
def test_the_derivative_in_the_labels_of_rows(suite: Suite, dtype: str, classes: int) -> None:
    """At the highest logit it is log(1 + r), as the loss of a hard label there."""
    random = np.random.default_rng(classes)
    logits = np.round(random.normal(0.0, 4.0, (60_000 // classes, classes)) * 2**12) / 2**12
    top = logits.argmax(axis=1)
    exact, _, _ = softmax_values(logits, top)
    x = suite.array(logits.tolist(), dtype)

    def loss(z: Any) -> Any:
        return softmax_xent.loss(labels=z, logits=x, reduction="sum")

    (slope,) = _grad(suite, loss, suite.array(np.eye(classes)[top].tolist(), dtype))
    found = np.reshape(suite.floats(slope), logits.shape)[np.arange(len(top)), top]
    assert ulp_errors(found, exact, dtype).max() <= BAR
