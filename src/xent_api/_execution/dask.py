"""Dask: blocks run the chunks' own way, one layer for each result."""

from functools import partial
from typing import Any

import dask.array as da

from .._typing import Array, DType, Namespace
from .direct import Backend, Program
from .table import find_backend


class DaskBackend(Backend):
    """Each block of the operands is run by the backend that owns the block."""

    def adopt(self, array: Array) -> Array:
        """Return the array if its chunks can be worked on."""
        _owner(array._meta).adopt(array._meta)
        return array

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

    def total(self, value: Array) -> Array:
        """Return the sum, whose parts are added up as the chunks' own backend does it."""
        integer = not self.xp.isdtype(value.dtype, "real floating")
        dtype = self.xp.sum(value).dtype if integer else self.accumulator(value)
        return da.reduction(value, chunk=_sum_block, aggregate=_sum_block, dtype=dtype)

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
        blocks = tuple(operand._meta for operand in operands)
        meta = _owner(blocks[0]).evaluate(program, blocks, (False,) * count)[index]
        # Dask cannot cut blocks of unknown sizes alike; they then have to be alike already.
        known = all(size == size for operand in operands for size in operand.shape)
        return da.blockwise(run, axes, *pairs, meta=meta, align_arrays=known)


def _run_block(
    program: Program,
    repeated: tuple[tuple[bool, ...], ...],
    index: int,
    count: int,
    *blocks: Array,
) -> Array:
    shapes = [tuple(block.shape) for block in blocks]
    if not all(map(_fits, shapes, repeated, (shapes[0],) * len(shapes))):
        names = ", ".join(f"`{name}`" for name in getattr(program, "operands", ()))
        raise ValueError(
            f"{names} must agree in the dimensions that were unknown; got blocks of shapes {shapes}"
        )
    return _owner(blocks[0]).evaluate(program, blocks, (False,) * count)[index]


def _fits(shape: tuple[int, ...], repeated: tuple[bool, ...], model: tuple[int, ...]) -> bool:
    sizes = zip(reversed(shape), reversed(repeated), reversed(model), strict=False)
    return all(size == wanted or free for size, free, wanted in sizes)


def _sum_block(block: Array, axis: Any, keepdims: bool, dtype: DType) -> Array:  # noqa: FBT001
    def add(xp: Namespace, *blocks: Array) -> tuple[Array, ...]:
        return (xp.sum(blocks[0], axis=axis, keepdims=keepdims, dtype=dtype),)

    return _owner(block).evaluate(add, (block,), (False,))[0]


def _owner(block: Array) -> Backend:
    backend = find_backend(block)
    if backend is None:
        raise TypeError(f"a Dask array of chunks of an array namespace; got {type(block).__name__}")
    return backend
