"""The closed-form derivatives as a rule of PyTorch's autograd."""

from dataclasses import dataclass
from typing import Any

import torch

from ..._math.program import LossProgram
from ..._typing import Array, Program
from ..derivatives import ProductProgram, has_closed_form, product
from . import eager
from .ops import FINAL_OPS, OPS


@dataclass(frozen=True, eq=False)
class OpaqueCall:
    """What the rule runs: no named tuple, which torch's transformations would take apart."""

    program: LossProgram
    summed: tuple[bool, ...] | None = None
    """Which results are added up; None where what runs the program sees to that."""
    gradient_in_forward: bool = False
    """Whether the gradient is computed beside the loss, as its last result."""
    final: bool = False
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
        program, summed = call.program, call.summed
        if summed is None:
            return program.results(FINAL_OPS if call.final else OPS, *operands)
        if call.gradient_in_forward:
            program, summed = program.with_gradient(), (*summed, False)
        return eager.evaluate(program, operands, summed)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], results: tuple[Array, ...]) -> None:
        """Save the operands, and the gradient if it is there.

        An exponential of each class is then computed once, and not again for the gradient. Of rows
        PyTorch's own losses save as much, of half precision half of it. What hooks of saved tensors
        keep of it is written over by the last backward pass.
        """
        ctx.call, *operands = inputs
        ctx.set_materialize_grads(False)
        if ctx.call.gradient_in_forward:
            ctx.mark_non_differentiable(results[-1])
            operands.append(results[-1])
        ctx.save_for_backward(*operands)
        # There is no forward mode, but under `vmap` torch asks for this before it finds out.
        ctx.save_for_forward(*operands)

    @staticmethod
    def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:
        """Return the cotangents; autograd adds up those of operands that were broadcast."""
        program, wanted = ctx.call.program, ctx.needs_input_grad[1:]
        cotangents, saved = cotangents[: len(program.outputs)], ctx.saved_tensors
        operands, factor = saved[: len(wanted)], cotangents[0]
        if ctx.call.gradient_in_forward and factor is not None and _is_last(factor):
            found = _scaled(program, saved[-1], factor, operands)
            return (None, *(found if want else None for want in wanted))
        return (None, *_cotangents(ctx.call, operands, cotangents, wanted))


# `Function.apply` looks up and binds the signature of `forward` at each call: that takes as long as
# ten operations. What it does for transformations, no plain tensor needs.
_fast_apply = super(torch.autograd.Function, ClosedForm).apply


def by_rule(
    program: Program,
    operands: tuple[Array, ...],
    summed: tuple[bool, ...] | None = None,
    *,
    final: bool = False,
) -> tuple[Array, ...]:
    """Run the program by the rule, if it has one for these operands."""
    if has_closed_form(program, [operand.dtype.is_floating_point for operand in operands]):
        early = summed is not None and _gradient_in_forward(program, operands)
        apply = _fast_apply if eager.are_plain(operands) else ClosedForm.apply
        try:
            results: tuple[Array, ...] = apply(OpaqueCall(program, summed, early, final), *operands)
        except NotImplementedError:
            # The rule has no forward mode: within one, torch drops the tangents of an outer one
            # without an error (pytorch#197867). The plain program has all of them.
            pass
        else:
            return results[: len(program.outputs)]
    results = program.results(OPS, *operands)
    return results if summed is None else eager.EXECUTOR.totals(results, summed)


def _gradient_in_forward(program: LossProgram, operands: tuple[Array, ...]) -> bool:
    """Tell whether large rows want the gradient of the logits, and nothing else."""
    wanted = [n for n, v in zip(program.operands, operands, strict=True) if v.requires_grad]
    one_loss = program.rowwise and program.outputs == ("loss",)
    return one_loss and wanted == ["logits"] and eager.is_large(operands)


def _is_last(factor: Array) -> bool:
    """Tell whether nobody differentiates or watches this backward pass."""
    return not torch.is_grad_enabled() and eager.are_plain((factor,))


def _scaled(
    program: LossProgram, gradient: Array, factor: Array, operands: tuple[Array, ...]
) -> Array:
    """Return the gradient of the forward pass times the cotangent."""
    factor = program.masked(OPS, factor.to(gradient.dtype), *operands)
    # Without `retain_graph` nobody else will read the gradient.
    keep = torch._C._autograd._get_current_graph_task_keep_graph()
    return torch.mul(gradient, factor, out=None if keep else gradient)


def _cotangents(
    call: OpaqueCall,
    operands: tuple[Array, ...],
    cotangents: tuple[Array | None, ...],
    wanted: tuple[bool, ...],
) -> tuple[Array | None, ...]:
    """Return the cotangents of those operands that want them, from those of the results."""
    found: list[Array | None] = []
    for name, want in zip(call.program.operands, wanted, strict=True):
        parts = [
            _product(call.program.derivative(output, name), operands, cotangent, final=call.final)
            for output, cotangent in enumerate(cotangents)
            if cotangent is not None and want
        ]
        found.append(sum(parts[1:], parts[0]) if parts else None)
    return tuple(found)


def _product(
    program: LossProgram, operands: tuple[Array, ...], factor: Array, *, final: bool
) -> Array:
    """Return a derivative times `factor`."""
    if final:
        (derivative,) = program.results(FINAL_OPS, *operands)
    elif torch.is_grad_enabled():  # also of the gradient there will be a derivative
        (derivative,) = by_rule(program, operands)
    else:
        return eager.evaluate(ProductProgram(program), (factor, *operands), (False,))[0]
    return product(OPS, program, derivative, factor, operands)
