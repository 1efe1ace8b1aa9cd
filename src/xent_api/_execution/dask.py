"""Dask: one layer of the chunks' own way."""

from functools import partial
from typing import Any

import dask.array as da

from .._typing import Array
from .direct import Backend, Program
from .table import find_backend


class DaskBackend(Backend):
    """Each block of the operands is run by the backend that owns the block."""

    def device(self, array: Array) -> None:
        """Chunks are placed by the scheduler."""
        return

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Add the program to the graph as one blockwise layer for each result."""
        results = [self._blockwise(program, operands, i, len(summed)) for i in range(len(summed))]
        return tuple(
            self.total(value) if add else value for value, add in zip(results, summed, strict=True)
        )

    def _blockwise(
        self, program: Program, operands: tuple[Array, ...], index: int, count: int
    ) -> Array:
        # Sizes that nobody knows yet are compared when the blocks are there: without that, a block
        # of one element would silently be repeated beside a longer one.
        repeated = tuple(tuple(size == 1 for size in operand.shape) for operand in operands)
        run = partial(_run_block, program, repeated, index, count)
        pairs: list[Any] = []
        for operand in operands:
            # An axis of an operand is named by its distance from the end, as broadcasting has it.
            pairs += [operand, tuple(reversed(range(operand.ndim)))]
        axes = tuple(reversed(range(max(operand.ndim for operand in operands))))
        meta = run(*(operand._meta for operand in operands))
        return da.blockwise(run, axes, *pairs, meta=meta, align_arrays=True)


def _run_block(
    program: Program,
    repeated: tuple[tuple[bool, ...], ...],
    index: int,
    count: int,
    *blocks: Array,
) -> Array:
    shapes = [tuple(block.shape) for block in blocks]
    if 0 not in shapes[0] and not all(map(_fits, shapes, repeated, (shapes[0],) * len(shapes))):
        names = ", ".join(f"`{name}`" for name in getattr(program, "operands", ()))
        raise ValueError(
            f"{names} must agree in the dimensions that were unknown; got blocks of shapes {shapes}"
        )
    backend = find_backend(blocks[0])
    assert backend is not None
    return backend.evaluate(program, blocks, (False,) * count)[index]


def _fits(shape: tuple[int, ...], repeated: tuple[bool, ...], model: tuple[int, ...]) -> bool:
    sizes = zip(reversed(shape), reversed(repeated), reversed(model), strict=False)
    return all(size == wanted or free for size, free, wanted in sizes)
