"""Programs over rows of classes, tile by tile.

A tile is some rows with all of their classes, in arrays of two axes. Where classes are few they
come first: then every call runs along the rows, in long loops, and a sum over the classes adds
whole rows to each other. (NumPy takes 4 ns an element for the maxima of rows of ten, and 0.06 for
those of columns of ten.) To turn a tile costs less than one call on short rows.

A row that is larger than a tile is cut, too. Its sums and maxima are then taken one after the
other, each over all of its tiles, and what they were taken of is computed again for the next.
"""

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, NamedTuple

from .._typing import Array, Shape
from .direct import Program, RowProgram
from .scratch import Layout, Player
from .tiled import Runner
from .tiles import Place, in_threads, places

FEW = 64
"""The number of classes up to which they come first: with 32 classes that is faster on NumPy, with
64 for the loss alone, with 100 no more (tried by hand, 2026-11-24, EPYC 2.6 GHz, NumPy 2.4.6)."""


class Operand(NamedTuple):
    """An operand that broadcasts along no axis but that of the classes, and what it has."""

    array: Array
    rows: bool
    classes: bool

    def pattern(self, axis: int) -> Shape:
        """Return its pattern (see `tiles.pattern`) in tiles with the classes at `axis`."""
        if not self.array.ndim:
            return ()
        first, last = (self.classes, self.rows) if axis == 0 else (self.rows, self.classes)
        return (3 if first else 1, 2 if last else 1)


class RowTiles:
    """A call of a program over rows."""

    def __init__(
        self,
        runner: Runner,
        program: RowProgram,
        operands: tuple[Array, ...],
        summed: tuple[bool, ...],
        size: int,
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


class TilePlayer:
    """What tiles of one shape are computed in, by one thread."""

    def __init__(self, call: RowTiles, shape: Shape) -> None:
        self.call, self.shape, self.rows = call, shape, prod(shape)
        self.players: dict[tuple[int, int], Player] = {}
        self.turned: dict[tuple[int, int], Array] = {}

    def play(self, place: Place) -> tuple[Array, ...]:
        """Compute one tile, in pieces where its rows are cut."""
        call = self.call
        *stages, last = range(len(call.layouts))
        reduced: list[Array | None] = []
        for stage in stages:
            reduced = self._reduce(stage, place, reduced)
        totals: tuple[Array, ...] = ()
        for piece in self._pieces():
            targets, player = self._targets(place, piece), self._player(last, piece)
            results = player.play(self._load(place, piece), targets, tuple(reduced))
            totals = self._store(results, targets, place, piece)
        return totals

    def _pieces(self) -> Iterator[slice]:
        count, size = self.call.count, self.call.size
        for start in range(0, count, size):
            yield slice(start, min(count, start + size))

    def _reduce(self, stage: int, place: Place, known: list[Array | None]) -> list[Array | None]:
        """Return the results of the reductions of this stage and those before it."""
        layout, functions = self.call.layouts[stage], self.call.dialect.functions
        reductions = layout.tape.reductions
        found = known or [None] * len(reductions)
        for piece in self._pieces():
            player = self._player(stage, piece)
            values = iter(player.play(self._load(place, piece), player.none, tuple(known)))
            for number, reduction in enumerate(reductions):
                if reduction.stage != stage:
                    continue
                spec = layout.tape.specs[reduction.slot]
                assert spec is not None
                out = self.call.dialect.empty((self.rows, 1), spec[0])
                part = functions[f"{reduction.name}{self.call.axis}"](next(values), out=out)
                so_far = found[number]
                if so_far is not None:
                    part = functions[COMBINED[reduction.name]](so_far, part, out=part)
                found[number] = part
        return found

    def _player(self, stage: int, piece: slice) -> Player:
        length = piece.stop - piece.start
        key = stage, length
        if key not in self.players:
            shape = (length, self.rows) if self.call.axis == 0 else (self.rows, length)
            layout = self.call.layouts[stage]
            self.players[key] = Player(layout, layout.shapes(shape))
        return self.players[key]

    def _load(self, place: Place, piece: slice) -> tuple[Array, ...]:
        """Return what a tile has of the operands."""
        return tuple(
            self._part(number, operand, place, piece)
            for number, operand in enumerate(self.call.operands)
        )

    def _part(self, number: int, operand: Operand, place: Place, piece: slice) -> Array:
        array, axis = operand.array, self.call.axis
        if not array.ndim:
            return array
        if operand.classes:
            array = array[..., piece]
        length = array.shape[-1]
        shape = (length, self.rows) if axis == 0 else (self.rows, length)
        if not operand.rows:
            return array.reshape((-1, 1) if axis == 0 else (1, -1))
        part = array[place]
        if not operand.classes or (axis == 1 and self.call.dialect.contiguous(part)):
            return part.reshape(shape)
        # Turned, or otherwise not one piece of memory: several calls will read it.
        key = number, length
        if key not in self.turned:
            self.turned[key] = self.call.dialect.empty(shape, array.dtype)
        copy = self.turned[key]
        self._classes_at_axis(copy)[...] = self._turn(part)
        return copy

    def _turn(self, part: Array) -> Array:
        """Return an array of several axes with the classes where they are in tiles."""
        return part if self.call.axis == 1 else self.call.dialect.last_first(part)

    def _classes_at_axis(self, tile: Array) -> Array:
        """Return the array of a tile with its rows as they lie in several axes."""
        axis = self.call.axis
        length = tile.shape[axis]
        return tile.reshape((*self.shape, length) if axis == 1 else (length, *self.shape))

    def _targets(self, place: Place, piece: slice) -> tuple[Array | None, ...]:
        """Return the places of results that a tile can write to itself."""
        if self.call.axis == 0:
            return (None,) * len(self.call.wholes)
        found = []
        for whole in self.call.wholes:
            part = None if whole is None or whole.shape[-1] == 1 else whole[place][..., piece]
            if part is not None and self.call.dialect.contiguous(part):
                part = part.reshape(self.rows, part.shape[-1])
            else:
                part = None
            found.append(part)
        return tuple(found)

    def _store(
        self,
        results: tuple[Array, ...],
        targets: tuple[Array | None, ...],
        place: Place,
        piece: slice,
    ) -> tuple[Array, ...]:
        """Put results that are not there yet where they belong; return the sums of the others."""
        totals = []
        for whole, target, result in zip(self.call.wholes, targets, results, strict=True):
            if whole is None:
                totals.append(self.call.runner.total(result))
            elif target is None:
                part = whole[place] if whole.shape[-1] == 1 else whole[place][..., piece]
                self._turn(part)[...] = self._classes_at_axis(result)
        return tuple(totals)


COMBINED = {"sum": "add", "max": "maximum"}
"""How the results of a reduction's pieces come together."""
