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

    def run(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Run the program, by the rule where autograd will want derivatives."""
        return _run(program, operands)


def _run(program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
    # What is compiled or traced is the plain program: the compiler fuses it with its neighbours,
    # derivatives included, and a Python rule cannot be exported.
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or not torch.is_grad_enabled():
        return program(xp, *operands)
    floating = [operand.dtype.is_floating_point for operand in operands]
    wanted = any(operand.requires_grad for operand in operands)
    if not wanted or not has_rule(program, floating):
        return program(xp, *operands)
    try:
        results: tuple[Array, ...] = ClosedForm.apply(Leaf(program), *operands)
    except NotImplementedError:
        # The rule has no forward mode: within one, torch drops the tangents of an outer one without
        # an error (pytorch#197867). The plain program has all of them.
        return program(xp, *operands)
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
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _: tuple[Array, ...]) -> None:
        """Save the operands."""
        leaf, *operands = inputs
        ctx.program = leaf.program
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*operands)
        # There is no forward mode, but under `vmap` torch asks for this before it finds out.
        ctx.save_for_forward(*operands)

    @staticmethod
    def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:
        """Return the cotangents; autograd adds up those of operands that were broadcast."""
        operands = ctx.saved_tensors
        found: list[Array | None] = [None]
        for place in range(len(operands)):
            parts = [
                _product(ctx.program, output, place, operands, cotangent)
                for output, cotangent in enumerate(cotangents)
                if cotangent is not None and ctx.needs_input_grad[place + 1]
            ]
            found.append(sum(parts[1:], parts[0]) if parts else None)
        return tuple(found)


def _product(
    program: Differentiable, output: int, place: int, operands: tuple[Array, ...], factor: Array
) -> Array:
    """Return the derivative of an output with respect to the operand at `place`, times `factor`."""
    (derivative,) = _run(program.derivative(output, program.operands[place]), operands)
    return derivative * program.masked(xp, factor.to(derivative.dtype), *operands)
