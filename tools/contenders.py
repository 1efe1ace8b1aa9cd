"""The calls that `bench.py` compares: ours and those that users would write instead.

Each library has a function from a workload to its calls, by name. All of a library's calls get the
same arrays; a call that needs a result on the host waits for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xent_api import execution, sigmoid_xent

Call = Callable[[], Any]
OURS = "xent_api"


@dataclass(frozen=True)
class Workload:
    """What is computed: an operation on arrays of some size."""

    operation: str
    """``loss`` and ``loss_and_gradient`` are elementwise, ``mean`` is a number, and ``training`` is
    the mean with its gradient: by backward where a library has that."""
    variant: str
    """``plain``, ``masked`` (0.7 of the positions are kept) or ``weighted``."""
    dtype: str
    size: int
    threads: int

    def arrays(self) -> dict[str, Any]:
        """Return the same random arrays for every library."""
        random = np.random.default_rng(0)
        found = {
            "x": random.normal(0.0, 3.0, self.size).astype(self.dtype),
            "z": (random.random(self.size) < 0.5).astype(self.dtype),
        }
        if self.variant == "masked":
            found["mask"] = random.random(self.size) < 0.7
        if self.variant == "weighted":
            found["weights"] = random.random(self.size).astype(self.dtype)
        return found

    def ours(self, arrays: dict[str, Any]) -> Call:
        """Return our call on the arrays of a library."""
        given = {"logits": arrays["x"], "labels": arrays["z"]}
        given |= {name: arrays[name] for name in ("mask", "weights") if name in arrays}
        if self.operation in ("mean", "training"):
            given["reduction"] = "mean"
        name = "loss" if self.operation in ("loss", "mean") else "loss_and_gradient"
        return lambda: getattr(sigmoid_xent, name)(**given)


def numpy_calls(work: Workload) -> dict[str, Call]:
    """NumPy's textbook expression, scikit-learn and numexpr."""
    arrays = work.arrays()
    x, z = arrays["x"], arrays["z"]
    mask, w = arrays.get("mask"), arrays.get("weights")

    def ours() -> Any:
        with execution(workers=work.threads):
            return call()

    def loss() -> Any:
        value = np.maximum(x, 0) - x * z + np.log1p(np.exp(-np.abs(x)))
        if mask is not None:
            return np.where(mask, value, 0)
        return value if w is None else value * w

    def textbook() -> Any:
        value = loss()
        if work.operation in ("mean", "training"):
            value = value.sum() / (x.size if mask is None else mask.sum())
        if work.operation in ("loss", "mean"):
            return value
        slope = 1 / (1 + np.exp(-x)) - z
        if mask is not None:
            slope = np.where(mask, slope, 0)
        slope = slope if w is None else slope * w
        return value, slope / x.size if work.operation == "training" else slope

    call = work.ours(arrays)
    found = {f"{OURS} NumPy": ours if work.threads > 1 else call, "NumPy textbook": textbook}
    if mask is None and work.operation != "mean":
        found |= _scikit_learn(work, arrays)
    if work.operation == "loss" and work.variant == "plain":
        found |= _numexpr(work, arrays)
    return found


def _scikit_learn(work: Workload, arrays: dict[str, Any]) -> dict[str, Call]:
    from sklearn._loss import HalfBinomialLoss

    peer = HalfBinomialLoss()
    name = "loss" if work.operation == "loss" else "loss_gradient"
    given = {
        "y_true": arrays["z"],
        "raw_prediction": arrays["x"],
        "sample_weight": arrays.get("weights"),
        "n_threads": work.threads,
    }
    return {"scikit-learn": lambda: getattr(peer, name)(**given)}


def _numexpr(work: Workload, arrays: dict[str, Any]) -> dict[str, Call]:
    import numexpr

    numexpr.set_num_threads(work.threads)
    text = "where(x > 0, x, 0) - x*z + log1p(exp(-abs(x)))"
    return {"numexpr": lambda: numexpr.evaluate(text, local_dict=arrays)}


def torch_calls(work: Workload) -> dict[str, Call]:
    """PyTorch's own loss and ours, eager and compiled."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    torch.set_num_threads(work.threads)
    arrays = {name: torch.from_numpy(array) for name, array in work.arrays().items()}
    x, z = arrays["x"], arrays["z"]
    mask, w = arrays.get("mask"), arrays.get("weights")
    mean = work.operation in ("mean", "training")

    def peer(x: Any, z: Any) -> Any:
        if mask is None:
            reduction = "mean" if mean else "none"
            return binary_cross_entropy_with_logits(x, z, w, reduction=reduction)
        value = binary_cross_entropy_with_logits(x, z, reduction="none")
        value = torch.where(mask, value, 0)
        return value.sum() / mask.sum() if mean else value

    def ours(x: Any, z: Any) -> Any:
        given = {name: arrays[name] for name in ("mask", "weights") if name in arrays}
        return sigmoid_xent.loss(labels=z, logits=x, **given, reduction="mean" if mean else "none")

    def called(function: Callable[[Any, Any], Any]) -> Call:
        if work.operation != "training":
            return lambda: function(x, z)
        leaf = x.clone().requires_grad_()

        def step() -> Any:
            leaf.grad = None
            function(leaf, z).backward()
            return leaf.grad

        return step

    if work.operation == "loss_and_gradient":
        return {f"{OURS} PyTorch": work.ours(arrays)}
    found = {f"{OURS} PyTorch": called(ours), "PyTorch": called(peer)}
    if work.variant == "plain" and work.dtype == "float32" and work.operation != "mean":
        torch.compiler.reset()  # else this is one more recompilation of the same function
        found[f"{OURS} PyTorch compiled"] = called(torch.compile(ours))
        found["PyTorch compiled"] = called(torch.compile(peer))
    return found


def jax_calls(work: Workload) -> dict[str, Call]:
    """Optax and ours, both compiled."""
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", val=True)  # else there is no float64
    arrays = {name: jnp.asarray(array) for name, array in work.arrays().items()}
    mean = work.operation in ("mean", "training")

    def peer(x: Any, given: dict[str, Any]) -> Any:
        value = optax.sigmoid_binary_cross_entropy(x, given["z"])
        if "mask" in given:
            value = jnp.where(given["mask"], value, 0)
            return value.sum() / given["mask"].sum() if mean else value
        value = value * given["weights"] if "weights" in given else value
        return value.mean() if mean else value

    def ours(x: Any, given: dict[str, Any]) -> Any:
        options = {name: given[name] for name in ("mask", "weights") if name in given}
        reduction: Any = "mean" if mean else "none"
        return sigmoid_xent.loss(labels=given["z"], logits=x, **options, reduction=reduction)

    def called(function: Callable[..., Any]) -> Call:
        made = jax.jit(jax.value_and_grad(function) if work.operation == "training" else function)
        x = arrays["x"]
        return lambda: jax.block_until_ready(made(x, arrays))

    if work.operation == "loss_and_gradient":
        return {}
    return {f"{OURS} JAX": called(ours), "optax": called(peer)}


LIBRARIES = {"numpy": numpy_calls, "torch": torch_calls, "jax": jax_calls}
