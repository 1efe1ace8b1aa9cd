"""The nodes of a graph of rows as instructions: passes over the classes, and the loop around them.

A pass ends where the graph reduces a row to one number. What needs that number is computed in the
next pass: all of it again, but for the exponentials, which are kept in scratch memory. Lanes are
the classes of one row, or the same class of several rows, where classes are few or do not lie
beside each other; then a number that belongs to a row is a vector, too. The last vector of each
kind begins earlier than it would, where arrays are long enough, and computes a part again: so it
needs no other instructions. Only sums leave that part out.
"""

from ..trace import Graph, Node
from .emit import is_unsigned
from .memory import widened
from .module import Fields, found
from .primitives import emit
from .reductions import Reduction, folded
from .stages import ALL, CLASS, MAX, ROW, SUM, Stages
from .strided import NUMBERS, RowMemory, RowSignature
from .vectors import DECLARED, LANES, Lines, Register, constant

Values = dict[int, Register]
COMPUTED_SLOT = 0
"""Where scratch memory has what was computed; behind it are operands."""


class RowBody:
    """The function `run`: units of one row, or of as many as there are lanes."""

    def __init__(self, graph: Graph, signature: RowSignature, *, fused: bool) -> None:
        self.graph, self.signature, self.by_class = graph, signature, signature.by_class
        self.fma = "fma" if fused else "fmuladd"
        self.entry, self.code = Lines("u", 1), Lines("v")
        self.memory = RowMemory(signature, self.entry, self.code)
        self.stages = Stages(graph, signature.operands, len(signature.numbers))
        self.values: Values = {}
        """The values of all rows, and those of the rows of a unit."""
        self.splats: Values = {}
        """The same in all lanes."""
        self.fresh: Register
        """Which classes were not in the vector before."""

    def module(self, fields: Fields | None) -> str:
        """Return the text of a module with `run`, which computes the units `first` to `last`.

        It is given operands, outputs, and scratch memory; those outputs that are added up have a
        float64 for each unit. `layout` is as `arrange` makes it, with the numbers among the
        operands at its end.
        """
        memory = self.memory
        memory.sizes()
        for index, place in memory.operands.items():
            if not place.moves:
                self.values[index] = memory.uniform(index)
        for number, dtype in enumerate(self.signature.numbers):
            index = len(self.signature.operands) + number
            self.values[index] = memory.number(number, dtype)
        memory.unit()
        for index, place in memory.operands.items():
            if place.moves and self.stages.level[index] == ROW:
                self.values[index] = memory.load_row(index)
        for stage in range(self.stages.count):
            self._rows(stage)
            self._pass(stage)
        self._store_rows()
        names = [place.name for place in memory.places] + ["scratch"]
        return "\n".join(
            [
                DECLARED,
                *memory.declared(),
                "define void @run(ptr %arrays, ptr %layout, i64 %first, i64 %last) nounwind {",
                "entry:",
                *[line for k, name in enumerate(names) for line in found(k, name, fields)],
                *self.entry.lines,
                "  %some = icmp slt i64 %first, %last",
                "  br i1 %some, label %unit, label %exit",
                "unit:",
                *self.code.lines,
                "  %next_unit = add i64 %number, 1",
                "  %more_units = icmp slt i64 %next_unit, %last",
                "  br i1 %more_units, label %unit, label %exit",
                "exit:",
                "  ret void",
                "}",
            ]
        )

    # Rows

    def _rows(self, stage: int) -> None:
        """Compute what rows have after so many passes."""
        for index, node in self.stages.nodes.items():
            level = self.stages.level[index]
            if level == CLASS or self.stages.stage[index] != stage or index in self.values:
                continue
            if node.op == "take_label":
                self.values[index] = self._at_label(node)
            elif level == ALL:
                self.values[index] = self._made(self.entry, node, self.values)
            else:
                given = {k: self._of_row(k) for k in node.args if k in self.values}
                self.values[index] = self._made(self.code, node, given)

    def _of_row(self, index: int) -> Register:
        return self.values[index] if self.by_class else self._splat(index)

    def _splat(self, index: int) -> Register:
        """Return a number that belongs to all rows, or to a row, in all lanes."""
        value = self.values[index]
        if value.lanes > 1:
            return value
        if index not in self.splats:
            to = self.entry if self.stages.level[index] == ALL else self.code
            self.splats[index] = to.splat(value.kind, value.name)
        return self.splats[index]

    def _made(self, to: Lines, node: Node, values: Values) -> Register:
        spec = self.graph.specs[node.result]
        assert spec is not None, "a constant is no result"
        given = [values.get(k, self.graph.values[k]) for k in node.args]
        unsigned = is_unsigned(self.graph, node)
        return emit(to, node.op, given, spec[0], fma=self.fma, unsigned=unsigned)

    def _at_label(self, node: Node) -> Register:
        """Return a value of the class that the label is, or of the nearest one."""
        labels, index = node.args
        computed, _ = self.stages.wanted([index], 0)
        label, operands = self._of_row(labels), sorted(computed & self.memory.operands.keys())
        values = {k: self.memory.load_at_label(k, label) for k in operands}
        for result, each in self.stages.nodes.items():
            if result in computed:
                known = {k: self._of_row(k) for k in each.args if k in self.values}
                values[result] = self._made(self.code, each, known | values)
        return values[index]

    def _store_rows(self) -> None:
        """Store what a unit has of outputs without classes."""
        code = self.code
        for number, index in enumerate(self.graph.outputs):
            if self.stages.level[index] == CLASS:
                continue
            value, place = self._of_row(index), self.memory.results[number]
            if place.moves:
                self.memory.store_row(number, value)
                continue
            if value.lanes > 1:
                live = code.select(self.memory.live, value, -0.0)  # which adds nothing
                (value,) = folded(code, SUM, [live])
            at = code.let("ptr", f"getelementptr double, ptr %{place.name}, i64 %number", 1)
            code.add(f"store {value}, {at}, align 8")
        code.lines += ["  br label %stored", "stored:"]

    # A pass

    def _pass(self, stage: int) -> None:
        """Add a pass over the classes, if there is something to compute in it."""
        stages = self.stages
        computed, kept = stages.wanted(stages.targets(stage), stage)
        if not computed and not kept:
            return
        nodes = [node for node in stages.nodes.values() if node.result in computed]
        reductions = [
            (node, Reduction(self.code, f"{stage}_{number}", node.op, self._kind(node)))
            for number, node in enumerate(stages.reductions(stage))
        ]
        reduced = [node for node, _ in reductions]
        given = {k for node in (*nodes, *reduced) for k in node.args if k in self.values}
        values = {k: self._splat(k) for k in sorted(given)}
        self._begin(stage, [reduction for _, reduction in reductions])
        at = self._start(stage, sums=any(node.op != MAX for node in reduced))
        raw = {k: self._load(k, at, stage) for k in sorted(computed - stages.nodes.keys())}
        for k, value in raw.items():
            values[k] = widened(self.code, value, self.signature.dtypes[k])
        for k in kept:
            values[k] = self.memory.kept(COMPUTED_SLOT, at, "double")
        self._compute(nodes, at, values)
        for number, index in enumerate(self.graph.outputs):
            if stages.level[index] == CLASS and stages.stage[index] == stage:
                self.memory.store_classes(number, at, values[index])
        for node, reduction in reductions:
            (index,) = node.args
            reduction.take(raw[index] if reduction.kind == "float" else self._counted(node, values))
        self._end(stage)
        for node, reduction in reductions:
            self.values[node.result] = reduction.end(fold=self.by_class)

    def _kind(self, node: Node) -> str:
        """Return in what a reduction is taken: the largest logit in what it lies in memory as."""
        place = self.memory.operands.get(node.args[0])
        single = node.op == MAX and place is not None and place.kind == "float"
        return "float" if single else "double"

    def _begin(self, stage: int, reductions: list[Reduction]) -> None:
        code, before = self.code, f"before{stage}"
        code.add(f"br label %{before}")
        code.lines += [f"{before}:", f"  br label %pass{stage}", f"pass{stage}:"]
        code.add(f"%c{stage} = phi i64 [0, %{before}], [%c{stage}_next, %pass{stage}]")
        for reduction in reductions:
            reduction.begin(before, f"pass{stage}")

    def _start(self, stage: int, *, sums: bool) -> Register:
        """Return the first class of a vector, which may have been in the one before."""
        code, due = self.code, Register(f"%c{stage}", "i64", 1)
        if not self.by_class:
            return due
        at = code.let("i64", f"call i64 @llvm.smin.i64({due}, i64 %last_start)", 1)
        if sums:
            again = code.binary("sub", due, at)
            self.fresh = code.conditions(code.binary("shl", constant(-1, "i64", 1), again))
        return at

    def _end(self, stage: int) -> None:
        code, step = self.code, LANES if self.by_class else 1
        code.add(f"%c{stage}_next = add i64 %c{stage}, {step}")
        code.add(f"%c{stage}_more = icmp slt i64 %c{stage}_next, %count")
        code.add(f"br i1 %c{stage}_more, label %pass{stage}, label %after{stage}")
        code.lines.append(f"after{stage}:")

    def _load(self, index: int, at: Register, stage: int) -> Register:
        """Return what lies in memory of classes.

        Lanes of several rows may be gathered, or have cache lines that are in each other's way: so
        they are loaded once, and kept.
        """
        memory, code = self.memory, self.code
        if index not in memory.operands:  # the number of the class
            numbers = code.splat("i64", at.name)
            return code.binary("add", numbers, NUMBERS) if self.by_class else numbers
        once = not self.by_class and index in self.stages.again
        if once and stage:
            return memory.kept(index + 1, at, memory.operands[index].kind)
        value = memory.load_classes(index, at)
        if once:
            memory.keep(index + 1, at, value)
        return value

    def _compute(self, nodes: list[Node], at: Register, values: Values) -> None:
        """Compute values of classes."""
        for node in nodes:
            if node.op == "kept":
                value = values[node.args[0]]
            elif self.by_class and self._asks_for_label(node):
                value = self._is_other(node, at)
            else:
                value = self._made(self.code, node, values)
            values[node.result] = value
            if node.result in self.stages.kept:
                self.memory.keep(COMPUTED_SLOT, at, value)

    def _asks_for_label(self, node: Node) -> bool:
        kinds = dict(enumerate(self.signature.operands))
        return node.op == "not_equal" and kinds.get(node.args[1]) == "index"

    def _is_other(self, node: Node, at: Register) -> Register:
        """Tell which classes are not the label of a row."""
        code = self.code
        place = code.binary("sub", self.values[node.args[0]], at)
        bit = code.binary("shl", constant(1, "i64", 1), place)
        bit = code.select(code.compare("ult", place, LANES), bit, 0)
        return code.conditions(code.binary("xor", bit, -1))

    def _counted(self, node: Node, values: Values) -> Register:
        """Return what a reduction takes: to a sum -0 adds nothing."""
        value = values[node.args[0]]
        if self.by_class and node.op != MAX:
            return self.code.select(self.fresh, value, -0.0)
        return value
