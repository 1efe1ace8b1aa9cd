"""PyTorch: the closed-form derivatives as a rule of autograd."""

from dataclasses import dataclass
from typing import Any

import array_api_compat.torch as xp
import torch

from .._typing import Array, DType
from .derivatives import Differentiable, has_rule
from .direct import Backend, Program


class TorchBackend(Backend):
    """Eager programs under a rule of autograd; plain ones where ``torch.compile`` sees them."""

    def __init__(self) -> None:
        super().__init__(xp)

    def accumulator(self, like: Array) -> DType | None:
        """Return float64, which every device has but Apple's."""
        return None if like.device.type == "mps" else torch.float64

    def run(self, program: Program, operands: tuple[Array, ...], count: int) -> tuple[Array, ...]:
        """Run the program, by the rule where autograd will want derivatives."""
        return _run(program, operands)


def _run(program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
    # The compiler fuses the plain program with its neighbours, derivatives included.
    if torch.compiler.is_compiling() or not torch.is_grad_enabled():
        return program(xp, *operands)
    varied = [operand.requires_grad for operand in operands]
    if not any(varied) or not has_rule(program, varied):
        return program(xp, *operands)
    results: tuple[Array, ...] = ClosedForm.apply(Leaf(program), *operands)
    return results


@dataclass(frozen=True, eq=False)
class Leaf:
    """Holds a program: torch's transformations would take a named tuple apart."""

    program: Differentiable


class ClosedForm(torch.autograd.Function):  # type: ignore[misc]  # Any where torch is missing
    """A program with its closed-form derivatives, which saves its operands and nothing else.

    The backward pass runs programs of the same kind, again by the rule where a second derivative
    will be wanted. Nothing works in place, so that `vmap` can take it from here.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(leaf: Leaf, *operands: Array) -> tuple[Array, ...]:
        """Return the results of the program."""
        return leaf.program(xp, *operands)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Array, ...]) -> None:
        """Save the operands."""
        leaf, *operands = inputs
        ctx.program = leaf.program
        ctx.dtypes = [value.dtype for value in output]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*operands)
        ctx.save_for_forward(*operands)

    @staticmethod
    def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:
        """Return the cotangents of the operands that have one."""
        operands = ctx.saved_tensors
        found: list[Array | None] = [None]
        for place, operand in enumerate(operands):
            parts = [
                _product(ctx.program, output, place, operands, cotangent)
                for output, cotangent in enumerate(cotangents)
                if cotangent is not None and ctx.needs_input_grad[place + 1]
            ]
            summed = sum(parts[1:], parts[0]) if parts else None
            found.append(None if summed is None else _like(summed, operand))
        return tuple(found)

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Array | None) -> tuple[Array, ...]:
        """Return the tangents of the results."""
        operands = ctx.saved_tensors
        found = []
        for output, dtype in enumerate(ctx.dtypes):
            parts = [
                _product(ctx.program, output, place, operands, tangent)
                for place, tangent in enumerate(tangents)
                if tangent is not None
            ]
            found.append(sum(parts[1:], parts[0]).to(dtype))
        return tuple(found)


def _product(
    program: Differentiable, output: int, place: int, operands: tuple[Array, ...], factor: Array
) -> Array:
    """Return the derivative of an output with respect to the operand at `place`, times `factor`."""
    (derivative,) = _run(program.derivative(output, program.operands[place]), operands)
    return derivative * factor.to(derivative.dtype)


def _like(cotangent: Array, operand: Array) -> Array:
    """Return a cotangent in the shape and dtype of an operand that was broadcast and cast."""
    return cotangent.sum_to_size(operand.shape).to(operand.dtype)
