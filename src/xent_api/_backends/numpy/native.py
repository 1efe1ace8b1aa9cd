"""Elements as compiled kernels take them, and what finds a kernel for a call."""

import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np

from ..._graph.codegen.emit import Signature
from ..._graph.codegen.kernels import Kernel, Kernels
from ..._graph.codegen.memory import FLOATING, KINDS
from ..._graph.codegen.module import chunks
from ..._graph.tiles import broadcast
from ..._math.program import Differentiable
from ..._typing import Array, DType, Shape
from ..names import name_of
from .memory import (
    BLOCK,
    MIN_UNLOCKED_ELEMENTS,
    NUMPY,
    Memory,
    share,
    total,
)
from .native_rows import Known, RowCall, model_of

NUMBER: tuple[DType, Shape] = np.dtype(np.int64), ()
"""The number of a class, which a kernel counts itself."""
WHOLE = ("labels", "logits", "vector")
"""The operands that have the shape of the loss. Others may broadcast."""


@dataclass(frozen=True, slots=True)  # read faster than a named tuple
class Call:
    """What serves all calls of a program on arrays of these dtypes and shapes."""

    kernel: Kernel
    uniform: tuple[bool, ...]
    logits: int
    """The place of the logits among the operands."""
    aligned: bool
    """Whether all operands that are not uniform have the whole shape."""
    shape: Shape
    size: int
    chunk_count: int
    """The number of chunks."""
    numbers: bytes
    """The numbers of the program, as a layout has them."""
    summed: tuple[bool, ...]
    results: tuple[tuple[DType, bool], ...]
    """The library's dtype of each result, and whether it is added up."""
    memory: Memory

    def run(self, operands: tuple[Any, ...], _: object = None) -> tuple[Any, ...]:
        """Return the results, or the sums of those that are added up."""
        memory = self.memory
        arrays, contiguous = memory.taken(operands)
        if not (contiguous and self.aligned):
            return self._in_blocks(tuple([memory.view(array) for array in arrays]))
        like, shape = arrays[self.logits], self.shape
        results = [
            None if add else memory.contiguous(like, shape, dtype) for dtype, add in self.results
        ]
        adds = True in self.summed
        written = self._with_parts(results) if adds else results
        pointers = memory.pointers((*arrays, *written))
        if memory.threads(self.size) == 1:
            self._compute(pointers, self.size, 0, self.chunk_count)
        else:
            # A thread holds what it writes to, also where an exception ends this call before it.
            self._share(partial(self._block, pointers, (arrays, written)))
        return self._totals(results, written) if adds else tuple(results)

    def _with_parts(self, results: list[Any]) -> list[Any]:
        """Return the results, with memory for the parts of sums."""
        return [self.memory.parts(self.chunk_count) if v is None else v for v in results]

    def _totals(self, results: list[Any], written: list[Any]) -> tuple[Any, ...]:
        pairs = zip(results, written, strict=True)
        return tuple([total(parts) if value is None else value for value, parts in pairs])

    def _compute(self, pointers: object, size: int, first: int, last: int) -> None:
        """Compute chunks of arrays that are each one piece of memory."""
        run = self.kernel.short if size < MIN_UNLOCKED_ELEMENTS else self.kernel.long
        run(pointers, size.to_bytes(8, sys.byteorder) + self.numbers, first, last)

    def _share(self, compute: Callable[[int], None]) -> None:
        """Have threads compute the blocks that start at an element each."""
        share(compute, list(range(0, self.size, BLOCK)), self.memory.threads(self.size))

    def _block(self, pointers: object, _: object, start: int) -> None:
        stop = min(start + BLOCK, self.size)
        self._compute(pointers, self.size, chunks(start), chunks(stop))

    def _in_blocks(self, operands: tuple[Array, ...]) -> tuple[Any, ...]:
        """Return what is written of operands that are not all aligned pieces of memory."""
        operands, order = self._in_order(operands)
        results = [
            None if add else self.memory.ordered(self.shape, order, dtype)
            for dtype, add in self.results
        ]
        written = self._with_parts(results)
        views = [self.memory.view(value) for value in written]
        pairs = zip(views, self.summed, strict=True)
        views = [value if add else value.transpose(order) for value, add in pairs]
        if all(array.flags.c_contiguous for array in operands):
            held = (*operands, *views)
            self._share(partial(self._block, self.memory.of_views(held), held))
        else:
            self._share(partial(self._copied_block, operands, tuple(views)))
        return self._totals(results, written)

    def _copied_block(
        self, operands: tuple[Array, ...], results: tuple[Array, ...], start: int
    ) -> None:
        """Compute a block of copies."""
        stop = min(start + BLOCK, self.size)
        moving = [array for array, one in zip(operands, self.uniform, strict=True) if not one]
        iterator = np.nditer(
            moving,
            ("buffered", "external_loop", "ranged"),
            [("readonly",)] * len(moving),
            order="C",
            buffersize=BLOCK,
        )
        iterator.iterrange = start, stop  # type: ignore[misc]  # as documented
        # Of one operand it yields an array, and no tuple of arrays.
        pieces: Iterable[Any] = iterator
        parts = [[a.copy() for a in (p if isinstance(p, tuple) else (p,))] for p in pieces]
        copies = map(np.concatenate, zip(*parts, strict=True))
        arrays = [
            array if one else next(copies)
            for array, one in zip(operands, self.uniform, strict=True)
        ]
        arrays += [
            value[chunks(start) : chunks(stop)] if add else value.reshape(-1)[start:stop]
            for value, add in zip(results, self.summed, strict=True)
        ]
        self._compute(self.memory.of_views(tuple(arrays)), stop - start, 0, chunks(stop - start))

    def _in_order(self, operands: tuple[Array, ...]) -> tuple[tuple[Array, ...], Sequence[int]]:
        """Return operands in their whole shape, with the axes as they lie in memory; and these.

        Sums are taken in the order of the elements, so that they do not depend on the layout.
        """
        given = [
            array if one else np.broadcast_to(array, self.shape)
            for array, one in zip(operands, self.uniform, strict=True)
        ]
        axes = list(range(len(self.shape)))
        if True not in self.summed:
            steps = given[self.uniform.index(False)].strides
            axes.sort(key=lambda k: -abs(steps[k]))
        pairs = zip(given, self.uniform, strict=True)
        return tuple([array if one else array.transpose(axes) for array, one in pairs]), axes


class NativeCalls:
    """Finds what serves a call."""

    def __init__(self, memory: Memory) -> None:
        self.memory, self.kernels = memory, Kernels(memory.fields)
        self.find = lru_cache(maxsize=256)(self._find)

    def _find(
        self,
        program: Differentiable,
        summed: tuple[bool, ...],
        *specs: tuple[DType, Shape] | None,
    ) -> Call | RowCall | None:
        """Return the call for operands of these dtypes and shapes; None where there is none.

        The numbers of the classes are not given.
        """
        given = [spec or NUMBER for spec in specs]
        names = tuple([name_of(dtype) for dtype, _ in given])
        shapes = tuple([tuple(shape) for _, shape in given])
        if not all(name in KINDS for name in names) or 0 in broadcast(*shapes):
            return None
        compute = name_of(program.compute)
        results = tuple([name_of(dtype) for dtype in program.result_dtypes])
        general, numbers = program.parametrized()
        general = general._replace(compute=compute, result_dtypes=results, wide="float64")
        kinds = tuple(
            [
                names[program.operands.index("labels")] if name == "ignored" else compute
                for name in numbers
            ]
        )
        codes = ["d" if k in FLOATING else "Q" if k == "uint64" else "q" for k in kinds]
        packed = struct.pack(f"={''.join(codes)}", *numbers.values())
        known = Known(general, names, shapes, kinds, packed, results, program.result_dtypes, summed)
        if program.rowwise:
            return RowCall(self.kernels, self.memory, known)
        return self._of_elements(known)

    def _of_elements(self, known: Known) -> Call:
        pairs = list(zip(known.program.operands, known.shapes, strict=False))
        uniform = tuple([name not in WHOLE and prod(shape) == 1 for name, shape in pairs])
        signature = Signature(known.names, uniform, known.kinds, known.results, known.summed)
        logits = model_of(known.program.operands)
        shape = known.shapes[logits]
        size = prod(shape)
        return Call(
            self.kernels.find(known.program, signature),
            uniform,
            logits,
            all(one or other == shape for other, one in zip(known.shapes, uniform, strict=True)),
            shape,
            size,
            chunks(size),
            known.numbers,
            known.summed,
            tuple(zip(known.dtypes, known.summed, strict=True)),
            self.memory,
        )


CALLS = NativeCalls(NUMPY)
