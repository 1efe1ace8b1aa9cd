"""One call, tile by tile: elements in vectors, or rows of classes in arrays of two axes.

A tile of rows has all of their classes. Where classes are few they come first: then every kernel
runs along the rows, in long loops, and a sum over the classes adds whole rows to each other. (A
library may take 4 ns an element for the maxima of rows of ten, and 0.06 for columns of ten.) To
turn a tile costs less than one kernel on short rows.
"""

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from .._typing import Array, Program, Shape
from .executor import Executor
from .interpret import Interpreter
from .tiles import Tile, broadcast, in_threads, tiles
from .trace import ArraySpec


class Operand(NamedTuple):
    """An operand, broadcast to all rows if it varies along them, or else to none."""

    array: Array
    rows: bool
    """Whether it varies along the rows, or elements."""
    classes: bool
    """Whether it varies along the classes."""

    def spec(self, axis: int) -> ArraySpec:
        """Return dtype and signature in tiles with the classes at `axis`, or without classes."""
        first, last = (self.classes, self.rows) if axis == 0 else (self.rows, self.classes)
        found: Shape = (3 if first else 1, 2 if last else 1)
        if not self.array.ndim:
            found = ()
        elif axis < 0:
            found = (2 if self.rows else 1,)
        return self.array.dtype, found


class Tiling:
    """A program on operands, cut into tiles."""

    def __init__(
        self,
        executor: Executor,
        program: Program,
        operands: tuple[Array, ...],
        summed: tuple[bool, ...],
        size: int,
    ) -> None:
        self.executor, self.kernels = executor, executor.kernels
        shape = broadcast(*[operand.shape for operand in operands])
        self.batch, self.classes, self.axis = shape, 1, -1
        if program.rowwise:
            self.batch, self.classes = shape[:-1], shape[-1]
            self.axis = 0 if self.classes <= executor.limits.first_classes else 1
        # A tile that is not turned needs half of the memory.
        self.size = max(1, (size << max(self.axis, 0)) // self.classes)
        self.operands = [self._operand(array) for array in operands]
        specs = [operand.spec(self.axis) for operand in self.operands]
        self.assignment = executor.assignment(program, self.axis, *specs)
        model = next((v for v in operands if v.shape == shape), None)
        self.results = [
            None if add else self._result(model, spec)
            for spec, add in zip(self.assignment.buffers, summed, strict=False)
        ]

    def evaluate(self, workers: int) -> tuple[list[Array] | Array, ...]:
        """Return the results, or the sums of the tiles of those that are added up."""
        todo = list(tiles(self.batch, self.size, workers)) or [(slice(None),) * len(self.batch)]
        totals = in_threads(self._run, todo, workers)
        sums = iter(zip(*totals, strict=True))
        return tuple(list(next(sums)) if value is None else value for value in self.results)

    def tile_shape(self, rows: int, classes: int) -> Shape:
        """Return the shape of a tile."""
        return ((rows,), (classes, rows), (rows, classes))[self.axis + 1]

    def _operand(self, array: Array) -> Operand:
        if not array.ndim:
            return Operand(array, rows=False, classes=False)
        batch, classes = tuple(array.shape), ()
        if self.axis >= 0:
            batch, classes = batch[:-1], batch[-1:]
        rows = any(n != 1 for n in batch)
        if rows and batch != self.batch:
            array = self.kernels.broadcast_to(array, (*self.batch, *classes))
        elif not rows and not self.kernels.contiguous(array):
            # One row: the bits of some kernels depend on how it lies in memory.
            array, view = self.kernels.empty(array.shape, array.dtype), array
            array[...] = view
        return Operand(array, rows, prod(classes) > 1)

    def _result(self, model: Array | None, spec: ArraySpec) -> Array:
        dtype, found = spec
        if self.axis < 0:
            return self.kernels.empty(self.batch, dtype)
        if found[self.axis] == 1 or model is None:
            return self.kernels.empty((*self.batch, 1), dtype)
        return self.kernels.empty_like(model, dtype)

    def _run(self, todo: Iterable[Tile]) -> list[tuple[Array, ...]]:
        """Fill the results in these tiles; return for each tile the sums of the others."""
        worker = None
        totals = []
        with self.executor.quiet():
            for tile in todo:
                pairs = zip(tile, self.batch, strict=True)
                shape = tuple(len(range(*at.indices(n))) for at, n in pairs)
                if worker is None or worker.shape != shape:
                    worker = TileWorker(self, shape)
                totals.append(worker.run(tile))
        return totals


class TileWorker:
    """What tiles of one shape are computed in, by one thread."""

    def __init__(self, call: Tiling, shape: Shape) -> None:
        self.call, self.shape, self.rows = call, shape, prod(shape)
        self.full_shape = call.tile_shape(self.rows, call.classes)
        self.interpreter = Interpreter(call.assignment, call.assignment.shapes(self.full_shape))
        self.copies: dict[int, Array] = {}

    def run(self, tile: Tile) -> tuple[Array, ...]:
        """Compute one tile; return the sums of what is added up."""
        operands = tuple([self._part(*pair, tile) for pair in enumerate(self.call.operands)])
        targets = self._targets(tile)
        results = self.interpreter.run(operands, targets)
        return self._store(results, targets, tile)

    def _part(self, number: int, operand: Operand, tile: Tile) -> Array:
        array, call = operand.array, self.call
        if not array.ndim:
            return array
        classes = array.shape[-1] if operand.classes else 1
        if not operand.rows:
            return array.reshape(call.tile_shape(1, classes))
        part, shape = array[tile], call.tile_shape(self.rows, classes)
        if call.kernels.contiguous(part) and not (operand.classes and call.axis == 0):
            return part.reshape(shape)
        # Turned, or otherwise not one piece of memory: several kernels will read it.
        if number not in self.copies:
            self.copies[number] = call.kernels.empty(shape, array.dtype)
        self._unfolded(self.copies[number])[...] = self._turned(part)
        return self.copies[number]

    def _turned(self, part: Array) -> Array:
        """Return an array of several axes with the classes where they are in tiles."""
        return self.call.kernels.last_first(part) if self.call.axis == 0 else part

    def _unfolded(self, array: Array) -> Array:
        """Return the array of a tile with its rows as they lie in several axes."""
        axis = self.call.axis
        classes = () if axis < 0 else (array.shape[axis],)
        return array.reshape((*classes, *self.shape) if axis == 0 else (*self.shape, *classes))

    def _targets(self, tile: Tile) -> tuple[Array | None, ...]:
        """Return the memory of results that a tile can write to itself."""
        found: list[Array | None] = [None] * len(self.call.results)
        for number, result in enumerate(self.call.results):
            if result is not None and self.call.axis != 0:
                part = result[tile]
                if self.call.kernels.contiguous(part):
                    found[number] = part.reshape(self.call.tile_shape(self.rows, part.shape[-1]))
        return tuple(found)

    def _store(
        self, results: tuple[Array, ...], targets: tuple[Array | None, ...], tile: Tile
    ) -> tuple[Array, ...]:
        """Put results that are not there yet where they belong; return the sums of the others."""
        totals = []
        for into, target, value in zip(self.call.results, targets, results, strict=True):
            if into is None:
                totals.append(self.call.executor.total(value))
            elif target is None:
                self._turned(into[tile])[...] = self._unfolded(value)
        return tuple(totals)
