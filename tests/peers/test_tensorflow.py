"""The real TensorFlow beside its facade, and on its own documented examples."""

import inspect
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xent_api.facades import tensorflow as facade
from xent_api.facades import tensorflow_v1
from xent_api.testing import BAR, EXAMPLES, Example, find_target, ulp_error

DOCUMENTED = [e for e in EXAMPLES if e.name.startswith("tensorflow")]
ORIGINALS = {
    "tensorflow-softmax": tf.nn.softmax_cross_entropy_with_logits,
    "tensorflow-sparse": tf.nn.sparse_softmax_cross_entropy_with_logits,
}
TUTORIAL = [e for e in EXAMPLES if e.name.startswith("tutorial") and len(e.exact) > 1]
EPS = 2.0**-23

V1 = tf.compat.v1.nn
# TensorFlow takes subnormal numbers for 0.
NUMBERS = st.floats(-100, 100, width=32, allow_subnormal=False)
PROBABILITIES = st.floats(0, 1, width=32, allow_subnormal=False)
TINY = 2.0**-126


@pytest.mark.parametrize("example", DOCUMENTED + TUTORIAL, ids=lambda example: example.name)
def test_documented_examples(example: Example) -> None:
    """The original gives what is printed; where it does not, the labels are invalid."""
    original = ORIGINALS.get(example.name, tf.nn.sigmoid_cross_entropy_with_logits)
    labels, logits = (tf.constant(v) for v in example.arguments(find_target("numpy"), "float32"))
    got = original(labels=labels, logits=logits).numpy().ravel().tolist()
    if example.name == "tutorial-invalid-masked":
        assert np.isnan([got[2], got[4]]).all()
        return
    for value, exact in zip(got, example.exact, strict=True):
        assert ulp_error(value, exact, "float32") <= BAR
    for value, printed in zip(got, example.printed, strict=True):
        # Printed to as few as six digits, and by older kernels: 0.36533394 is off by 3.5 ulp.
        assert value == pytest.approx(float(printed), rel=1e-6)


@pytest.mark.parametrize("name", facade.__all__)
def test_signatures(name: str) -> None:
    assert _parameters(getattr(facade, name)) == _parameters(getattr(tf.nn, name))


def test_signatures_of_version_1() -> None:
    """TensorFlow 2.21 has no `_sentinel` any more: the documented one stays ahead of the rest."""
    ours = _parameters(tensorflow_v1.sigmoid_cross_entropy_with_logits)
    theirs = _parameters(V1.sigmoid_cross_entropy_with_logits)
    assert ours == [("_sentinel", None), *(p for p in theirs if p[0] != "_sentinel")]


def _parameters(function: Any) -> list[tuple[str, Any]]:
    return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]


@given(st.data())
def test_values(data: st.DataObject) -> None:
    """The difference is no more than what TensorFlow's formula cancels."""
    shape = data.draw(st.sampled_from([(), (0,), (1,), (7,), (2, 3)]))
    logits = data.draw(arrays(np.float32, shape, elements=NUMBERS))
    labels = data.draw(arrays(np.float32, shape, elements=PROBABILITIES))
    factor = data.draw(st.sampled_from([0.0, 0.5, 1.0, 3.0]))
    tolerance = 8 * EPS * (1.0 + np.abs(logits)) * max(1.0, factor)
    ours = facade.sigmoid_cross_entropy_with_logits(labels, logits)
    theirs = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits).numpy()
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    assert (np.abs(ours - theirs) <= tolerance).all()
    ours = facade.weighted_cross_entropy_with_logits(labels, logits, factor)
    theirs = tf.nn.weighted_cross_entropy_with_logits(labels, logits, factor).numpy()
    assert (np.abs(ours - theirs) <= tolerance).all()
    theirs = V1.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits).numpy()
    ours = tensorflow_v1.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    assert (np.abs(ours - theirs) <= tolerance).all()


@given(st.data())
def test_values_of_softmax(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(1, 1), (3, 2), (2, 5), (2, 3, 4)]))
    logits = data.draw(arrays(np.float32, shape, elements=NUMBERS))
    labels = data.draw(arrays(np.float32, shape, elements=PROBABILITIES))
    axis = data.draw(st.integers(-1, len(shape) - 1))  # TensorFlow 2.21 fails on -2
    size = np.abs(logits).max(axis=axis) + np.log(shape[axis]) + 1.0
    ours = facade.softmax_cross_entropy_with_logits(labels, logits, axis=axis)
    theirs = tf.nn.softmax_cross_entropy_with_logits(labels, logits, axis=axis).numpy()
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    assert (np.abs(ours - theirs) <= 16 * EPS * size * labels.sum(axis=axis) + TINY).all()
    numbers = data.draw(arrays(np.int64, shape[:-1], elements=st.integers(0, shape[-1] - 1)))
    ours = facade.sparse_softmax_cross_entropy_with_logits(numbers, logits)
    theirs = tf.nn.sparse_softmax_cross_entropy_with_logits(numbers, logits).numpy()
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    assert (np.abs(ours - theirs) <= 16 * EPS * (np.abs(logits).max(axis=-1) + shape[-1])).all()


def test_a_confident_prediction() -> None:
    """What the README says of it: TensorFlow's loss is 0, exact is exp(-40)."""
    logits, labels = np.asarray([[40.0, 0.0]], np.float32), np.asarray([0])
    theirs = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits).numpy()
    ours = facade.sparse_softmax_cross_entropy_with_logits(labels, logits)
    assert theirs.tolist() == [0.0]
    assert ours[0] == pytest.approx(np.exp(-40.0), rel=4 * EPS)


@pytest.mark.parametrize(
    "arguments",
    [
        {"labels": None, "logits": np.ones(2)},
        {"labels": np.ones(2), "logits": None},
        {"labels": np.ones(2), "logits": np.ones(3)},
    ],
)
def test_value_errors(arguments: dict[str, Any]) -> None:
    for function in (
        tf.nn.sigmoid_cross_entropy_with_logits,
        facade.sigmoid_cross_entropy_with_logits,
        tf.compat.v1.nn.sigmoid_cross_entropy_with_logits,
        tensorflow_v1.sigmoid_cross_entropy_with_logits,
    ):
        with pytest.raises(ValueError, match=r"labels|logits"):
            function(**arguments)


@pytest.mark.parametrize("labels", [np.ones(2), np.ones(2, dtype=np.int32)])
def test_labels_of_another_dtype(labels: Any) -> None:
    logits = np.ones(2, dtype=np.float32)
    # TensorFlow documents a TypeError, and raises an error of its own.
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.nn.sigmoid_cross_entropy_with_logits(tf.constant(labels), tf.constant(logits))
    with pytest.raises(TypeError, match="labels"):
        facade.sigmoid_cross_entropy_with_logits(labels, logits)


def test_the_gradient_of_the_weighted_loss_at_zero_is_wrong() -> None:
    """What the README says of it: exact are 1/2 and, for label 1, -3/2."""
    logits = tf.Variable([0.0, 0.0])
    with tf.GradientTape() as tape:
        loss = tf.nn.weighted_cross_entropy_with_logits(tf.constant([0.0, 1.0]), logits, 3.0)
    assert tape.gradient(loss, logits).numpy().tolist() == [1.0, 0.0]


@pytest.mark.parametrize("example", DOCUMENTED + TUTORIAL, ids=lambda example: example.name)
def test_documented_examples_on_tensors(example: Example) -> None:
    """The facade takes the place of the original, and gives the exact values."""
    name = ORIGINALS.get(example.name, tf.nn.sigmoid_cross_entropy_with_logits).__name__
    name = name.removesuffix("_v2")
    labels, logits = (tf.constant(v) for v in example.arguments(find_target("numpy"), "float32"))
    if example.name == "tutorial-invalid-masked":
        return  # its labels are masked, for which the documented signature has no argument
    got = getattr(facade, name)(labels=labels, logits=logits)
    assert isinstance(got, tf.Tensor)
    for value, exact in zip(got.numpy().ravel().tolist(), example.exact, strict=True):
        assert ulp_error(value, exact, "float32") <= BAR


def _beside(name: str, arguments: tuple[Any, ...], *sources: Any) -> list[list[np.ndarray]]:
    """Return value and derivatives of the facade's function and of the original."""
    found = []
    for module in (facade, tf.nn):
        with tf.GradientTape() as tape:
            tape.watch(sources)
            value = getattr(module, name)(*arguments)
        found.append([value.numpy(), *(v.numpy() for v in tape.gradient(value, sources))])
    return found


@given(st.data())
def test_tensors_give_values_and_gradients_of_the_original(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(1, 2), (3, 2), (2, 5)]))
    # The original's gradient of the weighted loss at 0 is wrong: see above.
    numbers = NUMBERS.filter(lambda v: abs(v) > 1e-3)
    x = tf.constant(data.draw(arrays(np.float32, shape, elements=numbers)))
    z = tf.constant(data.draw(arrays(np.float32, shape, elements=PROBABILITIES)))
    y = tf.constant(data.draw(arrays(np.int64, shape[:1], elements=st.integers(0, shape[1] - 1))))
    for name, arguments in {
        "sigmoid_cross_entropy_with_logits": (z, x),
        "weighted_cross_entropy_with_logits": (z, x, 2.5),
        # Its gradient is that of labels whose sum is 1.
        "softmax_cross_entropy_with_logits": (tf.nn.softmax(z), x),
        "sparse_softmax_cross_entropy_with_logits": (y, x),
    }.items():
        for ours, theirs in zip(*_beside(name, arguments, x), strict=True):
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
            size = 1.0 + np.abs(x).max() + shape[1]
            assert (np.abs(ours - theirs) <= 16 * EPS * size).all(), name


def test_softmax_differentiates_labels_of_tensors() -> None:
    x, z = tf.constant([[1.0, -2.0, 0.5]]), tf.constant([[0.25, 0.25, 0.5]])
    ours, theirs = _beside("softmax_cross_entropy_with_logits", (z, x), z)
    for got, wanted in zip(ours, theirs, strict=True):
        assert got == pytest.approx(wanted, rel=1e-6)
