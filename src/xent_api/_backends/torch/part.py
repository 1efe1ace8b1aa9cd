"""Rows of which other devices have classes, too, with a rule of autograd."""

from typing import Any

import torch

from ..._math.shard import ShardProgram
from ..._typing import Array
from ..derivatives import no_derivative
from .ops import OPS


class Part(torch.autograd.Function):  # type: ignore[misc]  # Any where torch is missing
    """A program with its first derivatives in closed form, and no derivative of what is sent.

    The forward pass computes them, from what it sends for the results: the backward pass of a loss
    sends nothing, so that its order among other operations of a process group does not matter.
    """

    @staticmethod
    def forward(ctx: Any, program: ShardProgram, *operands: Array) -> tuple[Array, ...]:
        """Return the results of the program."""
        pairs = zip(program.operands, ctx.needs_input_grad[1:], strict=True)
        wanted = [name for name, want in pairs if want]
        ctx.program, ctx.names = program, None
        ctx.set_materialize_grads(False)
        if not wanted or not program.has_derivatives(wanted):
            return program.results(OPS, *operands)
        results, slopes = _with_slopes(program, wanted, operands)
        ctx.names = tuple(slopes)
        ctx.save_for_backward(*operands, *slopes.values())
        return results

    @staticmethod
    def backward(ctx: Any, *cotangents: Array | None) -> tuple[Array | None, ...]:
        """Return the cotangents; autograd adds up those of operands that were broadcast."""
        program, count = ctx.program, len(ctx.needs_input_grad) - 1
        if ctx.names is None:
            raise no_derivative(program.outputs)
        factor = cotangents[0]
        if factor is None:
            return (None,) * (count + 1)
        saved = ctx.saved_tensors
        operands, slopes = saved[:count], dict(zip(ctx.names, saved[count:], strict=True))
        found = {
            name: program.pulled(OPS, slope, factor.to(slope.dtype), operands)
            for name, slope in slopes.items()
        }
        if torch.is_grad_enabled():  # which would take for a constant what is none
            found = {n: Constant.apply(v, factor, *operands) for n, v in found.items()}
        return (None, *[found.get(name) for name in program.operands])


class Constant(torch.autograd.Function):  # type: ignore[misc]
    """A derivative of which there is no further one."""

    @staticmethod
    def forward(_ctx: Any, value: Array, *_operands: Array) -> Array:
        """Return the value."""
        return value.view_as(value)

    @staticmethod
    def backward(_ctx: Any, *_cotangents: Array | None) -> None:
        """Raise the error."""
        raise no_derivative(("gradient",))


def _with_slopes(
    program: ShardProgram, wanted: list[str], operands: tuple[Array, ...]
) -> tuple[tuple[Array, ...], dict[str, Array]]:
    """Return the results, and the derivative with respect to each of the `wanted` operands."""
    slopes: dict[str, Array] = {}
    if "logits" in wanted:
        *results, slopes["logits"] = program.with_slope().results(OPS, *operands)
    else:
        results = list(program.results(OPS, *operands))
    for name in wanted:
        if name != "logits":
            (slopes[name],) = program.derivative(0, name).results(OPS, *operands)
    return tuple(results), slopes
