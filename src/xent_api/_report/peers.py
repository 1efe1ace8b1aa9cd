"""The losses of other systems, called as their users call them.

Each takes float32 logits and labels and where they are kept (None: everywhere), and returns the
elementwise loss, its gradient and its derivative in the labels (None where there is none). What is
not kept is masked as the system's documents suggest: by a weight of 0, or by its `ignore_index`.
"""

import os
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Single: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
Found: TypeAlias = tuple[Any, Any, Any]
Call: TypeAlias = Callable[[Single, Single, Any], Found]


class Peer(NamedTuple):
    """A system beside this one."""

    name: str
    modules: tuple[str, ...]
    """What it imports."""
    distributions: tuple[str, ...]
    call: Call

    @property
    def version(self) -> str:
        """The version of the first of the distributions that is installed."""
        for distribution in self.distributions:
            try:
                return version(distribution)
            except PackageNotFoundError:
                continue
        return "?"


def installed_peers() -> Iterator[Peer]:
    """Yield the peers that can be called here."""
    for peer in PEERS:
        if all(map(find_spec, peer.modules)):
            yield peer


def _weights(kept: Any, like: Single) -> Single:
    return np.ones_like(like) if kept is None else kept.astype(np.float32)


def _textbook(x: Single, z: Single, kept: Any) -> Found:
    """Return what the usual lines give in NumPy."""
    weights = _weights(kept, x)
    with np.errstate(all="ignore"):
        loss = np.maximum(x, 0) - x * z + np.log1p(np.exp(-np.abs(x)))
        slope = 1 / (1 + np.exp(-x)) - z
        return weights * loss, weights * slope, None


def _torch(x: Single, z: Single, kept: Any) -> Found:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    logits = torch.tensor(x, requires_grad=True)
    weights = None if kept is None else torch.tensor(_weights(kept, x))
    labels = torch.tensor(z, requires_grad=True)
    loss = binary_cross_entropy_with_logits(logits, labels, weights, reduction="none")
    loss.sum().backward()
    return loss.detach().numpy(), logits.grad.numpy(), labels.grad.numpy()


def _optax(x: Single, z: Single, kept: Any) -> Found:
    import optax

    return _by_jax(optax.sigmoid_binary_cross_entropy, x, z, kept)


def _keras(x: Single, z: Single, kept: Any) -> Found:
    os.environ["KERAS_BACKEND"] = "jax"
    from keras import ops

    def loss(logits: Any, labels: Any) -> Any:
        return ops.binary_crossentropy(labels, logits, from_logits=True)

    return _by_jax(loss, x, z, kept)


def _by_jax(function: Callable[..., Any], x: Single, z: Single, kept: Any) -> Found:
    import jax

    weights = _weights(kept, x)
    loss, pull = jax.vjp(lambda logits, labels: weights * function(logits, labels), x, z)
    return loss, *pull(jax.numpy.ones_like(loss))


def _sklearn(x: Single, z: Single, kept: Any) -> Found:
    from sklearn._loss.loss import HalfBinomialLoss

    return *HalfBinomialLoss().loss_gradient(z, x, _weights(kept, x)), None


def _tensorflow(x: Single, z: Single, kept: Any) -> Found:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    logits, labels = tf.Variable(x), tf.Variable(z)
    with tf.GradientTape() as tape:
        loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        loss = loss * _weights(kept, x)
    slope, in_labels = tape.gradient(loss, [logits, labels])
    return loss.numpy(), slope.numpy(), in_labels.numpy()


def _paddle(x: Single, z: Single, kept: Any) -> Found:
    import paddle
    from paddle import _C_ops  # the Python function of Paddle 2 is gone, its kernel is not

    logits = paddle.to_tensor(x, stop_gradient=False)
    labels = paddle.to_tensor(z if kept is None else np.where(kept, z, np.float32(-100)))
    pos_weight, normalize, ignored = None, False, -100
    loss = _C_ops.sigmoid_cross_entropy_with_logits(logits, labels, pos_weight, normalize, ignored)
    loss.sum().backward()
    return loss.detach().numpy(), logits.grad.numpy(), None


PEERS = (
    Peer("textbook in NumPy", ("numpy",), ("numpy",), _textbook),
    Peer("PyTorch", ("torch",), ("torch",), _torch),
    Peer("optax", ("optax", "jax"), ("optax",), _optax),
    Peer("Keras (JAX)", ("keras", "jax"), ("keras",), _keras),
    Peer("scikit-learn", ("sklearn",), ("scikit-learn",), _sklearn),
    Peer("TensorFlow", ("tensorflow",), ("tensorflow", "tensorflow-cpu"), _tensorflow),
    Peer("Paddle", ("paddle",), ("paddlepaddle", "paddlepaddle-gpu"), _paddle),
)
