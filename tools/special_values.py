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
    loss.backward()
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
    return loss.item(), logit.grad.item()


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
    "TensorFlow": ("tensorflow-cpu", tensorflow),
    "Paddle": ("paddlepaddle", paddle),
    "scikit-learn": ("scikit-learn", sklearn),
}


def tensorflow_claim() -> str:
    """Return the gradient of TensorFlow's weighted loss at logit 0, label 0, factor 3."""
    import tensorflow as tf

    logit = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        loss = tf.nn.weighted_cross_entropy_with_logits(tf.constant(0.0), logit, 3.0)
    return f"TensorFlow, weighted gradient at 0: {float(tape.gradient(loss, logit))}, exact 0.5"


def paddle_claim() -> str:
    """Return what Paddle ignores besides the label that it was told to."""
    import paddle as p
    from paddle import _C_ops

    def losses(labels: list[float], ignored: int, normalize: bool) -> list[float]:
        logits, given = (p.to_tensor(v, dtype="float32") for v in ([1.0] * len(labels), labels))
        found = _C_ops.sigmoid_cross_entropy_with_logits(logits, given, None, normalize, ignored)
        return list(found.numpy().tolist())

    ignored = losses([0.3, -0.5, 1.0], 0, normalize=False)
    return (
        f"Paddle, labels 0.3, -0.5, 1 with ignore_index 0: {ignored}; "
        f"all ignored, normalized: {losses([-1.0, -1.0], -1, normalize=True)}"
    )


def main() -> None:
    """Print a row of Markdown for each peer that can be imported, and two claims of the README."""
    for name, (package, peer) in PEERS.items():
        try:
            shown = f"{name} {version(package)}" if name != "xent_api" else name
            cells = [f"{loss:.4g}, {slope:.4g}" for loss, slope in (peer(*p) for p in POINTS)]
        except ImportError:
            continue
        print(f"| {shown} | {' | '.join(cells)} |")
    for claim in (tensorflow_claim, paddle_claim):
        try:
            print(claim())
        except ImportError:
            continue


if __name__ == "__main__":
    main()
