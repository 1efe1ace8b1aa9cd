"""Where the nodes of a graph write: results in their place, all else in few reused buffers."""

from collections.abc import Callable

from .._typing import Array, DType, Shape
from .kernels import KernelTable
from .tiles import broadcast, sized
from .trace import ArraySpec, Graph, Node

CHOICES = frozenset({"select", "zero_if_infinite"})
"""Kernels that may return their second operand, or write `out` before they have read the others."""
Step = tuple[Callable[..., Array], int, int | None, int | None, int, int]
"""Kernel, indices of its one to three operands, index of its result, number of its buffer."""

Shapes = list[tuple[Shape, DType]]


class BufferAssignment:
    """The buffer of each node of a graph, assigned backwards from the outputs.

    A node writes over an operand that nobody needs after it. Backwards, an output's own memory is
    what the nodes before it work in, so that arithmetic hides the time of fetching it.
    """

    def __init__(self, graph: Graph, kernels: KernelTable) -> None:
        self.graph, self.kernels = graph, kernels
        self.buffers: list[ArraySpec] = [_spec(graph, index) for index in graph.outputs]
        """What is allocated: first a place for each output, then scratch."""
        self.full = broadcast(*[spec[1] for spec in graph.specs if spec])
        """The signature of all that is as large as the operands together."""
        self.steps: list[Step] = []
        """The nodes that an output needs."""
        self._buffer: dict[int, int] = {}
        self._free: dict[ArraySpec, list[int]] = {}
        # What may be the same as a value must live as long.
        self._same = {node.result: node.args[1] for node in graph.nodes if node.op in CHOICES}
        self._made = {node.result for node in graph.nodes}
        for number, index in enumerate(graph.outputs):
            self._buffer.setdefault(index, number)
        self.in_place = len(self._buffer) == len(graph.outputs) and all(
            index in self._made and index not in self._same for index in graph.outputs
        )
        """Whether every result is written to its own buffer, and is no operand."""
        for index in graph.outputs:
            self._need(index)
        for node in reversed(graph.nodes):
            if node.result in self._buffer:
                self._assign(node)
        self.steps.reverse()

    def shapes(self, shape: Shape) -> Shapes:
        """Return shape and dtype of all buffers where the operands together have this shape."""
        full = self.full
        return [(shape if spec == full else sized(spec, shape), d) for d, spec in self.buffers]

    def _assign(self, node: Node) -> None:
        number = self._buffer[node.result]
        one, *others = node.args
        two, three = (*others, None, None)[:2]
        self.steps.append((self.kernels.kernels[node.op], one, two, three, node.result, number))
        freed = self._free.setdefault(self.buffers[number], [])
        if node.op not in CHOICES:
            freed.append(number)
        # The first one gets the memory that the node writes to. A choice might leave it unused.
        for index in sorted(node.args, key=self._same.__contains__):
            self._need(index)
        if node.op in CHOICES:
            freed.append(number)

    def _need(self, index: int) -> None:
        """Give a value, and what it may be the same as, a buffer if a node makes it."""
        if index not in self._made:
            return
        if index not in self._buffer:
            spec = _spec(self.graph, index)
            free = self._free.setdefault(spec, [])
            if not free:
                self.buffers.append(spec)
            self._buffer[index] = free.pop() if free else len(self.buffers) - 1
        if index in self._same:
            self._need(self._same[index])


def _spec(graph: Graph, index: int) -> ArraySpec:
    spec = graph.specs[index]
    assert spec is not None, "a constant is no result"
    return spec
