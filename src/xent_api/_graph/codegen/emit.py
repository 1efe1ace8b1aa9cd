"""The nodes of a graph of elements as instructions, and the loop around them.

What is the same for all elements is computed once, before the loop.
"""

from typing import NamedTuple

from ..trace import Graph, Node
from .memory import FLOATING, KINDS, narrowed, widened
from .primitives import emit
from .vectors import LANES, SUM, WIDE, Lines, Register, constant, vector

NOTHING = constant(-0.0, "double")
ARGUMENTS = "i64 %n, i64 %live, ptr %numbers"


class Signature(NamedTuple):
    """What a body is made for, beside its graph."""

    dtypes: tuple[str, ...]
    """Of the operands."""
    uniform: tuple[bool, ...]
    """Which operands are one number for all elements, in memory."""
    numbers: tuple[str, ...]
    """The dtypes of the operands that come as numbers, after the others."""
    results: tuple[str, ...]
    """Of the outputs."""
    summed: tuple[bool, ...]
    """Which outputs are added up."""


class Body:
    """The function that computes a graph on so many elements, a multiple of a vector's.

    `live` of them count: of the last vector of an array some may be nothing. What is added up is
    written to memory once.
    """

    def __init__(self, graph: Graph, signature: Signature, *, fused: bool) -> None:
        self.graph, self.signature = graph, signature
        self.fma = "fma" if fused else "fmuladd"
        self.before, self.loop = Lines("u"), Lines("v")
        self.values: dict[int, Register] = {}
        self.of_all: set[int] = set()
        """The values that are the same for all elements."""

    def text(self) -> str:
        """Return the function."""
        self._load()
        for node in needed(self.graph):
            self._emit(node)
        made = [self.values[index] for index in self.graph.outputs]
        for number in self._outputs(summed=False):
            self._store(number, made[number])
        sums = [made[number] for number in self._outputs(summed=True)]
        live = self._live() if sums else None
        names = [f"x{k}" for k in range(len(self.signature.dtypes))]
        names += [f"y{k}" for add in (False, True) for k in self._outputs(summed=add)]
        pointers = "".join(f"ptr %{name}, " for name in names)
        return "\n".join(
            [
                f"define internal void @body({pointers}{ARGUMENTS}) nounwind {{",
                "entry:",
                *self.before.lines,
                "  br label %loop",
                "loop:",
                "  %i = phi i64 [0, %entry], [%next, %loop]",
                *_running(sums),
                *self.loop.lines,
                *_added(sums, live),
                f"  %next = add i64 %i, {LANES}",
                "  %more = icmp ult i64 %next, %n",
                "  br i1 %more, label %loop, label %exit",
                "exit:",
                *_kept(self._outputs(summed=True)),
                "  ret void",
                "}",
            ]
        )

    def _load(self) -> None:
        """Load the operands; numbers have eight bytes each."""
        dtypes, uniform, numbers = self.signature[:3]
        for index, (dtype, one) in enumerate(zip(dtypes, uniform, strict=True)):
            kind = KINDS[dtype]
            if one:
                value = self._splat(kind, f"%x{index}")
                self._keep(index, widened(self.before, value, dtype), of_all=True)
            else:
                at = self._address(f"%x{index}", kind)
                value = self.loop.let(kind, f"load {vector(kind)}, ptr {at}, align 1")
                self._keep(index, widened(self.loop, value, dtype), of_all=False)
        for place, dtype in enumerate(numbers):
            kind = "double" if dtype in FLOATING else "i64"
            at = self.before.let("ptr", f"getelementptr i64, ptr %numbers, i64 {place}").name
            self._keep(len(dtypes) + place, self._splat(kind, at), of_all=True)

    def _splat(self, kind: str, pointer: str) -> Register:
        scalar = self.before.let(kind, f"load {kind}, ptr {pointer}, align 1").name
        return self.before.splat(kind, scalar)

    def _address(self, pointer: str, kind: str) -> str:
        return self.loop.let("ptr", f"getelementptr {kind}, ptr {pointer}, i64 %i").name

    def _keep(self, index: int, value: Register, *, of_all: bool) -> None:
        self.values[index] = value
        if of_all:
            self.of_all.add(index)

    def _emit(self, node: Node) -> None:
        of_all = all(k in self.of_all or self.graph.specs[k] is None for k in node.args)
        to = self.before if of_all else self.loop
        spec = self.graph.specs[node.result]
        assert spec is not None, "a constant is no result"
        given = [
            self.graph.values[k] if k not in self.values else self.values[k] for k in node.args
        ]
        emitted = emit(
            to, node.op, given, spec[0], fma=self.fma, unsigned=is_unsigned(self.graph, node)
        )
        self._keep(node.result, emitted, of_all=of_all)

    def _outputs(self, *, summed: bool) -> list[int]:
        return [number for number, add in enumerate(self.signature.summed) if add == summed]

    def _store(self, number: int, made: Register) -> None:
        value = narrowed(self.loop, made, self.signature.results[number])
        at = self._address(f"%y{number}", value.kind)
        self.loop.add(f"store {value}, ptr {at}, align 1")

    def _live(self) -> Register:
        """Return which elements count."""
        loop = self.loop
        left = loop.let("i64", "sub i64 %live, %i", 1)
        few = loop.let("i64", f"call i64 @llvm.smin.i64({left}, i64 {LANES})", 1)
        others = loop.binary("shl", constant(-1, "i64", 1), few)
        return loop.conditions(loop.binary("xor", others, -1))


def is_unsigned(graph: Graph, node: Node) -> bool:
    """Tell whether the first operand of a node is of the integers beyond those of int64."""
    spec = graph.specs[node.args[0]]
    return spec is not None and spec[0] == "uint64"


def needed(graph: Graph) -> list[Node]:
    """Return the nodes that an output needs, in order."""
    wanted, found = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if node.result in wanted:
            wanted.update(node.args)
            found.append(node)
    return found[::-1]


def _running(sums: list[Register]) -> list[str]:
    """Return the sums so far; -0.0 is what adds nothing to -0.0, too."""
    start = f"[{NOTHING.name}, %entry]"
    return [f"  %s{k} = phi {WIDE} {start}, [%t{k}, %loop]" for k in range(len(sums))]


def _added(sums: list[Register], live: Register | None) -> list[str]:
    found = []
    for k, value in enumerate(sums):
        found.append(f"  %l{k} = select {live}, {value}, {NOTHING}")
        found.append(f"  %t{k} = fadd {WIDE} %s{k}, %l{k}")
    return found


def _kept(sums: list[int]) -> list[str]:
    """Write the sum of all lanes to memory."""
    found = []
    for k, number in enumerate(sums):
        found.append(f"  %sum{k} = call double @{SUM}(double -0.0, {WIDE} %t{k})")
        found.append(f"  store double %sum{k}, ptr %y{number}, align 1")
    return found
