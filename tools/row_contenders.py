"""The calls of the softmax families that `bench_softmax.py` compares: ours and those of others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from contenders import OURS, Call

from xent_api import execution, softmax_xent, sparse_softmax_xent


@dataclass(frozen=True)
class RowWorkload:
    """What is computed: an operation on rows of random logits."""

    operation: str
    """``loss`` is that of each row, ``training`` the mean with its gradient."""
    labels: str
    """``sparse`` for class indices, ``dense`` for a probability of each class."""
    dtype: str
    classes: int
    size: int
    """Logits, of all rows together."""
    threads: int

    def arrays(self) -> dict[str, Any]:
        """Return the same random arrays for every library."""
        random = np.random.default_rng(0)
        rows = self.size // self.classes
        numbers = random.integers(0, self.classes, rows)
        found = {"x": random.normal(0.0, 3.0, (rows, self.classes)).astype(self.dtype)}
        if self.labels == "dense":
            weights = random.random((rows, self.classes))
            dense = weights / weights.sum(axis=1, keepdims=True)
            return found | {"z": dense.astype(self.dtype)}
        return found | {"z": numbers}

    @property
    def module(self) -> Any:
        """Our family."""
        return sparse_softmax_xent if self.labels == "sparse" else softmax_xent


def numpy_calls(work: RowWorkload) -> dict[str, Call]:
    """SciPy's log_softmax with the textbook gradient, and scikit-learn."""
    from scipy.special import log_softmax

    arrays = work.arrays()
    x, z = arrays["x"], arrays["z"]
    rows = np.arange(len(x))
    training = work.operation == "training"

    def ours() -> Any:
        with execution(workers=work.threads):
            if training:
                return work.module.loss_and_gradient(labels=z, logits=x, reduction="mean")
            return work.module.loss(labels=z, logits=x)

    def textbook() -> Any:
        logs = log_softmax(x, axis=-1)
        loss = -logs[rows, z] if work.labels == "sparse" else -(z * logs).sum(axis=-1)
        if not training:
            return loss
        slope = np.exp(logs)
        if work.labels == "sparse":
            slope[rows, z] -= 1
        else:
            slope -= z
        slope /= len(x)
        return loss.mean(), slope

    found = {f"{OURS} NumPy": ours, "SciPy": textbook}
    if work.labels == "sparse":
        found |= _scikit_learn(work, x, z)
    return found


def _scikit_learn(work: RowWorkload, x: Any, z: Any) -> dict[str, Call]:
    from sklearn._loss import HalfMultinomialLoss

    if work.classes > 1000:
        return {}  # it knows two to some hundreds
    peer = HalfMultinomialLoss(n_classes=work.classes)
    given = {"y_true": z.astype(work.dtype), "raw_prediction": x, "n_threads": work.threads}
    name = "loss_gradient" if work.operation == "training" else "loss"
    return {"scikit-learn": lambda: getattr(peer, name)(**given)}


def torch_calls(work: RowWorkload) -> dict[str, Call]:
    """PyTorch's own loss and ours, eager."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_num_threads(work.threads)
    x, z = (torch.from_numpy(array) for array in work.arrays().values())
    reduction = "mean" if work.operation == "training" else "none"

    def called(function: Callable[[Any], Any]) -> Call:
        if work.operation != "training":
            return lambda: function(x)
        leaf = x.clone().requires_grad_()

        def step() -> Any:
            leaf.grad = None
            function(leaf).backward()
            return leaf.grad

        return step

    return {
        f"{OURS} PyTorch": called(
            lambda v: work.module.loss(labels=z, logits=v, reduction=reduction)
        ),
        "PyTorch": called(lambda v: cross_entropy(v, z, reduction=reduction)),
    }


def jax_calls(work: RowWorkload) -> dict[str, Call]:
    """Optax and ours, both compiled."""
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", val=work.dtype == "float64")
    x, z = (jnp.asarray(array) for array in work.arrays().values())
    sparse = work.labels == "sparse"
    name = f"softmax_cross_entropy{'_with_integer_labels' if sparse else ''}"
    training = work.operation == "training"
    reduction: Any = "mean" if training else "none"

    def peer(x: Any, z: Any) -> Any:
        value = getattr(optax, name)(x, z)
        return value.mean() if training else value

    def ours(x: Any, z: Any) -> Any:
        return work.module.loss(labels=z, logits=x, reduction=reduction)

    def called(function: Callable[..., Any]) -> Call:
        made = jax.jit(jax.value_and_grad(function) if training else function)
        return lambda: jax.block_until_ready(made(x, z))

    return {f"{OURS} JAX": called(ours), "optax": called(peer)}


LIBRARIES = {"numpy": numpy_calls, "torch": torch_calls, "jax": jax_calls}
PEERS = {"NumPy": ("SciPy", "scikit-learn"), "PyTorch": ("PyTorch",), "JAX": ("optax",)}
"""What each of our calls is compared with."""
