"""How far the float32 softmax losses of systems are off, against how confident the prediction is.

Rows of ten classes, with class indices as labels. All logits are multiples of 2^-12 below 2^7, so
that their differences are exact: what is measured is the formula.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from .. import sparse_softmax_xent
from ..testing import Target
from ..testing.float64 import softmax_values, ulp_errors
from . import peers
from .measure import Measured, curve
from .peers import Peer, Single

CLASSES = 10
EACH = 200
"""Rows for each margin from one whole number to the next."""
MARGINS = tuple(k + 0.5 for k in range(-20, 80))
"""The logit at the label less zero, around which the others lie."""
CASES = ("loss", "gradient at the label", "gradient elsewhere")
Call: TypeAlias = Callable[[Single, Any], tuple[Any, Any]]


def points() -> tuple[Single, Any]:
    """Return logits, in the order of `MARGINS`, and class indices."""
    random = np.random.default_rng(20261125)
    count = len(MARGINS) * EACH
    logits = random.normal(0.0, 1.0, (count, CLASSES))
    labels = random.integers(0, CLASSES, count)
    margins = np.repeat(MARGINS, EACH) + random.uniform(-0.5, 0.5, count)
    logits[np.arange(count), labels] = margins
    return (np.round(logits * 2.0**12) / 2.0**12).astype(np.float32), labels


def measure(name: str, version: str, call: Call) -> Measured:
    """Return the errors of a loss and its gradient."""
    logits, labels = points()
    found = (np.asarray(value).astype(np.float64) for value in call(logits, labels))
    exact = softmax_values(logits.astype(np.float64), labels)
    pairs = zip(found, exact[:2], strict=True)
    loss, slope = (ulp_errors(got, exact, "float32") for got, exact in pairs)
    rows = np.arange(len(labels))
    at_label = slope[rows, labels].copy()
    slope[rows, labels] = 0.0
    errors = zip(CASES, (loss, at_label, slope.max(axis=1)), strict=True)
    curves = {case: curve(values, len(MARGINS)) for case, values in errors}
    return Measured(name, version, curves, ())


def call_target(target: Target) -> Call:
    """Return this package's loss and gradient on a target as those of a peer."""

    def call(logits: Single, labels: Any) -> tuple[Any, Any]:
        with target.context():
            x = target.asarray(logits.tolist(), "float32")
            y = target.asarray(labels.tolist(), "int32")
            found = sparse_softmax_xent.loss_and_gradient(labels=y, logits=x)
            loss, slope = map(target.floats, found)
        return loss, np.reshape(slope, logits.shape)

    return call


def _textbook(x: Single, y: Any) -> tuple[Any, Any]:
    rows, shifted = np.arange(len(y)), x - x.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    slope = np.exp(logs)
    slope[rows, y] -= 1
    return -logs[rows, y], slope


def _torch(x: Single, y: Any) -> tuple[Any, Any]:
    import torch

    logits = torch.tensor(x, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y), reduction="none")
    loss.sum().backward()
    return loss.detach().numpy(), logits.grad.numpy()


def _optax(x: Single, y: Any) -> tuple[Any, Any]:
    import optax

    return _by_jax(lambda v: optax.softmax_cross_entropy_with_integer_labels(v, y), x)


def _keras(x: Single, y: Any) -> tuple[Any, Any]:
    os.environ["KERAS_BACKEND"] = "jax"
    from keras import ops

    return _by_jax(lambda v: ops.sparse_categorical_crossentropy(y, v, from_logits=True), x)


def _by_jax(function: Callable[[Any], Any], x: Single) -> tuple[Any, Any]:
    import jax

    loss, pull = jax.vjp(function, x)
    return loss, pull(jax.numpy.ones_like(loss))[0]


def _sklearn(x: Single, y: Any) -> tuple[Any, Any]:
    from sklearn._loss.loss import HalfMultinomialLoss

    found: tuple[Any, Any] = HalfMultinomialLoss(n_classes=CLASSES).loss_gradient(
        y.astype(np.float32), np.ascontiguousarray(x)
    )
    return found


def _tensorflow(x: Single, y: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    logits = tf.Variable(x)
    with tf.GradientTape() as tape:
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    return loss.numpy(), tape.gradient(loss, logits).numpy()


def _paddle(x: Single, y: Any) -> tuple[Any, Any]:
    import paddle

    logits = paddle.to_tensor(x, stop_gradient=False)
    loss = paddle.nn.functional.cross_entropy(
        logits, paddle.to_tensor(y[:, np.newaxis]), reduction="none"
    )
    loss.sum().backward()
    return loss.numpy().ravel(), logits.grad.numpy()


CALLS: dict[str, Call] = {
    "textbook in NumPy": _textbook,
    "PyTorch": _torch,
    "optax": _optax,
    "Keras (JAX)": _keras,
    "scikit-learn": _sklearn,
    "TensorFlow": _tensorflow,
    "Paddle": _paddle,
}
"""By the names of `peers.PEERS`."""


def installed_peers() -> Iterator[tuple[Peer, Call]]:
    """Yield the peers that can be called here, and their calls."""
    for peer in peers.installed_peers():
        yield peer, CALLS[peer.name]
