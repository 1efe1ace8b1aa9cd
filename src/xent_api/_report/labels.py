"""The derivative of the loss in its labels, by each library's own autodiff."""

from collections.abc import Callable
from typing import Any, TypeAlias

from ..testing import Target

Function: TypeAlias = Callable[[Any], Any]


def _torch(total: Function, labels: Any) -> Any:
    import torch

    (found,) = torch.autograd.grad(total(labels.requires_grad_()), labels)
    return found


def _jax(total: Function, labels: Any) -> Any:
    import jax

    return jax.grad(total)(labels)


def _mlx(total: Function, labels: Any) -> Any:
    import mlx.core as mx

    return mx.grad(total)(labels)


RULES = {"torch": _torch, "jax": _jax, "mlx": _mlx}
"""By the part of a target's name that names the library."""


def label_derivative(target: Target, loss: Function, labels: Any) -> list[float] | None:
    """Return the derivative of an elementwise loss in each of its labels.

    None where the library has no autodiff.
    """
    rule = RULES.get(target.library)
    if rule is None:
        return None
    return target.floats(rule(lambda z: target.xp.sum(loss(z)), labels))
