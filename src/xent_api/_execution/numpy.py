"""NumPy: programs tile by tile, without floating-point warnings, on base arrays."""

import sys
from collections.abc import Hashable
from functools import lru_cache, partial
from math import prod

import numpy as np

from .._typing import Array, Shape
from .direct import Backend, Program
from .scratch import Layout, Player
from .tape import Spec, record
from .tiles import Place, cut, in_threads, places
from .workers import current

TILE = 2**15
"""Elements of a tile: of 2^12 to 2^19, the fastest for float32 and as good as any for float64. The
loss of 1e7 float32 elements takes 6.7 ns each, 8.9 in tiles of 2^19 (``tools/measure_tiles.py``,
2026-11-22, Xeon 2.1 GHz, NumPy 2.4.6)."""
SHARED = 2**17
"""Elements of a tile where threads share the work: each of NumPy's calls hands over Python's global
lock, which costs more than what such tiles lose to the cache."""
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

    def spec(self, array: Array) -> Hashable | None:
        """Return dtype and shape of a base array."""
        return (array.dtype, array.shape) if type(array) is np.ndarray else None

    def device(self, array: Array) -> None:
        """All NumPy arrays live on one device."""
        return

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program, in tiles where arrays are large; a result to be summed is not kept."""
        if not isinstance(operands[0], np.ndarray):
            # Sums are the scalars that NumPy's own `sum` returns, also when they come back here.
            return super().evaluate(program, operands, summed)
        # No operand enlarges the largest one.
        if max([operand.size for operand in operands]) <= DIRECT:
            return self._whole(program, operands, summed)
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
        flat = _flattened(operands, shape)
        if flat is not None:
            found = self._tiled(program, flat, summed, (prod(shape),))
            return tuple(
                value if add else value.reshape(shape)
                for value, add in zip(found, summed, strict=True)
            )
        return self._tiled(program, operands, summed, shape)

    def _whole(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        player = Player(_layout(program, *[(v.dtype, v.shape) for v in operands]))
        with np.errstate(all="ignore"):
            results = player.play(operands, player.outputs)
            if True not in summed:
                return results
            pairs = zip(results, summed, strict=True)
            return tuple(self.total(value) if add else value for value, add in pairs)

    def _tiled(
        self,
        program: Program,
        operands: tuple[Array, ...],
        summed: tuple[bool, ...],
        shape: tuple[int, ...],
    ) -> tuple[Array, ...]:
        layout = _layout(program, *[(operand.dtype, ()) for operand in operands])
        wholes = tuple(
            None if add else np.empty(shape, dtype)
            for (dtype, _), add in zip(layout.buffers, summed, strict=False)
        )
        workers = current.get().workers
        spots = list(places(shape, TILE if workers == 1 else SHARED))
        totals = in_threads(partial(self._play, program, operands, wholes), spots, workers)
        with np.errstate(all="ignore"):
            added = iter(np.asarray(column).sum() for column in zip(*totals, strict=True))
        return tuple(next(added) if whole is None else whole for whole in wholes)

    def _play(
        self,
        program: Program,
        operands: tuple[Array, ...],
        wholes: tuple[Array | None, ...],
        spots: list[Place],
    ) -> list[tuple[Array, ...]]:
        """Fill the results at these places; return for each place the sums of the others."""
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
        players: dict[tuple[Shape, ...], Player] = {}
        totals = []
        with np.errstate(all="ignore"):
            for place in spots:
                parts = tuple([cut(operand, place, shape) for operand in operands])
                shapes = tuple([part.shape for part in parts])
                if shapes not in players:
                    layout = _layout(program, *[(part.dtype, part.shape) for part in parts])
                    players[shapes] = Player(layout)
                targets = tuple([None if whole is None else whole[place] for whole in wholes])
                results = players[shapes].play(parts, targets)
                adding = zip(results, wholes, strict=True)
                totals.append(tuple(self.total(value) for value, whole in adding if whole is None))
        return totals


@lru_cache(maxsize=256)
def _layout(program: Program, *operands: Spec) -> Layout:
    """Return the layout of a program, which takes 150 us to make."""
    return Layout(record(program, operands))


def _flattened(operands: tuple[Array, ...], shape: tuple[int, ...]) -> tuple[Array, ...] | None:
    """Return the operands as vectors, where that copies nothing and broadcasts nothing."""
    if all(not v.ndim or (v.shape == shape and v.flags.c_contiguous) for v in operands):
        return tuple(v.reshape(-1) if v.ndim else v for v in operands)
    return None
