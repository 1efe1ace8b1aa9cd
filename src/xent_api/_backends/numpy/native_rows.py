"""Rows of classes, whatever their layout, as compiled kernels take them."""

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

from ..._graph.codegen.arrange import Strided, arrange
from ..._graph.codegen.kernels import Kernel, Kernels
from ..._graph.codegen.memory import KINDS
from ..._graph.codegen.strided import RowSignature
from ..._graph.codegen.vectors import LANES, SIZES
from ..._graph.tiles import broadcast
from ..._math.program import ROW_OUTPUTS, Differentiable
from ..._typing import DType, Shape
from .memory import (
    BLOCK,
    MIN_UNLOCKED_ELEMENTS,
    Memory,
    share,
    total,
)

Strides = tuple[int, ...]


class Known(NamedTuple):
    """What is known of a call before the layout of its arrays is; dtypes are names."""

    program: Differentiable
    """Without numbers: these are operands after the others."""
    names: tuple[str, ...]
    """The dtypes of the operands."""
    shapes: tuple[Shape, ...]
    kinds: tuple[str, ...]
    """The dtypes of the numbers."""
    numbers: bytes
    """These, as a layout has them."""
    results: tuple[str, ...]
    """The dtypes of the outputs."""
    dtypes: tuple[DType, ...]
    """The same, as the library calls them."""
    summed: tuple[bool, ...]
    """Which outputs are added up."""

    def levels(self) -> tuple[str, ...]:
        """Return what each operand has a number for: see `stages`."""
        of_classes = dict.fromkeys(("logits", "vector", "class_weights"), "class")
        of_classes["classes"] = "index"
        if self.program.family == "softmax":
            of_classes["labels"] = "class"
        return tuple(
            [
                of_classes.get(name)
                or ("row" if name == "labels" or prod(shape) > 1 else "uniform")
                for name, shape in zip(self.program.operands, self.shapes, strict=False)
            ]
        )


def model_of(operands: tuple[str, ...]) -> int:
    """Return the place of the operand that results are laid out like."""
    return operands.index("logits" if "logits" in operands else "labels")


class Arranged(NamedTuple):
    """What serves arrays of these strides."""

    kernel: Kernel
    blocks: list[tuple[bytes, int, int]]
    """Layouts, each with units for a thread to compute at once: the first and the one after the
    last."""
    units: int
    scratch: int
    """Numbers of float64 that a thread needs besides."""


class Given(NamedTuple):
    """What is known of an operand or an output before its strides are."""

    kind: str
    """What it has a number for."""
    size: int
    """Bytes of a number."""
    shape: Shape

    def strided(self, strides: Strides, axes: int, *, in_bytes: bool) -> Strided:
        """Return where its numbers are, in so many axes of rows."""
        pairs, unit = zip(strides, self.shape, strict=True), 1 if in_bytes else self.size
        steps = [0 if n == 1 else step * unit for step, n in pairs]
        rows = (0,) * (axes - len(steps[:-1])) + tuple(steps[:-1])
        return Strided(self.size, rows, steps[-1] if self.kind == "class" else 0)


class RowCall:
    """What serves all calls of a program on arrays of these dtypes and shapes."""

    def __init__(self, kernels: Kernels, memory: Memory, known: Known) -> None:
        self.kernels, self.memory, self.known, self.levels = kernels, memory, known, known.levels()
        self.taken = [k for k, level in enumerate(self.levels) if level != "index"]
        """The operands that lie in memory."""
        program = known.program
        self.model = model_of(program.operands)
        self.shape = broadcast(*known.shapes)
        self.size, self.rows = prod(self.shape), (*self.shape[:-1], 1)
        self.results = list(zip(program.outputs, known.dtypes, known.summed, strict=True))
        self.given = [
            Given(self.levels[k], _bytes(known.names[k]), known.shapes[k]) for k in self.taken
        ]
        for (name, _, add), dtype in zip(self.results, known.results, strict=True):
            of_row = name in ROW_OUTPUTS
            kind = "uniform" if add else "row" if of_row else "class"
            shape = self.rows if of_row else self.shape
            self.given.append(Given(kind, _bytes(dtype), shape))
        added = [k for k, add in enumerate(known.summed, len(self.taken)) if add]
        self.with_strides = [k for k in range(len(self.given)) if k not in added]
        # This takes 100 us, which small arrays would feel.
        self.arranged = lru_cache(maxsize=64)(self._arranged)

    def run(self, operands: tuple[Any, ...], _: object = None) -> tuple[Any, ...]:
        """Return the results, or the sums of those that are added up."""
        memory, model = self.memory, operands[self.model]
        results = [
            None
            if add
            else memory.empty(self.rows, dtype)
            if name in ROW_OUTPUTS
            else memory.empty_like(model, dtype)
            for name, dtype, add in self.results
        ]
        arrays, _ = memory.taken(tuple([operands[k] for k in self.taken]))
        known = [*arrays, *[value for value in results if value is not None]]
        arranged = self.arranged(*[memory.strides(array) for array in known])
        parts = arranged.units
        written = [memory.parts(parts) if value is None else value for value in results]
        self._compute(arranged, (*arrays, *written))
        pairs = zip(results, written, strict=True)
        return tuple([total(parts) if value is None else value for value, parts in pairs])

    def _compute(self, arranged: Arranged, arrays: tuple[Any, ...]) -> None:
        kernel, blocks, _, count = arranged
        run = kernel.short if self.size < MIN_UNLOCKED_ELEMENTS else kernel.long
        memory = self.memory

        def compute(block: tuple[bytes, int, int]) -> None:
            given = (*arrays, memory.scratch(count))  # which is held until the kernel returns
            run(memory.pointers(given), *block)

        if len(blocks) == 1:
            compute(blocks[0])
        else:
            share(compute, blocks, memory.threads(self.size))

    def _arranged(self, *strides: Strides) -> Arranged:
        """Return what serves operands and results of these strides."""
        *batch, classes = self.shape
        moving = [k for k, given in enumerate(self.given) if given.kind != "uniform"]
        places = dict(zip(self.with_strides, strides, strict=True))
        arrays = [
            self.given[k].strided(places[k], len(batch), in_bytes=self.memory.in_bytes)
            for k in moving
        ]
        model = moving.index(self.taken.index(self.model))
        found = arrange(tuple(batch), classes, arrays, model)
        dense = [False] * len(self.given)
        for k, is_dense in zip(moving, found.dense, strict=True):
            dense[k] = is_dense
        known = self.known
        signature = RowSignature(
            known.names,
            self.levels,
            known.kinds,
            known.results,
            known.summed,
            found.by_class,
            tuple(dense),
        )
        kernel = self.kernels.find(known.program, signature)
        each = classes * (1 if found.by_class else LANES)
        step, layouts = max(1, BLOCK // each), list(found.layouts(known.numbers))
        blocks = [
            (layout, start, min(start + step, last))
            for layout, first, last in layouts
            for start in range(first, last, step)
        ]
        scratch = classes if found.by_class else each * (1 + len(self.levels))
        return Arranged(kernel, blocks, layouts[-1][-1], scratch)


def _bytes(dtype: str) -> int:
    return SIZES[KINDS[dtype]]
