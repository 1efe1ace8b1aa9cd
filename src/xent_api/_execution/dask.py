"""Dask: blocks run the chunks' own way, in one layer."""

from functools import partial
from operator import itemgetter
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

    def run(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Add the program to the graph as one blockwise layer.

        A block of several results is a tuple: a layer for each of them takes it out.
        """
        # Sizes that nobody knows yet are compared when the blocks are there: without that, a block
        # of one element would silently be repeated beside a longer one.
        repeated = tuple(tuple(size == 1 for size in operand.shape) for operand in operands)
        pairs: list[Any] = []
        for operand in operands:
            # An axis of an operand is named by its distance from the end, as broadcasting has it.
            pairs += [operand, tuple(reversed(range(operand.ndim)))]
        axes = tuple(reversed(range(max(operand.ndim for operand in operands))))
        blocks = tuple(operand._meta for operand in operands)
        metas = _owner(blocks[0]).run(program, blocks)
        # Dask cannot cut blocks of unknown sizes alike; they then have to be alike already.
        known = all(size == size for operand in operands for size in operand.shape)
        found = da.blockwise(
            partial(_run_block, program, repeated, len(metas)),
            axes,
            *pairs,
            meta=metas[0],
            align_arrays=known,
        )
        if len(metas) == 1:
            return (found,)
        return tuple(
            da.blockwise(itemgetter(i), axes, found, axes, meta=meta)
            for i, meta in enumerate(metas)
        )

    def add_up(self, value: Array, dtype: DType | None) -> Array:
        """Return the sum, whose parts are added up as the chunks' own backend does it."""
        return da.reduction(value, chunk=_sum_block, aggregate=_sum_block, dtype=dtype)


def _run_block(
    program: Program, repeated: tuple[tuple[bool, ...], ...], count: int, *blocks: Array
) -> Array | tuple[Array, ...]:
    shapes = [tuple(block.shape) for block in blocks]
    if not all(map(_fits, shapes, repeated, (shapes[0],) * len(shapes))):
        names = ", ".join(f"`{name}`" for name in getattr(program, "operands", ()))
        raise ValueError(
            f"{names} must agree in the dimensions that were unknown; got blocks of shapes {shapes}"
        )
    results = _owner(blocks[0]).evaluate(program, blocks, (False,) * count)
    return results[0] if count == 1 else results


def _fits(shape: tuple[int, ...], repeated: tuple[bool, ...], model: tuple[int, ...]) -> bool:
    sizes = zip(reversed(shape), reversed(repeated), reversed(model), strict=False)
    return all(size == wanted or free for size, free, wanted in sizes)


def _sum_block(block: Array, axis: Any, keepdims: bool, dtype: DType) -> Array:  # noqa: FBT001
    def add(xp: Namespace, *blocks: Array) -> tuple[Array, ...]:
        return (xp.sum(blocks[0], axis=axis, keepdims=keepdims, dtype=dtype),)

    return _owner(block).run(add, (block,))[0]


def _owner(block: Array) -> Backend:
    backend = find_backend(block)
    if backend is None:
        raise TypeError(f"a Dask array of chunks of an array namespace; got {type(block).__name__}")
    return backend
