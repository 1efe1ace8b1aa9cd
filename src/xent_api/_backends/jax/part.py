"""Rows of which other devices have classes, too, with a rule of reverse mode.

JAX makes reverse mode from a rule of forward mode by transposing it. With ``check_vma=False`` a sum
over n devices is its own transpose, so that the gradient would be n times that of the one loss.
"""

from collections.abc import Callable
from typing import Any

import jax

from ..._math.shard import ShardProgram
from ..._typing import Array, Namespace
from ..derivatives import no_derivative

Run = Callable[[ShardProgram, tuple[Array, ...]], tuple[Array, ...]]


def by_rule(
    program: ShardProgram, operands: tuple[Array, ...], run: Run, ops: Namespace
) -> tuple[Array, ...]:
    """Run the program with its first derivatives in closed form.

    The derivative with respect to the logits is computed beside the result, so that for a loss the
    backward pass sends nothing for it. JAX does not tell which others are wanted, because
    ``symbolic_zeros`` are not implemented in an eager `shard_map`. Under ``jax.jit`` unwanted ones
    cost nothing.
    """
    floating = [
        name
        for name, value in zip(program.operands, operands, strict=True)
        if ops.isdtype(value.dtype, "real floating")
    ]
    if not program.has_derivatives(floating):
        return _constant(program, operands, run)

    def forward(*operands: Array) -> tuple[tuple[Array, ...], Any]:
        if "logits" not in floating:
            return _constant(program, operands, run), (operands, None)
        *results, slope = _constant(program.with_slope(), operands, run)
        return tuple(results), (operands, slope)

    def backward(saved: Any, cotangents: tuple[Array, ...]) -> tuple[Array | None, ...]:
        operands, slope = saved
        found: dict[str, Array] = {}
        for name, value in zip(program.operands, operands, strict=True):
            if name in floating:
                derivative = slope
                if name != "logits":
                    (derivative,) = _constant(program.derivative(0, name), operands, run)
                factor = cotangents[0].astype(derivative.dtype)
                product = program.pulled(ops, derivative, factor, operands)
                found[name] = _added_up(value, product)
        return tuple([found.get(name) for name in program.operands])

    function = jax.custom_vjp(lambda *operands: run(program, operands))
    function.defvjp(forward, backward)
    results: tuple[Array, ...] = function(*operands)
    return results


def _constant(program: ShardProgram, operands: tuple[Array, ...], run: Run) -> tuple[Array, ...]:
    """Run a program that must not be differentiated."""

    def call(*operands: Array) -> tuple[Array, ...]:
        return run(program, operands)

    def backward(*_: Any) -> Any:
        raise no_derivative(program.outputs)

    function = jax.custom_vjp(call)
    function.defvjp(lambda *operands: (call(*operands), None), backward)
    results: tuple[Array, ...] = function(*operands)
    return results


def _added_up(value: Array, product: Array) -> Array:
    """Return the cotangent of an operand from one that has a part for each class and row.

    It is the derivative of a sum of products with an array like the operand, in which JAX itself
    adds up what belongs to one that was broadcast, over axes of the array and of the mesh.
    """
    ones = jax.numpy.where(value == value, 1.0, 1.0).astype(value.dtype)  # that vary as it does
    return jax.grad(lambda ones: (ones.astype(product.dtype) * product).sum())(ones)
