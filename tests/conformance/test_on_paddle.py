"""Paddle's own ways: `backward`, second derivatives, `to_static`, layers."""

from typing import Any

import numpy as np
import pytest
from helpers.suite import Suite

import xent_api as xa
from xent_api.testing.float64 import softmax_values

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
    large = paddle.to_tensor([0], dtype="int64")
    assert paddle.full_like(large, 2**53 + 1).tolist() == [2**53]
    assert suite.target.xp.full_like(large, 2**53 + 1).tolist() == [2**53 + 1]
    assert paddle.sum(paddle.ones([300], dtype="int8")).item() == 300 - 256


def test_what_is_refused(suite: Suite, dtype: str) -> None:
    import paddle

    x = suite.array(ROWS, dtype)
    with pytest.raises(TypeError, match=r"paddle; got one of numpy.*paddle\.to_tensor"):
        xa.sigmoid_xent.loss(labels=np.asarray(DENSE), logits=x)
    with pytest.raises(TypeError, match=r"`logits` must be a dense tensor.*`to_dense`"):
        xa.sigmoid_xent.loss(labels=x, logits=x.to_sparse_coo(2))
    wide = _labels(suite, "sparse_softmax").astype(paddle.uint32)
    with pytest.raises(TypeError, match=r"`labels` must be .* computes with; .*uint32.*int64"):
        xa.sparse_softmax_xent.loss(labels=wide, logits=x)
    with pytest.raises(TypeError, match=r"`logits` must have dtype .*; got .*int64"):
        xa.sigmoid_xent.loss(labels=x, logits=suite.array([[1, 2, 3]] * 3, "int64"))
