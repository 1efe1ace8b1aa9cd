"""Programs run by their graphs, on whole arrays or tile by tile."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import NamedTuple

from .._typing import Array, Program
from .buffers import BufferAssignment, Shapes
from .interpret import Interpreter
from .kernels import KernelTable
from .simplify import simplify
from .tiles import broadcast, signature
from .trace import ArraySpec, trace


class Limits(NamedTuple):
    """Sizes of tiles, for a library on a processor."""

    direct_elements: int
    """Up to so many elements whole arrays are as fast as tiles."""
    tile_elements: int
    shared_tile_bytes: int
    """Bytes of one operand's tile where threads share the work."""
    row_tile_elements: int
    """Elements of a tile of rows of classes, of which some calls are made for each row."""
    first_classes: int = 64
    """The number of classes up to which they come first in a tile."""


class Executor:
    """Runs programs with one library's kernels.

    `total` adds up a result; `quiet` switches warnings off, in the thread that enters it.
    """

    def __init__(
        self,
        kernels: KernelTable,
        total: Callable[[Array], Array],
        quiet: Callable[[], AbstractContextManager[object]],
        limits: Limits,
    ) -> None:
        self.kernels, self.total, self.quiet, self.limits = kernels, total, quiet, limits
        # An assignment takes 150 us to make.
        self.assignment = lru_cache(maxsize=256)(self._assignment)
        # Finding the assignment takes 3 us, which small arrays would feel.
        self.ready = lru_cache(maxsize=256)(self._ready)

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program on whole arrays; add up those of its results that `summed` marks."""
        ready = self.ready(program, *[(v.dtype, v.shape) for v in operands])
        return self.evaluate_ready(*ready, summed, operands)

    def evaluate_ready(
        self,
        assignment: BufferAssignment,
        shapes: Shapes,
        summed: tuple[bool, ...],
        operands: tuple[Array, ...],
    ) -> tuple[Array, ...]:
        """Do the same with what `ready` has found."""
        interpreter = Interpreter(assignment, shapes)
        with self.quiet():
            results = interpreter.run(operands, interpreter.outputs)
            return self.totals(results, summed) if True in summed else results

    def totals(self, results: tuple[Array, ...], summed: tuple[bool, ...]) -> tuple[Array, ...]:
        """Return the results, with the sum for each of those that `summed` marks."""
        pairs = zip(results, summed, strict=True)
        return tuple([self.total(value) if add else value for value, add in pairs])

    def _assignment(self, program: Program, axis: int, *operands: ArraySpec) -> BufferAssignment:
        with self.quiet():
            graph = simplify(trace(program.results, operands, self.kernels, axis))
            return BufferAssignment(graph, self.kernels)

    def _ready(self, program: Program, *operands: ArraySpec) -> tuple[BufferAssignment, Shapes]:
        """Return what an interpreter takes for whole arrays of these dtypes and shapes."""
        specs = [(dtype, signature(shape)) for dtype, shape in operands]
        assignment = self.assignment(program, -1, *specs)
        return assignment, assignment.shapes(broadcast(*[shape for _, shape in operands]))
