"""TensorFlow's own ways: compiled, of unknown size, variables, nested tapes, Keras."""

from typing import Any

import numpy as np
import pytest

import xent_api as xa
from xent_api.testing import BAR, check_namespace, ulp_error
from xent_api.testing.float64 import softmax_values
from xent_api.testing.suite import Suite

pytestmark = [
    pytest.mark.only("tensorflow"),
    pytest.mark.dtypes("float32"),
    pytest.mark.eager,  # each test traces what it says itself
]
FAMILIES = {
    "sigmoid": xa.sigmoid_xent,
    "softmax": xa.softmax_xent,
    "sparse_softmax": xa.sparse_softmax_xent,
}
ROWS = [[1.0, 2.0, -3.0], [0.0, 40.0, 1.0]]
DENSE, INDICES = [[0.0, 1.0, 0.0], [0.25, 0.25, 0.5]], [2, 0]


def _labels(suite: Suite, family: str) -> Any:
    if family == "sparse_softmax":
        return suite.array(INDICES, "int32")
    return suite.array(DENSE, "float32")


@pytest.mark.dtypes("float32", "float64", "bfloat16")
@pytest.mark.parametrize(
    "family", ["sigmoid", "sparse_softmax", pytest.param("softmax", marks=pytest.mark.nightly)]
)
def test_every_reference_value_compiled_by_xla(suite: Suite, dtype: str, family: str) -> None:
    import tensorflow as tf

    def call(function: Any, arrays: dict[str, Any], **options: Any) -> Any:
        return tf.function(lambda given: function(**given, **options), jit_compile=True)(arrays)

    findings = check_namespace(suite.target, [dtype], call, [family])
    assert [str(miss) for finding in findings for miss in finding.misses] == []
    assert all(finding.passed for finding in findings)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("family", FAMILIES)
def test_batches_of_unknown_size(
    suite: Suite, dtype: str, family: str, reduction: str, jit: bool
) -> None:
    import tensorflow as tf

    labels, logits = _labels(suite, family), suite.array(ROWS, dtype)
    options: dict[str, Any] = {"reduction": reduction}
    if family != "softmax":
        options["ignore_index"] = 0
    unknown = [tf.TensorSpec((None, *v.shape[1:]), v.dtype) for v in (labels, logits)]

    def both(z: Any, x: Any) -> Any:
        return FAMILIES[family].loss_and_gradient(labels=z, logits=x, **options)

    traced = tf.function(both, input_signature=unknown, jit_compile=jit)
    eager = FAMILIES[family].loss_and_gradient(labels=labels, logits=logits, **options)
    for got, wanted in zip(traced(labels, logits), eager, strict=True):
        suite.assert_ulp(got, suite.floats(wanted), dtype, shape=tuple(wanted.shape))


@pytest.mark.parametrize("family", FAMILIES)
def test_totals_of_unknown_size_are_counted_in_64_bits(
    suite: Suite, dtype: str, family: str
) -> None:
    import tensorflow as tf

    labels = _labels(suite, family)
    unknown = tf.TensorSpec((None, *labels.shape[1:]), labels.dtype)
    total = FAMILIES[family].total_weight
    traced = tf.function(lambda z: total(labels=z), input_signature=[unknown])(labels)
    known = total(labels=labels)
    assert known.dtype == tf.int32
    assert traced.dtype == tf.float64
    assert float(traced) == float(known) == (6 if family == "sigmoid" else 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_variables_and_nested_tapes(suite: Suite, dtype: str, family: str) -> None:
    import tensorflow as tf

    labels, logits = _labels(suite, family), tf.Variable(suite.array(ROWS, dtype))
    module = FAMILIES[family]
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            loss = module.loss(labels=labels, logits=logits, reduction="sum")
        slope = tape.gradient(loss, logits)
        first = tf.reduce_sum(slope[:, 0])
    second = outer.gradient(first, logits)
    gradient, hessian = module.gradient_and_hessian(labels=labels, logits=logits.value())
    suite.assert_ulp(slope, suite.floats(gradient), dtype, shape=(2, 3))
    wanted = suite.floats(hessian)
    for got, exact in zip(suite.floats(second)[::3], wanted[::3], strict=True):
        assert ulp_error(got, exact, dtype) <= 2 * BAR


def test_the_hessian_of_rows(suite: Suite, dtype: str) -> None:
    import tensorflow as tf

    x, y = suite.array(ROWS, dtype), suite.array(INDICES, "int32")
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = xa.sparse_softmax_xent.loss(labels=y, logits=x, reduction="sum")
        slope = tape.gradient(loss, x)
    matrix = np.reshape(suite.floats(outer.batch_jacobian(slope, x)), (2, 3, 3))
    p = np.exp(np.asarray(ROWS) - np.max(ROWS, axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    exact = p[:, :, None] * (np.eye(3) - p[:, None, :])
    assert np.abs(matrix - exact).max() <= 4 * 2.0**-23


def test_a_label_of_no_class_makes_the_derivatives_of_its_row_nan(suite: Suite, dtype: str) -> None:
    import tensorflow as tf

    x = suite.array(ROWS, dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        mean = xa.sparse_softmax_xent.loss(
            labels=suite.array([2, 3], "int32"), logits=x, reduction="mean"
        )
    slope = suite.floats(tape.gradient(mean, x))
    assert np.isnan(slope).tolist() == [False] * 3 + [True] * 3


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_batches_that_turn_out_to_differ(suite: Suite, dtype: str, family: str, jit: bool) -> None:
    """One row of labels would be broadcast to those of the logits."""
    import tensorflow as tf

    labels, logits = _labels(suite, family), suite.array(ROWS, dtype)
    module, mask = FAMILIES[family], suite.array([[True]] * 2, "bool")
    mask = mask if family == "sigmoid" else mask[:, 0]
    unknown = [tf.TensorSpec((None, *v.shape[1:]), v.dtype) for v in (labels, logits, mask)]

    def mean(z: Any, x: Any, mask: Any) -> Any:
        return module.loss(labels=z, logits=x, mask=mask, reduction="mean")

    traced = tf.function(mean, input_signature=unknown, jit_compile=jit)
    wanted = mean(labels, logits, mask)
    suite.assert_ulp(traced(labels, logits, mask), suite.floats(wanted), dtype, shape=())
    for arguments in ((labels[:1], logits, mask), (labels[:1], logits[:1], mask)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            traced(*arguments)


@pytest.mark.parametrize("compiled", [False, True])
def test_keras_trains_with_the_loss(suite: Suite, dtype: str, compiled: bool) -> None:
    """One step of `fit` moves the weights as the exact gradient does."""
    keras = pytest.importorskip("keras")
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 5)).astype(np.float32)
    y = random.integers(0, 3, 64)
    layer = keras.layers.Dense(3, use_bias=False)
    model = keras.Sequential([keras.Input((5,)), layer])

    def loss(labels: Any, logits: Any) -> Any:
        labels = keras.ops.cast(labels, "int32")  # Keras casts what it is given to floats
        return xa.sparse_softmax_xent.loss(labels=labels, logits=logits, reduction="mean")

    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=compiled)
    (before,) = model.get_weights()
    model.fit(x, y, batch_size=64, epochs=1, verbose=0)
    (after,) = model.get_weights()
    _, slopes, _ = softmax_values(x.astype(float) @ before.astype(float), y)
    exact = x.astype(float).T @ slopes / 64
    assert np.abs((before - after) - exact).max() <= 1e-6


@pytest.mark.filterwarnings("error")
def test_autograph_leaves_the_package_alone(
    suite: Suite, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf
    from tensorflow.python.autograph.impl import api

    converted: list[str] = []
    original = api._convert_actual

    def noted(entity: Any, context: Any) -> Any:
        converted.append(entity.__module__)
        return original(entity, context)

    monkeypatch.setattr(api, "_convert_actual", noted)

    def step(z: Any, y: Any, x: Any) -> Any:
        total = xa.sparse_softmax_xent.total_weight(labels=y)
        losses = (
            xa.facades.tensorflow.sigmoid_cross_entropy_with_logits(z, x),
            xa.facades.tensorflow.weighted_cross_entropy_with_logits(z, x, 2.0),
            xa.facades.tensorflow.softmax_cross_entropy_with_logits(z, x),
            xa.facades.tensorflow.sparse_softmax_cross_entropy_with_logits(y, x),
            xa.facades.paddle.sigmoid_cross_entropy_with_logits(x, z),
        )
        return xa.sparse_softmax_xent.loss(labels=y, logits=x, reduction="mean"), total, losses

    arrays = [suite.array(values, dtype) for values in (DENSE, ROWS)]
    tf.function(step)(arrays[0], suite.array(INDICES, "int32"), arrays[1])
    assert converted == [__name__]


def test_what_is_refused(suite: Suite, dtype: str) -> None:
    import tensorflow as tf

    x = suite.array(ROWS, dtype)
    with pytest.raises(TypeError, match=r"`labels` must be of the same array namespace as"):
        xa.sigmoid_xent.loss(labels=np.asarray(DENSE), logits=x)
    with pytest.raises(TypeError, match=r"tensorflow; got one of numpy.*convert_to_tensor"):
        xa.sigmoid_xent.loss(labels=np.asarray(DENSE), logits=x)
    with pytest.raises(TypeError, match=r"`logits` must be an array.*Ragged.*`logits.to_tensor"):
        xa.sigmoid_xent.loss(labels=x, logits=tf.ragged.constant(DENSE))
    with pytest.raises(TypeError, match=r"`logits` must be an array.*Sparse.*a dense one"):
        xa.sigmoid_xent.loss(labels=x, logits=tf.sparse.from_dense(DENSE))
    with tf.Graph().as_default():
        y = tf.compat.v1.placeholder(tf.float32, [None, 3])
        with pytest.raises(TypeError, match=r"`logits` must be a tensor of a tf.function"):
            xa.sigmoid_xent.loss(labels=y, logits=y)
    with pytest.raises(TypeError, match=r"`logits` must have dtype .*; got .*int32"):
        xa.sigmoid_xent.loss(labels=x, logits=suite.array([[1, 2, 3]] * 2, "int32"))

    of_any_rank = tf.function(
        lambda x: xa.sigmoid_xent.loss(labels=x, logits=x),
        input_signature=[tf.TensorSpec(None)],
    )
    with pytest.raises(TypeError, match=r"must be a tensor of a known number of dimensions"):
        of_any_rank(x)


def test_scaled_logits_of_large_size_compiled_by_xla(suite: Suite, dtype: str) -> None:
    """The maximum and the differences from it are those of one product, rounded once."""
    import tensorflow as tf

    random = np.random.default_rng(1)
    a = random.normal(0.0, 1.0, (300, 20)).astype(np.float32)
    y = random.integers(0, 20, 300)
    for factor in (1.0 / 3.0, 100.0 / 7.0):

        def losses(a: Any, y: Any, factor: float = factor) -> Any:
            return xa.sparse_softmax_xent.loss(labels=y, logits=a * factor)

        x = (a * np.float32(factor)).astype(float)
        exact, _, _ = softmax_values(x, y)
        found = tf.function(losses, jit_compile=True)(tf.constant(a), tf.constant(y))
        # Beside the bar: each difference from the maximum is rounded.
        rounded = 2.0**-24 * (x.max(axis=1) - x.min(axis=1))
        assert (np.abs(found.numpy() - exact) <= 4 * 2.0**-23 * exact + rounded).all()
