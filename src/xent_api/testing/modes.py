"""The ways of differentiating that each library has."""

from collections.abc import Callable
from typing import Any, NamedTuple

Slopes = Callable[..., tuple[Any, ...]]
"""From a function whose value is one number, and arrays, to its derivatives by all of them."""
Derive = Callable[[Callable[..., Any]], Callable[..., Any]]
"""From an elementwise function of an array, or of arrays, to its derivative by the first."""


class Mode(NamedTuple):
    """A way of differentiating."""

    name: str
    derive: Derive
    mapped: bool = False
    """Whether it takes a function of single elements, and all operands: to be mapped over them."""
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


def torch_whole(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate the sum by torch.func."""
    import torch

    return torch.func.grad(lambda x: function(x).sum())  # type: ignore[no-any-return]


def torch_forward(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate in forward mode."""
    import torch

    return lambda x: torch.func.jvp(function, (x,), (torch.ones_like(x),))[1]


def torch_mapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Differentiate a function of single elements."""
    import torch

    return torch.func.grad(function)  # type: ignore[no-any-return]


def jax_reverse(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate the sum."""
    import jax

    return jax.grad(lambda x: function(x).sum())  # type: ignore[no-any-return]


def jax_mapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Differentiate a function of single elements."""
    import jax

    return jax.grad(function)  # type: ignore[no-any-return]


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


def mlx_mapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Differentiate a function of single elements."""
    import mlx.core as mx

    found: Callable[..., Any] = mx.grad(function)
    return found


def tensorflow_tape(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate the sum by a tape, so that another one can differentiate the result."""
    import tensorflow as tf

    def slope(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    return slope


def torch_slopes(function: Callable[..., Any], *arrays: Any) -> tuple[Any, ...]:
    """Differentiate by autograd."""
    import torch

    leaves = [array.clone().requires_grad_() for array in arrays]
    return tuple(torch.autograd.grad(function(*leaves), leaves))


def jax_slopes(function: Callable[..., Any], *arrays: Any) -> tuple[Any, ...]:
    """Differentiate in reverse mode."""
    import jax

    return tuple(jax.grad(function, tuple(range(len(arrays))))(*arrays))


def mlx_slopes(function: Callable[..., Any], *arrays: Any) -> tuple[Any, ...]:
    """Differentiate in reverse mode."""
    import mlx.core as mx

    found = mx.grad(function, tuple(range(len(arrays))))(*arrays)
    return tuple(found) if type(found) in (tuple, list) else (found,)


def tensorflow_slopes(function: Callable[..., Any], *arrays: Any) -> tuple[Any, ...]:
    """Differentiate by a tape."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(arrays)
        value = function(*arrays)
    return tuple(tape.gradient(value, arrays))


def paddle_slopes(function: Callable[..., Any], *arrays: Any) -> tuple[Any, ...]:
    """Differentiate by `paddle.grad`."""
    import paddle

    leaves = [array.detach() for array in arrays]
    for leaf in leaves:
        leaf.stop_gradient = False
    return tuple(paddle.grad(function(*leaves), leaves))


def paddle_grad(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Differentiate the sum, so that the result can be differentiated again."""
    import paddle

    def slope(x: Any) -> Any:
        leaf = x if not x.stop_gradient else x.detach()
        leaf.stop_gradient = False
        (found,) = paddle.grad(function(leaf).sum(), leaf, create_graph=True)
        return found

    return slope


MODES: dict[str, tuple[Mode, ...]] = {
    "torch": (
        Mode("autograd", torch_autograd),
        Mode("torch.func.grad", torch_whole),
        Mode("torch.func.vmap(grad)", torch_mapped, mapped=True),
        Mode("torch.func.jvp", torch_forward, plain=True),
        Mode("compiled autograd", torch_whole, compiled=True, plain=True),
    ),
    "jax": (
        Mode("grad", jax_reverse),
        Mode("vmap(grad)", jax_mapped, mapped=True),
        Mode("jvp", jax_forward),
        Mode("grad of checkpoint", jax_checkpoint),
        Mode("jit(grad)", jax_reverse, compiled=True),
    ),
    "mlx": (
        Mode("grad", mlx_reverse, plain=True),
        Mode("vmap(grad)", mlx_mapped, mapped=True, plain=True),
        Mode("compile(grad)", mlx_reverse, compiled=True, plain=True),
    ),
    "tensorflow": (
        Mode("GradientTape", tensorflow_tape, plain=True),
        Mode("tf.function of tapes", tensorflow_tape, compiled=True, plain=True),
    ),
    "paddle": (Mode("paddle.grad", paddle_grad, plain=True),),
}
"""By library."""
