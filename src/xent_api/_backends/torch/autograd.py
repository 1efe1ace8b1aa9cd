"""The closed-form derivatives as a rule of PyTorch's autograd."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from ..._math.program import Differentiable
from ..._typing import Array, Program
from ..derivatives import has_closed_form
from . import eager
from .ops import FINAL_OPS, OPS

Evaluate = Callable[[Differentiable, tuple[Array, ...]], Array]


@dataclass(frozen=True, eq=False)
class OpaqueCall:
    """What the rule runs: no named tuple, which torch's transformations would take apart."""

    program: Differentiable
    final: bool
    """Whether nobody but this rule differentiates."""


class ClosedForm(torch.autograd.Function):  # type: ignore[misc]  # Any where torch is missing
    """A program with its closed-form derivatives, which saves its operands and nothing else.

    The backward pass runs programs of the same kind, again by the rule where a second derivative
    will be wanted. Nothing works in place, so that `vmap` can take it from here.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(call: OpaqueCall, *operands: Array) -> tuple[Array, ...]:
        """Return the results of the program."""
        return call.program.results(FINAL_OPS if call.final else OPS, *operands)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _: tuple[Array, ...]) -> None:
        """Save the operands."""
        ctx.call, *operands = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*operands)
        # There is no forward mode, but under `vmap` torch asks for this before it finds out.
        ctx.save_for_forward(*operands)

    @staticmethod
    def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:
        """Return the cotangents; autograd adds up those of operands that were broadcast."""
        call, wanted = ctx.call, ctx.needs_input_grad[1:]
        evaluate = partial(_lines, final=call.final)
        return (None, *products(call.program, ctx.saved_tensors, cotangents, wanted, evaluate))


# `Function.apply` looks up and binds the signature of `forward` at each call: that takes as long as
# ten operations. What it does for transformations, no plain tensor needs.
_fast_apply = super(torch.autograd.Function, ClosedForm).apply


def by_rule(
    program: Program, operands: tuple[Array, ...], *, final: bool = False
) -> tuple[Array, ...]:
    """Run the program by the rule, if it has one for these operands."""
    if has_closed_form(program, [operand.dtype.is_floating_point for operand in operands]):
        apply = _fast_apply if eager.are_plain(operands) else ClosedForm.apply
        try:
            results: tuple[Array, ...] = apply(OpaqueCall(program, final), *operands)
        except NotImplementedError:
            # The rule has no forward mode: within one, torch drops the tangents of an outer one
            # without an error (pytorch#197867). The plain program has all of them.
            pass
        else:
            return results
    return program.results(OPS, *operands)


def products(
    program: Differentiable,
    operands: tuple[Array, ...],
    cotangents: tuple[Array | None, ...],
    wanted: tuple[bool, ...],
    evaluate: Evaluate,
) -> list[Array | None]:
    """Return the cotangents of those operands that want them, from those of the results.

    `evaluate` computes a derivative of which there will be no further one.
    """
    found: list[Array | None] = []
    for name, want in zip(program.operands, wanted, strict=True):
        parts = [
            _pulled(program.derivative(output, name), program, operands, cotangent, evaluate)
            for output, cotangent in enumerate(cotangents)
            if cotangent is not None and want
        ]
        found.append(sum(parts[1:], parts[0]) if parts else None)
    return found


def _lines(program: Differentiable, operands: tuple[Array, ...], *, final: bool) -> Array:
    return program.results(FINAL_OPS if final else OPS, *operands)[0]


def _pulled(
    derivative: Differentiable,
    program: Differentiable,
    operands: tuple[Array, ...],
    factor: Array,
    evaluate: Evaluate,
) -> Array:
    """Return the cotangent of an operand from that of a result of the program."""
    if torch.is_grad_enabled():  # also of the derivative there will be one
        (slope,) = by_rule(derivative, operands)
    else:
        slope = evaluate(derivative, operands)
    return program.pulled(OPS, slope, OPS.astype(factor, slope.dtype), operands)
