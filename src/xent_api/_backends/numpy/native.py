"""NumPy's arrays as compiled kernels take them."""

import ctypes
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from math import prod
from typing import NamedTuple

import numpy as np

from ..._graph.codegen.emit import Signature
from ..._graph.codegen.kernels import Kernel, Kernels
from ..._graph.codegen.memory import FLOATING, KINDS
from ..._graph.codegen.module import CHUNK, Fields, chunks
from ..._graph.tiles import in_threads
from ..._math.program import LossProgram
from ..._typing import Array, DType, Shape
from ..execution import current
from ..names import name_of

WHOLE = ("labels", "logits")
"""The operands that have the shape of the loss. Others may broadcast."""
BLOCK = 128 * CHUNK
"""Elements that a thread takes at once."""
MIN_SHARED_ELEMENTS = 3 * 10**5
"""Below, threads take longer to meet than one takes to compute."""
MIN_UNLOCKED_ELEMENTS = 2**14
"""From so many elements on, some 10 us, other threads may run meanwhile."""


class Call(NamedTuple):
    """What serves all calls of a program on arrays of these dtypes and shapes."""

    kernel: Kernel
    uniform: tuple[bool, ...]
    aligned: bool
    """Whether all operands that are not uniform have the whole shape."""
    shape: Shape
    size: int
    chunk_count: int
    """The number of chunks."""
    numbers: bytes
    """The numbers of the program, as a layout has them."""
    results: tuple[tuple[Shape, DType], ...]
    """What is written: for what is added up, a number for each chunk."""
    summed: tuple[bool, ...]

    def run(self, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the results, or the sums of those that are added up."""
        aligned = self.aligned
        for array in operands:
            if type(array) is not np.ndarray:  # a kernel reads the memory of what it is given
                return self.run(tuple([np.asarray(operand) for operand in operands]))
            if not array.flags.c_contiguous:
                aligned = False
        if not aligned:
            return self._totals(self._in_blocks(operands))
        results = tuple([np.empty(*spec) for spec in self.results])
        if self.size < MIN_SHARED_ELEMENTS or current.get().workers == 1:
            self._compute((*operands, *results), self.size, 0, self.chunk_count)
        else:
            self._share(partial(self._block, (*operands, *results)))
        return self._totals(results)

    def _totals(self, results: tuple[Array, ...]) -> tuple[Array, ...]:
        if True not in self.summed:
            return results
        pairs = zip(results, self.summed, strict=True)
        return tuple([_total(value) if add else value for value, add in pairs])

    def _compute(self, arrays: tuple[Array, ...], size: int, first: int, last: int) -> None:
        """Compute chunks of arrays that are each one piece of memory."""
        run = self.kernel.short if size < MIN_UNLOCKED_ELEMENTS else self.kernel.long
        layout = size.to_bytes(8, sys.byteorder) + self.numbers
        run(arrays_of(arrays), layout, first, last)

    def _share(self, compute: Callable[[int], None]) -> None:
        """Have threads compute the blocks that start at an element each."""

        def work(starts: Iterable[int]) -> list[int]:
            done = []
            for start in starts:
                compute(start)
                done.append(start)
            return done

        in_threads(work, list(range(0, self.size, BLOCK)), current.get().workers)

    def _block(self, arrays: tuple[Array, ...], start: int) -> None:
        stop = min(start + BLOCK, self.size)
        self._compute(arrays, self.size, chunks(start), chunks(stop))

    def _in_blocks(self, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return what is written of operands that are not all aligned pieces of memory."""
        operands, order = self._in_order(operands)
        moved = tuple([self.shape[k] for k in order])
        results = tuple(
            [
                np.empty(shape if add else moved, dtype)
                for (shape, dtype), add in zip(self.results, self.summed, strict=True)
            ]
        )
        if all(array.flags.c_contiguous for array in operands):
            self._share(partial(self._block, (*operands, *results)))
        else:
            self._share(partial(self._copied_block, operands, results))
        back = np.argsort(order)
        pairs = zip(results, self.summed, strict=True)
        return tuple([value if add else value.transpose(back) for value, add in pairs])

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
        parts = [[part.copy() for part in parts] for parts in iterator]
        copies = map(np.concatenate, zip(*parts, strict=True))
        arrays = [
            array if one else next(copies)
            for array, one in zip(operands, self.uniform, strict=True)
        ]
        arrays += [
            value[chunks(start) : chunks(stop)] if add else value.reshape(-1)[start:stop]
            for value, add in zip(results, self.summed, strict=True)
        ]
        self._compute(tuple(arrays), stop - start, 0, chunks(stop - start))

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

    def __init__(self) -> None:
        self.kernels = Kernels(FIELDS)
        self.find = lru_cache(maxsize=256)(self._find)

    def _find(
        self,
        program: LossProgram,
        summed: tuple[bool, ...],
        *specs: tuple[DType, Shape],
    ) -> Call | None:
        """Return the call for operands of these dtypes and shapes; None where there is none."""
        names = tuple([name_of(dtype) for dtype, _ in specs])
        if program.rowwise or not all(name in KINDS for name in names):
            return None
        shape = specs[program.operands.index("logits")][1]
        uniform = tuple(
            [
                operand not in WHOLE and prod(given) == 1
                for operand, (_, given) in zip(program.operands, specs, strict=True)
            ]
        )
        compute = name_of(np.dtype(program.compute))
        results = tuple([name_of(np.dtype(dtype)) for dtype in program.result_dtypes])
        general, numbers = program.parametrized()
        general = general._replace(compute=compute, result_dtypes=results)
        label = names[program.operands.index("labels")]
        kinds = tuple([label if name == "ignored" else compute for name in numbers])
        signature = Signature(names, uniform, kinds, results, summed)
        kernel = self.kernels.find(general, signature)
        codes = ["d" if k in FLOATING else "Q" if k == "uint64" else "q" for k in kinds]
        packed = struct.pack(f"={''.join(codes)}", *numbers.values())
        size = prod(shape)
        written = [
            ((chunks(size),), np.dtype(float)) if add else (shape, np.dtype(dtype))
            for dtype, add in zip(program.result_dtypes, summed, strict=True)
        ]
        pairs = zip(specs, uniform, strict=True)
        aligned = all(one or given == shape for (_, given), one in pairs)
        count, made = chunks(size), tuple(written)
        return Call(kernel, uniform, aligned, shape, size, count, packed, made, summed)


def _fields() -> Fields | None:
    """Return where NumPy's arrays have the address of their data; None if it is not there.

    To read it there takes a tenth of the time of asking for it.
    """
    if sys.implementation.name != "cpython":
        return None
    array = np.empty(1)
    both, word = (array, array), ctypes.sizeof(ctypes.c_void_p)
    fields = Fields(tuple.__basicsize__, object.__basicsize__)
    items = [ctypes.c_void_p.from_address(id(both) + fields.items + k * word) for k in (0, 1)]
    data = ctypes.c_void_p.from_address(id(array) + fields.data)
    found = [item.value == id(array) for item in items] + [data.value == array.ctypes.data]
    return fields if all(found) else None


FIELDS = _fields()


def arrays_of(arrays: tuple[Array, ...]) -> object:
    """Return arrays as a kernel takes them."""
    if FIELDS is not None:
        return arrays
    return (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])


def _total(parts: Array) -> Array:
    """Return the sum of the chunks."""
    if parts.size == 1:
        return parts[0]
    with np.errstate(all="ignore"):
        return parts.sum()
