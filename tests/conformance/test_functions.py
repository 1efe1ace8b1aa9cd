"""The functions of `special`: shapes, limits, derivatives, errors."""

import math
from typing import Any

import pytest
from helpers.abilities import LIBRARIES

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent, special
from xent_api._checks.dtypes import FLOATING
from xent_api.testing.functions import ELEMENTS, ROWS
from xent_api.testing.suite import Suite

INF, NAN = math.inf, math.nan
X = [[0.5, -1.0, 3.0, 0.0], [2.0, 2.0, -1.5, 1.0], [-30.0, 0.25, 0.0, 5.0]]


@pytest.mark.eager
def test_probabilities_are_those_of_special(suite: Suite, dtype: str) -> None:
    x = suite.array(X, dtype)
    eps = 2.0 ** (1 - FLOATING[dtype].digits)
    labels, indices = suite.array([[0.25] * 4] * 3, dtype), suite.array([0, 1, 2], "int32")
    for reduction in ("none", "mean"):
        options: Any = {"logits": x, "reduction": reduction, "weights": 2.0}
        found = sigmoid_xent.gradient_and_probabilities(labels=labels, **options)[1]
        suite.assert_equal(found, special.sigmoid(x))
        found = softmax_xent.gradient_and_probabilities(labels=labels, **options)[1]
        suite.assert_equal(found, special.softmax(x))
        found = sparse_softmax_xent.gradient_and_probabilities(labels=indices, **options)[1]
        for one, other in zip(suite.floats(found), suite.floats(special.softmax(x)), strict=True):
            assert abs(one - other) <= 2 * eps * other


@pytest.mark.eager
def test_axes(suite: Suite, dtype: str) -> None:
    x = suite.array(X, dtype)
    turned = suite.array([list(column) for column in zip(*X, strict=True)], dtype)
    for name in ROWS:
        function = getattr(special, name)
        along, across = suite.floats(function(x)), suite.floats(function(turned, axis=0))
        if name != "logsumexp":
            across = [across[3 * j + i] for i in range(3) for j in range(4)]
        eps = 2.0 ** (1 - FLOATING[dtype].digits)
        for one, other in zip(along, across, strict=True):
            assert abs(one - other) <= 2 * eps * abs(one)
        suite.assert_equal(function(x, axis=1), function(x))
    kept = special.logsumexp(x, keepdims=True)
    assert kept.shape == (3, 1)
    assert suite.floats(kept) == suite.floats(special.logsumexp(x))
    assert special.logsumexp(x, axis=0, keepdims=True).shape == (1, 4)
    assert special.logsumexp(x[0, :]).shape == ()


@pytest.mark.eager
def test_every_second_number(suite: Suite, dtype: str) -> None:
    size = 70
    x = [math.sin(k) * 5 for k in range(3 * 2 * size)]
    apart = suite.shaped(x, (3, 2 * size), dtype)[:, 0 : 2 * size : 2]
    beside = suite.shaped(x[::2], (3, size), dtype)
    for name in (*ELEMENTS, *ROWS):
        function = getattr(special, name)
        suite.assert_equal(function(apart), function(beside))


@pytest.mark.everywhere
@pytest.mark.eager
def test_nothing_there(suite: Suite, dtype: str) -> None:
    x = suite.array(X, dtype)
    no_rows, no_classes = x[0:0, 0:3], x[0:2, 0:0]
    for name in ("softmax", "log_softmax"):
        for x in (no_rows, no_classes):
            found = getattr(special, name)(x)
            assert (found.shape, found.dtype) == (x.shape, x.dtype)
    assert special.logsumexp(no_rows).shape == (0,)
    found = special.logsumexp(no_classes)
    assert (suite.floats(found), found.dtype) == ([-INF, -INF], no_classes.dtype)
    assert special.logsumexp(no_classes, keepdims=True).shape == (2, 1)
    for name in ELEMENTS:
        assert getattr(special, name)(no_rows).shape == (0, 3)
        assert getattr(special, name)(suite.array(1.0, dtype)).shape == ()


@pytest.mark.everywhere
@pytest.mark.eager
def test_limits(suite: Suite, dtype: str) -> None:
    x = suite.array([INF, -INF, NAN], dtype)
    wanted = {"sigmoid": (1.0, 0.0), "log_sigmoid": (0.0, -INF), "softplus": (INF, 0.0)}
    for name, limits in wanted.items():
        up, down, none = suite.floats(getattr(special, name)(x))
        assert (up, down) == limits
        assert none != none
    rows = suite.array([[-INF, -INF], [INF, 0.0], [INF, -INF], [0.0, -INF], [NAN, 0.0]], dtype)
    sums = suite.floats(special.logsumexp(rows))
    assert sums[:4] == [-INF, INF, INF, 0.0]
    assert sums[4] != sums[4]
    for function, row in ((special.softmax, [1.0, 0.0]), (special.log_softmax, [0.0, -INF])):
        values = suite.floats(function(rows))
        assert values[6:8] == row
        assert all(v != v for v in values[:6] + values[8:])


def test_errors(suite: Suite, dtype: str) -> None:
    x = suite.array(X, dtype)
    for name in (*ELEMENTS, *ROWS):
        function = getattr(special, name)
        for wrong in ([1.0], 1.0, None, "x"):
            with pytest.raises(TypeError, match=r"^`x` must be an array"):
                function(wrong)
        with pytest.raises(TypeError, match=r"^`x` must have dtype float16.*: cast it to float32"):
            function(suite.array([1, 2], "int32"))
    for name in ROWS:
        function = getattr(special, name)
        for axis in (None, (0, 1), True, 1.0):
            with pytest.raises(TypeError, match=r"^`axis` must be an int"):
                function(x, axis=axis)
        with pytest.raises(ValueError, match=r"^`axis` must lie in \[-2, 2\)"):
            function(x, axis=2)
        with pytest.raises(ValueError, match=r"^`axis` must lie among the axes of `x`"):
            function(suite.array(1.0, dtype))


def _sum(suite: Suite, value: Any) -> Any:
    return suite.target.xp.sum(value)


@pytest.mark.autodiff
@pytest.mark.only("torch", "jax", "mlx", "tensorflow", "paddle")
@pytest.mark.dtypes("float32")
@pytest.mark.eager
@pytest.mark.parametrize("name", [*ELEMENTS, *ROWS])
def test_derivatives(suite: Suite, dtype: str, name: str) -> None:
    slopes, function = LIBRARIES[suite.target.library].slopes, getattr(special, name)
    assert slopes is not None
    x = suite.array(X, dtype)
    weights = [[1.0, -2.0, 0.5, 3.0], [0.25, 1.0, -1.0, 2.0], [2.0, 0.0, 1.0, -0.5]]
    if name == "logsumexp":
        weights = [[row[0]] for row in weights]
        function = _kept
    factor = suite.array(weights, dtype)
    (found,) = slopes(lambda x: _sum(suite, function(x) * factor), x)
    for got, exact in zip(suite.floats(found), _exact_slopes(name, weights), strict=True):
        assert abs(got - exact) <= 4e-6 * max(1.0, abs(exact))


def _kept(x: Any) -> Any:
    return special.logsumexp(x, keepdims=True)


def _exact_slopes(name: str, weights: list[list[float]]) -> list[float]:
    """Return the derivatives of the weighted sum of a function at X."""
    found = []
    for x, w in zip(X, weights, strict=True):
        if name in ELEMENTS:
            p = [1.0 / (1.0 + math.exp(-v)) for v in x]
            n = [1.0 / (1.0 + math.exp(v)) for v in x]
            pairs = list(zip(p, n, strict=True))
            slopes = {
                "softplus": p,
                "log_sigmoid": n,
                "sigmoid": [a * b for a, b in pairs],
            }[name]
            found += [a * b for a, b in zip(w, slopes, strict=True)]
            continue
        total = math.fsum(map(math.exp, x))
        p = [math.exp(v) / total for v in x]
        if name == "logsumexp":
            found += [w[0] * v for v in p]
        elif name == "softmax":
            mean = math.fsum(a * b for a, b in zip(p, w, strict=True))
            found += [a * (b - mean) for a, b in zip(p, w, strict=True)]
        else:
            found += [b - a * math.fsum(w) for a, b in zip(p, w, strict=True)]
    return found


@pytest.mark.autodiff
@pytest.mark.only("torch", "jax", "mlx", "tensorflow", "paddle")
@pytest.mark.dtypes("float32")
@pytest.mark.eager
def test_the_derivative_of_a_row_of_nothing_is_0(suite: Suite, dtype: str) -> None:
    slopes = LIBRARIES[suite.target.library].slopes
    assert slopes is not None
    x = suite.array([[-INF, -INF], [1.0, 1.0], [-INF, 0.0]], dtype)
    (found,) = slopes(lambda x: _sum(suite, special.logsumexp(x)), x)
    assert suite.floats(found) == [0.0, 0.0, 0.5, 0.5, 0.0, 1.0]
    ends = suite.array([INF, -INF, 0.0, -0.0], dtype)
    for name, wanted in (
        ("sigmoid", [0.0, 0.0, 0.25, 0.25]),
        ("softplus", [1.0, 0.0, 0.5, 0.5]),
        ("log_sigmoid", [0.0, 1.0, 0.5, 0.5]),
    ):
        function = getattr(special, name)
        (found,) = slopes(lambda x, f=function: _sum(suite, f(x)), ends)
        assert suite.floats(found) == wanted, name


@pytest.mark.only("torch")
@pytest.mark.dtypes("float64")
@pytest.mark.eager
@pytest.mark.parametrize("name", [*ELEMENTS, *ROWS])
def test_torch_s_gradient_checks(suite: Suite, dtype: str, name: str) -> None:
    import torch

    x = suite.array(X, dtype).requires_grad_()
    function = getattr(special, name)
    assert torch.autograd.gradcheck(function, (x,))
    assert torch.autograd.gradgradcheck(function, (x,))


@pytest.mark.only("jax")
@pytest.mark.dtypes("float32")
@pytest.mark.eager
@pytest.mark.parametrize("name", [*ELEMENTS, *ROWS])
def test_jax_s_tools(suite: Suite, dtype: str, name: str) -> None:
    import jax

    function, original = getattr(special, name), getattr(jax.nn, name)
    x = suite.array(X, dtype)
    if name == "logsumexp":
        original = _jax_logsumexp
    weights = jax.random.normal(jax.random.key(0), original(x).shape)

    def second(f: Any) -> Any:
        return jax.jit(jax.hessian(lambda x: (f(x) * weights).sum()))(x)

    suite.assert_close(second(function), second(original), dtype, atol=1e-5)
    mapped = jax.vmap(function)(x)
    suite.assert_close(mapped, original(x), dtype, atol=1e-6)
    with jax.debug_nans(True):
        rows = suite.array([[-INF, 0.0, 1.0], [0.0, -INF, 2.0]], dtype)
        jax.jit(jax.grad(lambda x: _sum(suite, function(x))))(rows)
        function(rows)


def _jax_logsumexp(x: Any) -> Any:
    import jax

    return jax.nn.logsumexp(x, axis=-1)
