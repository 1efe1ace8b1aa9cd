"""Programs over rows of classes, tile by tile.

A tile is some rows with all of their classes, in arrays of two axes. Where classes are few they
come first: then every call runs along the rows, in long loops, and a sum over the classes adds
whole rows to each other. (NumPy takes 4 ns an element for the maxima of rows of ten, and 0.06 for
those of columns of ten.) To turn a tile costs less than one call on short rows.

A row that is larger than a tile is cut, too (`row_player`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .._backends.base import Program, RowProgram
from .._typing import Array, Shape
from .buffers import Layout
from .executor import Runner
from .row_tile import Operand, TilePlayer
from .tiles import Place, in_threads, places

FEW = 64
"""The number of classes up to which they come first: with 32 classes that is faster on NumPy, with
64 for the loss alone, with 100 no more (tried by hand, 2026-11-24, EPYC 2.6 GHz, NumPy 2.4.6)."""


class RowTiles:
    """A call of a program over rows.

    Whole rows of many classes may have a program to try first, which `unshifted` returns: of the
    same outputs, and then a column that is not 0 for rows of which they are not right.
    """

    def __init__(
        self,
        runner: Runner,
        program: RowProgram,
        operands: tuple[Array, ...],
        summed: tuple[bool, ...],
        size: int,
        unshifted: Callable[[], RowProgram | None] | None = None,
    ) -> None:
        self.runner, self.dialect, self.program = runner, runner.dialect, program
        logits = operands[program.operands.index("logits")]
        self.batch, self.count = tuple(logits.shape[:-1]), logits.shape[-1]
        self.axis = 0 if self.count <= min(FEW, size) else 1
        # A tile that is not turned needs half of the memory.
        self.size = size << self.axis
        pairs = zip(program.operands, operands, strict=True)
        self.operands = [self._operand(name, array) for name, array in pairs]
        specs = [(v.array.dtype, v.pattern(self.axis)) for v in self.operands]
        self.layouts = list(self._layouts(program, specs))
        self.first: Layout | None = None
        if unshifted is not None and self.axis == 1 and len(self.layouts) == 1:
            first = unshifted()
            self.first = None if first is None else runner.layout(first, self.axis, None, *specs)
        results = self.layouts[-1].buffers[: len(summed)]
        self.wholes = [
            None if add else self._whole(logits, dtype, pattern)
            for (dtype, pattern), add in zip(results, summed, strict=True)
        ]

    def run(self, workers: int) -> tuple[list[Array] | Array, ...]:
        """Return the results, or the sums of the tiles of those that are added up."""
        nothing = (slice(None),) * len(self.batch)
        tiles = places(self.batch, max(1, self.size // self.count), workers)
        spots = list(tiles) or [nothing]
        if self.first is not None and len(spots) > 1 and not self._promising(spots):
            self.first = None
        totals = in_threads(self._play, spots, workers)
        sums = iter(zip(*totals, strict=True))
        return tuple(list(next(sums)) if whole is None else whole for whole in self.wholes)

    def _operand(self, name: str, array: Array) -> Operand:
        if name == "classes" or not array.ndim:
            return Operand(array, rows=False, classes=bool(array.ndim))
        shape = (*self.batch, array.shape[-1])
        aligned = array if array.shape == shape else self.dialect.broadcast_to(array, shape)
        return Operand(aligned, rows=True, classes=name in self.program.of_classes())

    def _layouts(self, program: Program, specs: list[Any]) -> Iterator[Layout]:
        """Yield the layout of each stage: of the only one, unless rows have to be cut."""
        if self.count <= self.size:
            yield self.runner.layout(program, self.axis, None, *specs)
            return
        first = self.runner.layout(program, self.axis, 0, *specs)
        yield first
        for stage in range(max(r.stage for r in first.tape.reductions) + 1):
            yield self.runner.layout(program, self.axis, stage + 1, *specs)

    def _whole(self, logits: Array, dtype: Any, pattern: Shape) -> Array:
        if pattern[self.axis] == 1:
            return self.dialect.empty((*self.batch, 1), dtype)
        return self.dialect.empty_like(logits, dtype)

    def _promising(self, spots: list[Place]) -> bool:
        """Tell by three rows whether what is tried first will serve most of them.

        Not by the first tile: the numbers would depend on which thread has computed one.
        """
        player = TilePlayer(self, (1,) * len(self.batch))
        chosen = [spots[0], spots[len(spots) // 2], spots[-1]]
        rows = [tuple(slice(at.start or 0, (at.start or 0) + 1) for at in spot) for spot in chosen]
        with self.runner.quiet():
            return sum(map(player.serves, rows)) > 1

    def _play(self, spots: Iterable[Place]) -> list[tuple[Array, ...]]:
        """Fill the results at these places; return for each place the sums of the others."""
        player = None
        totals = []
        with self.runner.quiet():
            for place in spots:
                shape = self._shape(place)
                if player is None or player.shape != shape:
                    player = TilePlayer(self, shape)
                totals.append(player.play(place))
        return totals

    def _shape(self, place: Place) -> Shape:
        return tuple(len(range(*at.indices(n))) for at, n in zip(place, self.batch, strict=True))
