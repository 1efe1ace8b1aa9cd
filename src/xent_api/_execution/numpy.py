"""NumPy: programs tile by tile, without floating-point warnings, on base arrays."""

import sys
from math import prod

import numpy as np

from .._typing import Array
from .direct import Backend, Program
from .tiles import cut, places

TILE = 2**15
"""Elements of a tile: of 2^12 to 2^19, the fastest for float32 and as good as any for float64. The
loss of 1e7 float32 elements takes 6.7 ns each, 8.9 in tiles of 2^19 (``tools/measure_tiles.py``,
2026-11-22, Xeon 2.1 GHz, NumPy 2.4.6)."""
DIRECT = 2**17
"""Elements up to which whole arrays are as fast as tiles, by the same script."""


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

    def device(self, array: Array) -> None:
        """All NumPy arrays live on one device."""
        return

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program, in tiles where arrays are large; a result to be summed is not kept."""
        # No operand enlarges the largest one.
        if max(operand.size for operand in operands) <= DIRECT:
            return super().evaluate(program, operands, summed)
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
        flat = _flattened(operands, shape)
        if flat is not None:
            found = self._tiled(program, flat, summed, (prod(shape),))
            return tuple(
                value if add else value.reshape(shape)
                for value, add in zip(found, summed, strict=True)
            )
        return self._tiled(program, operands, summed, shape)

    def _tiled(
        self,
        program: Program,
        operands: tuple[Array, ...],
        summed: tuple[bool, ...],
        shape: tuple[int, ...],
    ) -> tuple[Array, ...]:
        kept: list[Array | None] = []
        totals = []
        for place in places(shape, TILE):
            parts = tuple(cut(operand, place, shape) for operand in operands)
            results = self.run(program, parts)
            if not kept:  # the first tile tells the dtypes
                kept = [
                    None if add else np.empty(shape, dtype=value.dtype)
                    for value, add in zip(results, summed, strict=True)
                ]
            for value, whole in zip(results, kept, strict=True):
                if whole is not None:
                    whole[place] = value
            adding = zip(results, summed, strict=True)
            totals.append(tuple(self.total(value) for value, add in adding if add))
        added = iter(np.asarray(column).sum() for column in zip(*totals, strict=True))
        return tuple(next(added) if whole is None else whole for whole in kept)

    def run(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Run the program: arrays in, arrays out.

        NumPy's operators turn 0-d arrays into scalars. Sums stay the scalars that NumPy's own `sum`
        returns, also when they come back as operands.
        """
        results = super().run(program, operands)
        if not isinstance(operands[0], np.ndarray):
            return results
        return tuple(np.asarray(value) for value in results)


def _flattened(operands: tuple[Array, ...], shape: tuple[int, ...]) -> tuple[Array, ...] | None:
    """Return the operands as vectors, where that copies nothing and broadcasts nothing."""
    if all(not v.ndim or (v.shape == shape and v.flags.c_contiguous) for v in operands):
        return tuple(v.reshape(-1) if v.ndim else v for v in operands)
    return None
