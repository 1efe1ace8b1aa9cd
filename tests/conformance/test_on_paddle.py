"""Paddle's own ways: `backward`, second derivatives, `to_static`, layers."""

import math
from typing import Any

import numpy as np
import pytest

import xent_api as xa
from xent_api.testing import ulp_error
from xent_api.testing.float64 import softmax_values
from xent_api.testing.suite import Suite

pytestmark = [
    pytest.mark.only("paddle"),
    pytest.mark.dtypes("float32"),
    pytest.mark.filterwarnings("ignore:.*'place' interface for pir graph mode:UserWarning"),
]
FAMILIES = {
    "sigmoid": xa.sigmoid_xent,
    "softmax": xa.softmax_xent,
    "sparse_softmax": xa.sparse_softmax_xent,
}
ROWS = [[1.0, 2.0, -3.0], [0.0, 40.0, 1.0], [0.5, 0.5, 0.25]]
DENSE, INDICES = [[0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [1.0, 0.0, 0.0]], [2, 0, 1]


def _labels(suite: Suite, family: str) -> Any:
    if family == "sparse_softmax":
        return suite.array(INDICES, "int64")
    return suite.array(DENSE, "float32")


def _sigmoid_mean(z: Any, x: Any) -> Any:
    return xa.sigmoid_xent.loss(labels=z, logits=x, ignore_index=0, reduction="mean")


def _softmax_mean(z: Any, x: Any) -> Any:
    return xa.softmax_xent.loss(labels=z, logits=x, reduction="mean")


def _sparse_softmax_mean(z: Any, x: Any) -> Any:
    return xa.sparse_softmax_xent.loss(labels=z, logits=x, ignore_index=0, reduction="mean")


MEANS = {
    "sigmoid": _sigmoid_mean,
    "softmax": _softmax_mean,
    "sparse_softmax": _sparse_softmax_mean,
}


def _mean_and_slope(function: Any, labels: Any, logits: Any) -> tuple[Any, Any]:
    leaf = logits.detach()
    leaf.stop_gradient = False
    mean = function(labels, leaf)
    mean.backward()
    return mean.detach(), leaf.grad


@pytest.mark.parametrize("family", FAMILIES)
def test_backward_fills_the_gradient(suite: Suite, dtype: str, family: str) -> None:
    labels, logits = _labels(suite, family), suite.array(ROWS, dtype)
    _, slope = _mean_and_slope(MEANS[family], labels, logits)
    options = {} if family == "softmax" else {"ignore_index": 0}
    wanted = FAMILIES[family].gradient(labels=labels, logits=logits, reduction="mean", **options)
    suite.assert_ulp(slope, suite.floats(wanted), dtype, shape=(3, 3))


@pytest.mark.parametrize("way", ["byte code", "full graph", "unknown batch"])
@pytest.mark.parametrize("family", FAMILIES)
def test_to_static(suite: Suite, dtype: str, family: str, way: str) -> None:
    import paddle

    labels, logits = _labels(suite, family), suite.array(ROWS, dtype)
    pairs = ((labels, "int64" if labels.ndim == 1 else "float32"), (logits, "float32"))
    unknown = [paddle.static.InputSpec([None, *v.shape[1:]], name) for v, name in pairs]
    static = paddle.jit.to_static(
        MEANS[family],
        input_spec=unknown if way == "unknown batch" else None,
        full_graph=way != "byte code",
    )
    mean, slope = _mean_and_slope(static, labels, logits)
    wanted, slopes = _mean_and_slope(MEANS[family], labels, logits)
    suite.assert_ulp(mean, suite.floats(wanted), dtype, shape=())
    suite.assert_ulp(slope, suite.floats(slopes), dtype, shape=(3, 3))


def _layer(function: Any, **options: Any) -> Any:
    """Return a layer whose code does not tell its loss and options."""
    import paddle

    class Loss(paddle.nn.Layer):  # type: ignore[misc]
        def forward(self, z: Any, x: Any) -> Any:
            return function(labels=z, logits=x, **options)

    return Loss()


def test_to_static_sees_functions_and_options(suite: Suite, dtype: str) -> None:
    """Of a function that it does not read it looks at the tensors only."""
    import paddle

    labels, logits = suite.array(DENSE, dtype), suite.array(ROWS, dtype)
    calls: list[tuple[Any, dict[str, Any]]] = [
        (xa.sigmoid_xent.loss, {}),
        (xa.sigmoid_xent.loss, {"label_smoothing": 0.5}),
        (xa.sigmoid_xent.loss, {"reduction": "mean"}),
        (xa.sigmoid_xent.gradient, {}),
        (xa.softmax_xent.loss, {}),
    ]
    for function, options in calls:
        got = paddle.jit.to_static(_layer(function, **options))(labels, logits)
        wanted = function(labels=labels, logits=logits, **options)
        suite.assert_ulp(got, suite.floats(wanted), dtype, shape=tuple(wanted.shape))


def test_to_static_of_the_facade(suite: Suite, dtype: str) -> None:
    import paddle

    labels, logits = suite.array(DENSE, dtype), suite.array(ROWS, dtype)
    facade = xa.facades.paddle.sigmoid_cross_entropy_with_logits
    wanted = facade(logits, labels, ignore_index=0, normalize=True)

    def normalized(z: Any, x: Any) -> Any:
        return facade(x, z, ignore_index=0, normalize=True)

    for full in (False, True):
        static = paddle.jit.to_static(normalized, full_graph=full)
        got = static(labels, logits)
        suite.assert_ulp(got, suite.floats(wanted), dtype, shape=(3, 3))


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_that_turn_out_to_differ(suite: Suite, dtype: str, family: str) -> None:
    """One row of labels would be broadcast to those of the logits."""
    import paddle

    labels, logits = _labels(suite, family), suite.array(ROWS, dtype)
    pairs = ((labels, "int64" if labels.ndim == 1 else "float32"), (logits, "float32"))
    unknown = [paddle.static.InputSpec([None, *v.shape[1:]], name) for v, name in pairs]
    static = paddle.jit.to_static(MEANS[family], input_spec=unknown, full_graph=True)
    with pytest.raises(ValueError, match="capacity"):
        static(labels[:1], logits)


def test_derivatives_of_float16(suite: Suite, dtype: str) -> None:
    """They are cast by a rule, and not those of what repairs the cast."""
    import paddle

    def leaf(values: Any, kind: str = "float16") -> Any:
        tensor = suite.array(values, kind)
        tensor.stop_gradient = False
        return tensor

    x, z, w = leaf([-18.0, 18.0, 1.0]), leaf([0.0, 1.0, 1.0]), leaf([1.0, 1.0, 0.0])
    total = xa.sigmoid_xent.loss(labels=z, logits=x, weights=w).sum()
    of_labels, of_weights = paddle.grad(total, [z, w])
    suite.assert_ulp(of_labels, [18.0, -18.0, 0.0], "float16", shape=(3,))
    assert ulp_error(suite.floats(of_weights)[2], math.log1p(math.exp(-1.0)), "float16") <= 4.0

    x, z = leaf([[20.0, 0.0]]), leaf([[1.0, 0.0]])
    (slope,) = paddle.grad(xa.softmax_xent.loss(labels=z, logits=x).sum(), [z])
    suite.assert_ulp(slope, [0.0, 20.0], "float16", shape=(1, 2))

    x, w = leaf([0.0, 0.0]), suite.array([1.0, 2.4 * 2.0**-78], "float32")
    mean = xa.sigmoid_xent.loss(labels=x.detach(), logits=x, weights=w, reduction="mean")
    (slope,) = paddle.grad(mean, [x])
    suite.assert_ulp(slope, [0.25, 0.0], "float16", shape=(2,))


def test_a_label_of_no_class_makes_the_derivatives_of_its_row_nan(suite: Suite, dtype: str) -> None:
    x, y = suite.array(ROWS, dtype), suite.array([2, 3, 0], "int64")
    _, slope = _mean_and_slope(_sparse_softmax_mean, y, x)
    assert np.isnan(suite.floats(slope)).tolist() == [False] * 3 + [True] * 3 + [False] * 3


@pytest.mark.parametrize("family", FAMILIES)
def test_no_nan_or_infinity_on_the_way(suite: Suite, dtype: str, family: str) -> None:
    import paddle

    labels, logits = _labels(suite, family), suite.array(ROWS, dtype)
    paddle.set_flags({"FLAGS_check_nan_inf": True})
    try:
        found = FAMILIES[family].gradient_and_hessian(labels=labels, logits=logits)
        mean, slope = _mean_and_slope(MEANS[family], labels, logits)
    finally:
        paddle.set_flags({"FLAGS_check_nan_inf": False})
    for value in (*found, mean, slope):
        assert np.isfinite(suite.floats(value)).all()


@pytest.mark.parametrize("family", ["softmax", "sparse_softmax"])
def test_the_hessian_of_rows(suite: Suite, dtype: str, family: str) -> None:
    import paddle

    x = suite.array(ROWS, dtype)
    x.stop_gradient = False
    labels = suite.array(np.eye(3)[INDICES].tolist(), dtype)
    labels = labels if family == "softmax" else _labels(suite, family)
    loss = FAMILIES[family].loss(labels=labels, logits=x, reduction="sum")
    (slope,) = paddle.grad(loss, x, create_graph=True)
    found = []
    for j in range(3):
        (row,) = paddle.grad(slope[:, j].sum(), x, retain_graph=True)
        found.append(np.reshape(suite.floats(row), (3, 3)))
    p = np.exp(np.asarray(ROWS) - np.max(ROWS, axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    exact = p[:, :, None] * (np.eye(3) - p[:, None, :])
    assert np.abs(np.stack(found, axis=1) - exact).max() <= 4 * 2.0**-23


def test_a_layer_trains(suite: Suite, dtype: str) -> None:
    """One step moves the weights as the exact gradient does."""
    import paddle

    random = np.random.default_rng(0)
    x, y = random.normal(size=(64, 5)).astype(np.float32), random.integers(0, 3, 64)
    layer = paddle.nn.Linear(5, 3, bias_attr=False)
    before = layer.weight.numpy().astype(float)
    step = paddle.optimizer.SGD(1.0, parameters=layer.parameters())
    logits = layer(paddle.to_tensor(x))
    xa.sparse_softmax_xent.loss(
        labels=paddle.to_tensor(y), logits=logits, reduction="mean"
    ).backward()
    step.step()
    _, slopes, _ = softmax_values(x.astype(float) @ before, y)
    exact = x.astype(float).T @ slopes / 64
    assert np.abs((before - layer.weight.numpy()) - exact).max() <= 1e-6


def test_where_the_library_is_wrong(suite: Suite, dtype: str) -> None:
    """What `_backends/paddle.py` repairs is still there; where not, the repair can go."""
    import paddle

    low = paddle.to_tensor([-float("inf")] * 32)
    assert 0.0 < float(paddle.exp(low)[0]) < 3e-39
    assert suite.floats(suite.target.xp.exp(low)) == [0.0] * 32
    tiny = paddle.to_tensor([1.2 * 2.0**-78])
    assert tiny.astype("float16").astype("float32").tolist()[0] > 7e-5
    half = suite.target.xp.astype(tiny, paddle.float16)
    assert suite.floats(half) == [0.0]
    small = paddle.to_tensor([1e-17], dtype="float64")
    assert (small == 0.0).tolist() == [True]
    assert suite.target.xp.is_zero(small).tolist() == [False]
    large = paddle.to_tensor([0], dtype="int64")
    assert paddle.full_like(large, 2**53 + 1).tolist() == [2**53]
    assert suite.target.xp.full_like(large, 2**53 + 1).tolist() == [2**53 + 1]
    assert paddle.sum(paddle.ones([300], dtype="int8")).item() == 300 - 256


def test_a_label_that_is_nearly_the_ignored_one(suite: Suite, dtype: str) -> None:
    given = {"labels": suite.array([1e-17], "float64"), "logits": suite.array([0.0], "float64")}
    found = xa.sigmoid_xent.loss(**given, ignore_index=0)
    suite.assert_ulp(found, [math.log(2.0)], "float64", shape=(1,))


def test_what_is_refused(suite: Suite, dtype: str) -> None:
    import paddle

    x = suite.array(ROWS, dtype)
    with pytest.raises(TypeError, match=r"paddle; got one of numpy.*paddle\.to_tensor"):
        xa.sigmoid_xent.loss(labels=np.asarray(DENSE), logits=x)
    static = paddle.jit.to_static(_layer(xa.sigmoid_xent.loss, weights=x.detach()), full_graph=True)
    with pytest.raises(Exception, match="`weights` must be a tensor of the static graph"):
        static(x, x)
    with pytest.raises(TypeError, match=r"`logits` must be a dense tensor.*`to_dense`"):
        xa.sigmoid_xent.loss(labels=x, logits=x.to_sparse_coo(2))
    wide = _labels(suite, "sparse_softmax").astype(paddle.uint32)
    with pytest.raises(TypeError, match=r"`labels` must be .* computes with; .*uint32.*int64"):
        xa.sparse_softmax_xent.loss(labels=wide, logits=x)
    with pytest.raises(TypeError, match=r"`logits` must have dtype .*; got .*int64"):
        xa.sigmoid_xent.loss(labels=x, logits=suite.array([[1, 2, 3]] * 3, "int64"))
