"""One loss whose vocabulary lies on four devices, with its gradient."""

import os

# Four devices of one processor stand in for four machines. Leave this line out where you have more.
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import xent_api as xa

VOCABULARY = 64
mesh = jax.make_mesh((4,), ("vocabulary",), (AxisType.Auto,))
split = P(None, "vocabulary")


def part(logits: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the loss, and its gradient by the logits of this device."""
    shard = xa.ClassShard(
        first=jax.lax.axis_index("vocabulary") * logits.shape[-1],
        size=VOCABULARY,
        max=lambda value: jax.lax.pmax(value, "vocabulary"),
        sum=lambda value: jax.lax.psum(value, "vocabulary"),
    )

    def mean(logits: jax.Array) -> jax.Array:
        return xa.sparse_softmax_xent.loss(
            labels=labels, logits=logits, label_smoothing=0.1, reduction="mean", shard=shard
        )

    return jax.value_and_grad(mean)(logits)


logits = jax.random.normal(jax.random.key(0), (8, VOCABULARY))
labels = jnp.arange(8) * 7  # numbers among all classes, the same on every device
loss, gradient = jax.jit(
    jax.shard_map(part, mesh=mesh, in_specs=(split, P()), out_specs=(P(), split))
)(jax.device_put(logits, NamedSharding(mesh, split)), labels)

whole = xa.sparse_softmax_xent.loss_and_gradient(
    labels=labels, logits=logits, label_smoothing=0.1, reduction="mean"
)
np.testing.assert_allclose(loss, whole[0], rtol=1e-6)
np.testing.assert_allclose(gradient, whole[1], rtol=1e-5, atol=1e-8)
print("the loss and its gradient are those of the whole vocabulary")
