"""Dask: blocks run the chunks' own way, in one layer."""

from contextvars import Context
from functools import partial
from itertools import zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

import dask.array as da

from .._typing import Array, DType, Namespace, Program
from .base import Backend
from .registry import find_backend


class DaskBackend(Backend):
    """Each block of the operands is run by the backend that owns the block."""

    def as_supported(self, array: Array) -> Array:
        """Return the array if its chunks can be worked on."""
        _owner(array._meta).as_supported(array._meta)
        return array

    def device(self, array: Array) -> None:
        """Chunks are placed by the scheduler."""
        return

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Add the program to the graph as one blockwise layer; add up the sums of the blocks.

        A block of several results is a tuple: a layer for each of them takes it out.
        """
        if program.rowwise:
            operands = tuple(_whole_rows(operand) for operand in operands)
        # Sizes that nobody knows yet are compared when the blocks are there: without that, a block
        # of one element would silently be repeated beside a longer one.
        repeated = tuple(tuple(size == 1 for size in operand.shape) for operand in operands)
        pairs: list[Any] = []
        for operand in operands:
            # An axis of an operand is named by its distance from the end, as broadcasting has it.
            pairs += [operand, tuple(reversed(range(operand.ndim)))]
        axes = tuple(reversed(range(max(operand.ndim for operand in operands))))
        metas = _run(program, summed, *(_meta(program, operand) for operand in operands))
        # Of a block that is added up one element is left, of rows of classes one for each.
        row = {0: 1} if program.rowwise else None
        single = [
            dict.fromkeys(axes, 1) if add else row if meta.shape[-1:] == (1,) else None
            for add, meta in zip(summed, metas, strict=True)
        ]
        # Dask cannot cut blocks of unknown sizes alike; they then have to be alike already.
        known = all(size == size for operand in operands for size in operand.shape)
        found = da.blockwise(
            partial(_run_block, program, repeated, summed),
            axes,
            *pairs,
            meta=metas[0],
            adjust_chunks=single[0] if len(summed) == 1 else None,
            align_arrays=known,
        )
        if len(summed) == 1:
            return (_sum(found, operands) if summed[0] else found,)
        results = [
            da.blockwise(itemgetter(i), axes, found, axes, meta=meta, adjust_chunks=chunks)
            for i, (meta, chunks) in enumerate(zip(metas, single, strict=True))
        ]
        return tuple(
            _sum(v, operands) if add else v for v, add in zip(results, summed, strict=True)
        )


def _whole_rows(operand: Array) -> Array:
    """Return an operand of which no block cuts a row of classes."""
    cut = operand.ndim and len(operand.chunks[-1]) > 1
    return operand.rechunk({operand.ndim - 1: -1}) if cut else operand


def _meta(program: Program, operand: Array) -> Array:
    """Return an array of no rows, for the dtypes of the results."""
    if not program.rowwise or not operand.ndim:
        return operand._meta
    # Of two classes: there is no largest one of none.
    shape = (0,) * (operand.ndim - 1) + (1 if operand.shape[-1] == 1 else 2,)
    return _owner(operand._meta).xp.zeros(shape, dtype=operand.dtype)


def _sum(parts: Array, operands: tuple[Array, ...]) -> Array:
    """Return the sum of those of the blocks; counts in a dtype that holds that of all blocks."""
    owner, dtype = _owner(parts._meta), parts.dtype
    if owner.xp.isdtype(dtype, "integral"):
        dtype = owner.count_dtype(max(operands, key=lambda operand: operand.ndim))
    return da.reduction(parts, chunk=_sum_block, aggregate=_sum_block, dtype=dtype)


def _run(program: Program, summed: tuple[bool, ...], *blocks: Array) -> tuple[Array, ...]:
    """Return the results of a block, sums with as many dimensions as the others."""
    owner = _owner(blocks[0])
    results = owner.evaluate(program, blocks, summed)
    one = (1,) * max(block.ndim for block in blocks)
    pairs = zip(results, summed, strict=True)
    return tuple(owner.xp.reshape(value, one) if add else value for value, add in pairs)


def _run_block(
    program: Program,
    repeated: tuple[tuple[bool, ...], ...],
    summed: tuple[bool, ...],
    *blocks: Array,
) -> Array | tuple[Array, ...]:
    shapes = [tuple(block.shape) for block in blocks]
    sizes = [
        [None if one else size for size, one in zip(shape, ones, strict=True)][::-1]
        for shape, ones in zip(shapes, repeated, strict=True)
    ]
    if any(len({*axis} - {None}) > 1 for axis in zip_longest(*sizes)):
        names = ", ".join(f"`{name}`" for name in getattr(program, "operands", ()))
        raise ValueError(
            f"{names} must agree in the dimensions that were unknown; got blocks of shapes {shapes}"
        )
    # With the default settings, whichever thread a scheduler runs a task in.
    results = Context().run(_run, program, summed, *blocks)
    return results[0] if len(results) == 1 else results


def _sum_block(block: Array, axis: Any, keepdims: bool, dtype: DType) -> Array:  # noqa: FBT001
    return _owner(block).run(SumProgram(axis, keepdims, dtype), (block,))[0]


class SumProgram(NamedTuple):
    """The sum of blocks."""

    axis: Any
    keepdims: bool
    dtype: DType

    @property
    def rowwise(self) -> bool:
        """Whether a row of classes is one thing."""
        return False

    def results(self, ops: Namespace, *operands: Array) -> tuple[Array]:
        """Return the sum."""
        return (ops.sum(operands[0], axis=self.axis, keepdims=self.keepdims, dtype=self.dtype),)


def _owner(block: Array) -> Backend:
    backend = find_backend(block)
    if backend is None:
        raise TypeError(f"a Dask array of chunks of an array namespace; got {type(block).__name__}")
    return backend
