"""NumPy: programs by their graphs, without floating-point warnings, on base arrays."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from math import prod

import numpy as np

from ..._graph.executor import Executor, Limits
from ..._graph.tiling import Tiling
from ..._math.program import Differentiable
from ..._math.totals import QuotientProgram
from ..._typing import Array, Namespace, Program
from ..base import Backend, Prepared, Spec
from ..execution import current
from .kernels import KERNELS, LONG_KERNELS
from .native import CALLS
from .scalars import SCALARS, quotient

LIMITS = Limits(
    direct_elements=2**17,
    # Of 2^12 to 2^19, the fastest for float32 and as good as any for float64. The loss of 1e7
    # float32 elements takes 4.5 ns each, 5.6 in tiles of 2^13 and 5.5 in tiles of 2^18
    # (2026-11-22, Xeon 2.1 GHz, NumPy 2.4.6).
    tile_elements=2**16,
    # Each of NumPy's calls hands over Python's global lock, which costs more than what such tiles
    # lose to the cache. Two threads are 1.5 to 1.9 times as fast as one so in quiet minutes of a
    # virtual machine, 1.1 to 1.5 in tiles of 2^19 (the sigmoid family, medians, AMD EPYC,
    # 2026-11-26; 1.0 to 1.9 in others).
    shared_tile_bytes=5 * 2**18,
    # Some twenty kernels for each row make larger tiles pay, above all with two threads: 1.3 to 1.7
    # times as fast as one so, 1.0 to 1.5 in tiles of half the size. One thread is 0 to 7 % faster
    # in float32, and up to 5 % slower in float64, than there (10 to 131072 classes, AMD EPYC,
    # 2026-11-24).
    row_tile_elements=2**18,
    # With 32 classes that is faster, with 64 for the loss alone, with 100 no more (2026-11-24, EPYC
    # 2.6 GHz, NumPy 2.4.6).
    first_classes=64,
)
"""By ``tools/measure_tiles.py``."""
MIN_LONG_ELEMENTS = 2**10
"""From so many elements on `log1p` in vectorized arithmetic takes less time than NumPy's own, where
that computes elements one by one."""


class QuietBackend(Backend):
    """The direct way with NumPy's floating-point error handling switched off.

    Overflow to inf and underflow to 0 are right results here, and a caller who has asked NumPy to
    raise on them means his own arithmetic. Serves the libraries that compute by NumPy, too.
    """

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
        self.executor = Executor(KERNELS, self.total, quiet, LIMITS)
        self.long_executor = Executor(LONG_KERNELS, self.total, quiet, LIMITS)

    def plan_key(self, array: Array) -> tuple[object, ...] | None:
        """Return dtype and shape of a base array, and whether kernels are asked for."""
        if type(array) is not np.ndarray:
            return None
        return array.dtype, array.shape, current.get().native

    def as_supported(self, array: Array) -> Array:
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
        self,
        program: Differentiable,
        finish: QuotientProgram,
        summed: tuple[bool, ...],
        specs: Sequence[Spec | None],
    ) -> Prepared | None:
        """Return what calls a kernel, or what takes 3 us to find, which few elements would feel."""
        if current.get().is_native():
            found = CALLS.find(program, summed, *specs)
            if found is not None:
                return partial(_finished, found.run, finish, summed) if any(summed) else found.run
        known = [spec for spec in specs if spec is not None]
        if program.rowwise or max(prod(shape) for _, shape in known) >= MIN_LONG_ELEMENTS:
            return None
        ready = self.executor.ready(program, *known)
        run = partial(self.executor.evaluate_ready, *ready, summed)
        return partial(_finished, run, finish, summed)

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program, in tiles where arrays are large; a result to be summed is not kept."""
        executor, setting = self.executor, current.get()
        limits, workers = executor.limits, setting.workers or 1
        if not isinstance(operands[0], np.ndarray):  # what NumPy's own `sum` returns
            with np.errstate(all="ignore"):
                return program.results(SCALARS, *operands)
        if setting.is_native() and isinstance(program, Differentiable):  # blocks of Dask's
            specs = [(operand.dtype, operand.shape) for operand in operands]
            native = CALLS.find(program, summed, *specs)
            if native is not None:
                return native.run(operands)
        if program.rowwise:
            tiling = Tiling(executor, program, operands, summed, limits.row_tile_elements)
            return _added_up(tiling.evaluate(workers))
        # No operand enlarges the largest one. (One that broadcasts can be larger than nothing.)
        sizes = [operand.size for operand in operands]
        if max(sizes) >= MIN_LONG_ELEMENTS:
            executor = self.long_executor
        if max(sizes) <= limits.direct_elements or 0 in sizes:
            return executor.evaluate(program, operands, summed)
        size = limits.tile_elements
        if workers > 1:
            size = limits.shared_tile_bytes // max(4, *(operand.itemsize for operand in operands))
        return _added_up(Tiling(executor, program, operands, summed, size).evaluate(workers))


def _finished(
    run: Callable[[tuple[Array, ...]], tuple[Array, ...]],
    finish: QuotientProgram,
    summed: tuple[bool, ...],
    operands: tuple[Array, ...],
    divisors: tuple[Array, ...],
) -> tuple[Array, ...]:
    """Return what `run` makes of the operands, with the last step of what is summed."""
    pairs = zip(run(operands), summed, strict=True)
    return tuple([quotient(finish, value, divisors) if add else value for value, add in pairs])


def _added_up(found: tuple[list[Array] | Array, ...]) -> tuple[Array, ...]:
    """Return the results, the sums of tiles added up."""
    with np.errstate(all="ignore"):
        return tuple(np.asarray(v).sum() if isinstance(v, list) else v for v in found)
