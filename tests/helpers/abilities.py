"""What each library can do with the loss: tests run it, and the docs' table is made of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

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


class Library(NamedTuple):
    """What a library is tested for."""

    title: str
    modes: tuple[Mode, ...] = ()
    """Its ways of differentiating, each once and twice."""
    compiler: str = ""
    """What its modes are compiled by."""
    lazy: str = ""
    """How its arrays are computed later, where they are."""
    devices: str = "CPU"


LIBRARIES = {
    "numpy": Library("NumPy"),
    "torch": Library(
        "PyTorch",
        (
            Mode("autograd", torch_autograd),
            Mode("torch.func.grad", torch_whole),
            Mode("torch.func.vmap(grad)", torch_mapped, mapped=True),
            Mode("torch.func.jvp", torch_forward, plain=True),
            Mode("compiled autograd", torch_whole, compiled=True, plain=True),
        ),
        "torch.compile(fullgraph=True)",
        devices="CPU, CUDA, meta",
    ),
    "jax": Library(
        "JAX",
        (
            Mode("grad", jax_reverse),
            Mode("vmap(grad)", jax_mapped, mapped=True),
            Mode("jvp", jax_forward),
            Mode("grad of checkpoint", jax_checkpoint),
            Mode("jit(grad)", jax_reverse, compiled=True),
        ),
        "jax.jit",
        devices="CPU, CUDA, sharded",
    ),
    "mlx": Library(
        "MLX",
        (
            Mode("grad", mlx_reverse, plain=True),
            Mode("vmap(grad)", mlx_mapped, mapped=True, plain=True),
            Mode("compile(grad)", mlx_reverse, compiled=True, plain=True),
        ),
        "mx.compile",
    ),
    "dask": Library("Dask", lazy="one layer per call"),
    "ndonnx": Library("ndonnx", lazy="exports to ONNX"),
    "array_api_strict": Library("array-api-strict", devices="CPU and its others"),
    "mparray": Library("mparray"),
    "cupy": Library("CuPy", devices="CUDA"),
}


def table() -> str:
    """Return the docs' table, in Markdown."""
    columns = ("", "compiled", "vmap", "autodiff, twice", "lazy", "devices")
    lines = [columns, ("---",) * len(columns), *map(_row, LIBRARIES.values())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(library: Library) -> tuple[str, ...]:
    compiled = any(mode.compiled for mode in library.modes)
    rule = any(not mode.plain for mode in library.modes)
    kind = ("closed form" if rule else "of the formula") if library.modes else ""
    return (
        library.title,
        f"`{library.compiler}`" if compiled else "",
        "yes" if any(mode.mapped for mode in library.modes) else "",
        kind,
        library.lazy,
        library.devices,
    )
