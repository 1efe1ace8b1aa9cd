"""Print what losses give at special points: this package's and those of the peers installed here.

Rows of the table in the README come from this script: run it in an environment with the peers that
are to be shown (TensorFlow and Paddle want one each).
"""

import math
from collections.abc import Callable
from importlib.metadata import version

import numpy as np

INF, NAN = math.inf, math.nan
POINTS = [(-20.0, 0.0), (20.0, 1.0), (INF, 1.0), (-INF, 0.0), (NAN, 0.0)]
"""Logit and label; the last one stands under a mask."""
Peer = Callable[[float, float], tuple[float, float]]


def ours(x: float, z: float) -> tuple[float, float]:
    """Return this package's loss and gradient on NumPy, masked where the logit is NaN."""
    from xent_api import sigmoid_xent

    loss, slope = sigmoid_xent.loss_and_gradient(
        labels=np.float32(z), logits=np.float32(x), mask=np.asarray(not math.isnan(x))
    )
    return float(loss), float(slope)


def torch(x: float, z: float) -> tuple[float, float]:
    """Return PyTorch's, masked by a weight of 0, as its documents suggest."""
    import torch as t

    logit = t.tensor(x, requires_grad=True)
    weight = t.tensor(0.0 if math.isnan(x) else 1.0)
    loss = t.nn.functional.binary_cross_entropy_with_logits(logit, t.tensor(z), weight)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logit.grad is not None
    return loss.item(), logit.grad.item()


def optax(x: float, z: float) -> tuple[float, float]:
    """Return optax's, masked by a factor of 0."""
    import jax
    import optax as o

    weight = 0.0 if math.isnan(x) else 1.0
    loss, slope = jax.value_and_grad(lambda v: weight * o.sigmoid_binary_cross_entropy(v, z))(x)
    return float(loss), float(slope)


def tensorflow(x: float, z: float) -> tuple[float, float]:
    """Return TensorFlow's, masked by a factor of 0."""
    import tensorflow as tf

    logit = tf.Variable(x)
    with tf.GradientTape() as tape:
        loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.constant(z), logits=logit)
        loss = loss * (0.0 if math.isnan(x) else 1.0)
    return float(loss), float(tape.gradient(loss, logit))


def paddle(x: float, z: float) -> tuple[float, float]:
    """Return Paddle's, with the label that its `ignore_index` ignores where the logit is NaN."""
    import paddle as p
    from paddle import _C_ops

    logit = p.to_tensor([x], dtype="float32", stop_gradient=False)
    label = p.to_tensor([-100.0 if math.isnan(x) else z], dtype="float32")
    loss = _C_ops.sigmoid_cross_entropy_with_logits(logit, label, None, False, -100)
    loss.backward()
    return float(loss), float(logit.grad)


def sklearn(x: float, z: float) -> tuple[float, float]:
    """Return scikit-learn's, masked by a sample weight of 0."""
    from sklearn._loss.loss import HalfBinomialLoss

    weight = np.asarray([0.0 if math.isnan(x) else 1.0])
    loss, slope = HalfBinomialLoss().loss_gradient(np.asarray([z]), np.asarray([x]), weight)
    return float(loss[0]), float(slope[0])


PEERS: dict[str, tuple[str, Peer]] = {
    "xent_api": ("xent-api", ours),
    "PyTorch": ("torch", torch),
    "optax": ("optax", optax),
    "TensorFlow": ("tensorflow", tensorflow),
    "Paddle": ("paddlepaddle", paddle),
    "scikit-learn": ("scikit-learn", sklearn),
}


def main() -> None:
    """Print a row of Markdown for each peer that can be imported."""
    for name, (package, peer) in PEERS.items():
        try:
            shown = f"{name} {version(package)}" if name != "xent_api" else name
            cells = [f"{loss:.4g}, {slope:.4g}" for loss, slope in (peer(*p) for p in POINTS)]
        except (ImportError, ModuleNotFoundError):
            continue
        print(f"| {shown} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
