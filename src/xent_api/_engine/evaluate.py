"""A program on arrays by name, whose classes may be those of one device of several."""

from .._backends.base import Backend
from .._math.program import Differentiable
from .._math.shard import ShardProgram
from .._shard import ClassShard
from .._typing import Array


def evaluate(
    backend: Backend,
    program: Differentiable,
    arrays: dict[str, Array],
    summed: tuple[bool, ...],
    shard: ClassShard | None,
) -> tuple[Array, ...]:
    """Return the outputs, by the backend's ways of evaluating any program."""
    names = program.operands
    if "classes" in names:
        arrays = arrays | {"classes": backend.class_numbers(_classes(arrays), arrays["labels"])}
    operands = tuple([arrays[name] for name in names])
    if shard is None:
        return backend.evaluate(program, operands, summed)
    part = ShardProgram(program, shard, _classes(arrays))
    if not isinstance(shard.first, int):
        operands = (*operands, backend.ops.cast(shard.first, backend.integral(shard.first)))
    return backend.totals(backend.run_part(part, operands), summed)


def _classes(arrays: dict[str, Array]) -> int:
    """Return the number of the local classes."""
    size: int = arrays["logits" if "logits" in arrays else "class_weights"].shape[-1]
    return size
