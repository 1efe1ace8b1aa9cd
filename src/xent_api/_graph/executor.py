"""Programs on whole arrays or tile by tile, by their tapes."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from math import prod

from .._backends.base import Program
from .._typing import Array, Shape
from .buffers import Layout, Player, Shapes
from .tiles import Place, broadcast, cut, in_threads, pattern, places
from .trace import Dialect, Spec, record


class Runner:
    """Runs tapes in a dialect.

    `total` adds up a result; `quiet` switches warnings off, in the thread that enters it.
    """

    def __init__(
        self,
        dialect: Dialect,
        total: Callable[[Array], Array],
        quiet: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self.dialect, self.total, self.quiet = dialect, total, quiet
        # A layout takes 150 us to make.
        self.layout = lru_cache(maxsize=256)(self._new_layout)
        # What small arrays would feel of finding it, 3 us.
        self.ready = lru_cache(maxsize=256)(self._ready)

    def _new_layout(
        self, program: Program, axis: int, stage: int | None, *operands: Spec
    ) -> Layout:
        names = getattr(program, "operands", ())
        classes = names.index("classes") if "classes" in names else None
        with self.quiet():
            tape = record(program, operands, self.dialect, axis, stage, classes)
            return Layout(tape, self.dialect)

    def _ready(self, program: Program, *operands: Spec) -> tuple[Layout, Shapes]:
        """Return what a player takes for whole arrays of these dtypes and shapes."""
        specs = [(dtype, pattern(shape)) for dtype, shape in operands]
        layout = self.layout(program, -1, None, *specs)
        return layout, layout.shapes(broadcast(*[shape for _, shape in operands]))

    def whole(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program on whole arrays."""
        ready = self.ready(program, *[(v.dtype, v.shape) for v in operands])
        return self.play(*ready, summed, operands)

    def play(
        self,
        layout: Layout,
        shapes: Shapes,
        summed: tuple[bool, ...],
        operands: tuple[Array, ...],
    ) -> tuple[Array, ...]:
        """Run the program of a layout on whole arrays."""
        player = Player(layout, shapes)
        with self.quiet():
            results = player.play(operands, player.outputs)
            if True not in summed:
                return results
            pairs = zip(results, summed, strict=True)
            return tuple([self.total(value) if add else value for value, add in pairs])

    def tiled(
        self,
        program: Program,
        operands: tuple[Array, ...],
        summed: tuple[bool, ...],
        size: int,
        workers: int = 1,
    ) -> tuple[list[Array] | Array, ...]:
        """Run the program on tiles of `size` elements; return sums as those of the tiles."""
        shape = broadcast(*(operand.shape for operand in operands))
        layout = self.layout(program, -1, None, *[(operand.dtype, ()) for operand in operands])
        wholes = tuple(
            None if add else self.dialect.empty(shape, dtype)
            for (dtype, _), add in zip(layout.buffers, summed, strict=False)
        )
        targets, flat = wholes, self._flattened(operands, shape)
        if flat is not None:
            operands, shape = flat, (prod(shape),)
            targets = tuple(None if whole is None else whole.reshape(-1) for whole in wholes)
        spots = list(places(shape, size, workers))
        totals = in_threads(partial(self._play, program, operands, targets), spots, workers)
        sums = iter(zip(*totals, strict=True))
        # Not the views that were written to: autograd lets nobody change a view in place.
        return tuple(list(next(sums)) if whole is None else whole for whole in wholes)

    def _play(
        self,
        program: Program,
        operands: tuple[Array, ...],
        wholes: tuple[Array | None, ...],
        spots: Iterable[Place],
    ) -> list[tuple[Array, ...]]:
        """Fill the results at these places; return for each place the sums of the others."""
        shape = broadcast(*(operand.shape for operand in operands))
        players: dict[tuple[Shape, ...], Player] = {}
        totals = []
        with self.quiet():
            for place in spots:
                parts = tuple([cut(operand, place, shape) for operand in operands])
                shapes = tuple([part.shape for part in parts])
                if shapes not in players:
                    specs = [(part.dtype, pattern(part.shape)) for part in parts]
                    layout = self.layout(program, -1, None, *specs)
                    players[shapes] = Player(layout, layout.shapes(broadcast(*shapes)))
                targets = tuple([None if whole is None else whole[place] for whole in wholes])
                results = players[shapes].play(parts, targets)
                adding = zip(results, wholes, strict=True)
                totals.append(tuple(self.total(value) for value, whole in adding if whole is None))
        return totals

    def _flattened(self, operands: tuple[Array, ...], shape: Shape) -> tuple[Array, ...] | None:
        """Return the operands as vectors, where that copies nothing and broadcasts nothing."""
        contiguous = self.dialect.contiguous
        if all(not v.ndim or (v.shape == shape and contiguous(v)) for v in operands):
            return tuple(v.reshape(-1) if v.ndim else v for v in operands)
        return None
