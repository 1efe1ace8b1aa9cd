"""One tile of rows of classes.

Of a row that is larger than a tile, sums and maxima are taken one after the other, each over all of
its pieces, and what they were taken of is computed again for the next.
"""

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from .._typing import Array, Shape
from .buffers import Player
from .tiles import Place

if TYPE_CHECKING:
    from .rows import RowTiles

MENDED = 1 / 4
"""The part of a tile's rows that is computed again by itself; of more, all are."""


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


class TilePlayer:
    """What tiles of one shape are computed in, by one thread."""

    def __init__(self, call: "RowTiles", shape: Shape) -> None:
        self.call, self.shape, self.rows = call, shape, prod(shape)
        self.players: dict[tuple[int, int], Player] = {}
        self.turned: dict[tuple[int, int], Array] = {}
        self.first: Player | None = None
        if call.first is not None:
            self.first = Player(call.first, call.first.shapes((self.rows, call.count)))

    def play(self, place: Place) -> tuple[Array, ...]:
        """Compute one tile."""
        totals = None if self.first is None else self._try_first(self.first, place)
        return self._in_pieces(place) if totals is None else totals

    def serves(self, place: Place) -> bool:
        """Tell whether what is tried first serves all rows of a tile."""
        assert self.first is not None
        results = self.first.play(self._load(place, slice(None)), self.first.none)
        return not results[-1].any()

    def _try_first(self, player: Player, place: Place) -> tuple[Array, ...] | None:
        """Compute one tile by what is tried first, and then the rows that it does not serve.

        None where these are many.
        """
        piece = slice(0, self.call.count)
        operands, targets = self._load(place, piece), self._targets(place, piece)
        *results, doubt = player.play(operands, (*targets, None))
        if doubt.any():
            rows = doubt[:, 0] != 0.0
            count = int(rows.sum())
            if count > self.rows * MENDED:
                return None
            again = self._again(operands, rows, count)
            # What a target has may be a copy of a result: it is the target that is kept.
            for result, target, value in zip(results, targets, again, strict=True):
                (result if target is None else target)[rows] = value
        return self._store(tuple(results), targets, place, piece)

    def _again(self, operands: tuple[Array, ...], rows: Array, count: int) -> tuple[Array, ...]:
        """Return the results of the program itself for some rows of a tile."""
        (layout,) = self.call.layouts
        pairs = zip(operands, self.call.operands, strict=True)
        given = tuple([array[rows] if known.rows else array for array, known in pairs])
        player = Player(layout, layout.shapes((count, self.call.count)))
        return player.play(given, player.none)

    def _in_pieces(self, place: Place) -> tuple[Array, ...]:
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
