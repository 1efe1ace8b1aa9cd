"""NumPy: programs tile by tile, without floating-point warnings, on base arrays."""

import sys
from collections.abc import Callable
from functools import partial

import numpy as np

from ..._graph.executor import Runner
from ..._graph.rows import RowTiles
from ..._typing import Array, Namespace
from ..base import Backend, Program, is_rowwise
from ..execution import current
from .kernels import DIALECT, LONG_DIALECT

TILE = 2**16
"""Elements of a tile: of 2^12 to 2^19, the fastest for float32 and as good as any for float64. The
loss of 1e7 float32 elements takes 4.5 ns each, 5.6 in tiles of 2^13 and 5.5 in tiles of 2^18
(``tools/measure_tiles.py``, 2026-11-22, Xeon 2.1 GHz, NumPy 2.4.6)."""
SHARED = 5 * 2**18
"""Bytes of one operand's tile where threads share the work: each of NumPy's calls hands over
Python's global lock, which costs more than what such tiles lose to the cache. Two threads are 1.5
to 1.9 times as fast as one so in quiet minutes of a virtual machine, 1.1 to 1.5 in tiles of 2^19
(the sigmoid family, medians, AMD EPYC, 2026-11-26; 1.0 to 1.9 in others)."""
ROWS = 2**18
"""Elements of a tile of rows of classes. Some twenty calls for each row, not for each element, make
larger ones pay, above all with two threads: 1.3 to 1.7 times as fast as one so, 1.0 to 1.5 in tiles
of half the size. One thread is 0 to 7 % faster in float32, and up to 5 % slower in float64, than
there (10 to 131072 classes, AMD EPYC, 2026-11-24)."""
LONG = 2**10
"""Elements from which on more calls on vectors take less time than fewer calls of what NumPy
computes one by one."""
DIRECT = 2**17
"""Elements up to which whole arrays are as fast as tiles, by the same script."""


class QuietBackend(Backend):
    """The direct way with NumPy's floating-point error handling switched off.

    Overflow to inf and underflow to 0 are right results here, and a caller who has asked NumPy to
    raise on them means his own arithmetic. Serves the libraries that compute by NumPy, too.
    """

    differentiates = False

    def run(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Run the program with no floating-point warnings."""
        with np.errstate(all="ignore"):
            return super().run(program, operands)

    def total(self, value: Array) -> Array:
        """Return the sum with no floating-point warnings."""
        with np.errstate(all="ignore"):
            return super().total(value)


class NumpyBackend(QuietBackend):
    """NumPy itself, whose scalars, subclasses and results need some care."""

    def __init__(self, xp: Namespace) -> None:
        super().__init__(xp)
        quiet = partial(np.errstate, all="ignore")
        self.runner = Runner(DIALECT, self.total, quiet)
        self.long_runner = Runner(LONG_DIALECT, self.total, quiet)

    def signature(self, array: Array) -> tuple[object, ...] | None:
        """Return dtype and shape of a base array."""
        return (array.dtype, array.shape) if type(array) is np.ndarray else None

    def adopt(self, array: Array) -> Array:
        """Return a base array: a scalar becomes 0-d, a subclass loses what it adds.

        A matrix or masked array would silently compute something else, and is refused.
        """
        if type(array) is np.ndarray:
            return array
        ma = sys.modules.get("numpy.ma")
        if isinstance(array, np.matrix) or (ma and isinstance(array, ma.MaskedArray)):
            raise TypeError(
                f"a base array; got {type(array).__name__}: convert it with numpy.asarray, and "
                "pass what a masked array hides as `mask`"
            )
        return np.asarray(array)

    def total(self, value: Array) -> Array:
        """Return the sum, or the number of true elements, in a tenth of the time of a sum."""
        return np.int64(np.count_nonzero(value)) if value.dtype == bool else super().total(value)

    def device(self, array: Array) -> None:
        """All NumPy arrays live on one device."""
        return

    def prepared(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> Callable[[tuple[Array, ...]], tuple[Array, ...]] | None:
        """Return `evaluate` for a few elements, of which the layout takes 3 us to find."""
        if is_rowwise(program) or max([operand.size for operand in operands]) >= LONG:
            return None
        ready = self.runner.ready(program, *[(v.dtype, v.shape) for v in operands])
        return partial(self.runner.play, *ready, summed)

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program, in tiles where arrays are large; a result to be summed is not kept."""
        runner = self.runner
        if is_rowwise(program):
            rows = RowTiles(runner, program, operands, summed, ROWS, program.unshifted)
            return _added(rows.run(current.get().workers))
        if not isinstance(operands[0], np.ndarray):
            # Sums are the scalars that NumPy's own `sum` returns, also when they come back here.
            found = runner.whole(program, tuple(map(np.asarray, operands)), summed)
            return tuple(value[()] for value in found)
        # No operand enlarges the largest one. (One that broadcasts can be larger than nothing.)
        sizes = [operand.size for operand in operands]
        largest = max(sizes)
        if largest >= LONG:
            runner = self.long_runner
        if largest <= DIRECT or 0 in sizes:
            return runner.whole(program, operands, summed)
        workers = current.get().workers
        width = max(4, *(operand.itemsize for operand in operands))
        size = TILE if workers == 1 else SHARED // width
        return _added(runner.tiled(program, operands, summed, size, workers))


def _added(found: tuple[list[Array] | Array, ...]) -> tuple[Array, ...]:
    """Return the results, the sums of tiles added up."""
    with np.errstate(all="ignore"):
        return tuple(np.asarray(v).sum() if isinstance(v, list) else v for v in found)
