"""What each library can do with the loss: tests run it, and the README's table is made of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

Derive = Callable[[Callable[[Any], Any]], Callable[[Any], Any]]
"""From an elementwise function of an array to its elementwise derivative."""


class Mode(NamedTuple):
    """A way of differentiating."""

    name: str
    derive: Derive
    compiled: bool = False
    """Whether the whole is then compiled by the library."""
    plain: bool = False
    """Whether the library differentiates the arithmetic here, and not by the package's rule."""


def torch_autograd(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate by autograd, so that the result can be differentiated again."""
    import torch

    def slope(x: Any) -> Any:
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        (found,) = torch.autograd.grad(function(leaf).sum(), leaf, create_graph=True)
        return found

    return slope


def torch_func(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate each element by itself."""
    import torch

    return torch.func.vmap(torch.func.grad(function))  # type: ignore[no-any-return]


def torch_whole(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate the sum by torch.func."""
    import torch

    return torch.func.grad(lambda x: function(x).sum())  # type: ignore[no-any-return]


def torch_forward(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate in forward mode."""
    import torch

    return lambda x: torch.func.jvp(function, (x,), (torch.ones_like(x),))[1]


def jax_reverse(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate the sum."""
    import jax

    return jax.grad(lambda x: function(x).sum())  # type: ignore[no-any-return]


def jax_single(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate each element by itself."""
    import jax

    return jax.vmap(jax.grad(function))  # type: ignore[no-any-return]


def jax_forward(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate in forward mode."""
    import jax
    import jax.numpy as jnp

    return lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]


def jax_checkpoint(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate the sum, computed again in the backward pass."""
    import jax

    return jax.grad(jax.checkpoint(lambda x: function(x).sum()))  # type: ignore[no-any-return]


def mlx_reverse(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate the sum."""
    import mlx.core as mx

    found: Callable[[Any], Any] = mx.grad(lambda x: function(x).sum())
    return found


MODES: dict[str, tuple[Mode, ...]] = {
    "torch": (
        Mode("autograd", torch_autograd),
        Mode("torch.func.grad", torch_whole),
        Mode("torch.func.vmap(grad)", torch_func),
        Mode("torch.func.jvp", torch_forward, plain=True),
        Mode("compiled autograd", torch_whole, compiled=True, plain=True),
    ),
    "jax": (
        Mode("grad", jax_reverse),
        Mode("vmap(grad)", jax_single),
        Mode("jvp", jax_forward),
        Mode("grad of checkpoint", jax_checkpoint),
        Mode("jit(grad)", jax_reverse, compiled=True),
    ),
    "mlx": (
        Mode("grad", mlx_reverse, plain=True),
        Mode("compile(grad)", mlx_reverse, compiled=True, plain=True),
    ),
}
