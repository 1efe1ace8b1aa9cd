"""The nodes of a graph of rows as instructions: passes over the classes, and the loop around them.

A pass ends where the graph reduces a row to one number. What needs that number is computed in the
next pass: all of it again, but for the exponentials, which are kept in scratch memory. Lanes are
the classes of one row, or the same class of several rows, where classes are few or do not lie
beside each other; then a number that belongs to a row is a vector, too. The last vector of each
kind begins earlier than it would, where arrays are long enough, and computes a part again: so it
needs no other instructions. Only sums leave that part out.
"""

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from ..trace import Graph, Node
from .emit import is_unsigned, needed
from .memory import FLOATING, KINDS, narrowed, widened
from .module import Fields, found
from .primitives import emit
from .vectors import DECLARED, LANES, SIZES, Lines, Register, constant, vector

ALL, ROW, CLASS = range(3)
"""What a value is one number for: all rows, a row, or a class of a row."""
LEVELS = {"uniform": ALL, "row": ROW, "class": CLASS, "index": CLASS}
REDUCTIONS = ("max-1", "sum-1", "exact_sum-1")
SIZES_IN_LAYOUT = 3
"""A layout begins with the units of an inner axis, its rows, and the classes."""
STEPS = "first", "outer", "inner", "class"
"""Then it has these of each array, in bytes: see `arrange`."""
NUMBERS = Register(f"<{', '.join(f'i64 {lane}' for lane in range(LANES))}>", "i64")


PREFETCHED_UNITS = 2
FOR_READING, FOR_WRITING = 0, 1


class RowSignature(NamedTuple):
    """What a body of rows is made for, beside its graph."""

    dtypes: tuple[str, ...]
    """Of the operands."""
    operands: tuple[str, ...]
    """What each operand has a number for: see `LEVELS`. An `index` is the number of the class, and
    does not lie in memory."""
    numbers: tuple[str, ...]
    """The dtypes of the operands that come as numbers, after the others."""
    results: tuple[str, ...]
    """Of the outputs."""
    summed: tuple[bool, ...]
    """Which outputs are added up."""
    by_class: bool
    """Whether the lanes are classes, and not rows."""
    dense: tuple[bool, ...]
    """Of which operands and outputs the lanes lie beside each other."""


class Place(NamedTuple):
    """An array of a call."""

    name: str
    kind: str
    """Of what lies in memory."""
    dense: bool
    moves: bool
    """Whether it has something else for each row."""


class RowBody:
    """The function `run`: units of one row, or of as many as there are lanes."""

    def __init__(self, graph: Graph, signature: RowSignature, *, fused: bool) -> None:
        self.graph, self.signature = graph, signature
        self.fma = "fma" if fused else "fmuladd"
        self.entry, self.code = Lines("u", 1), Lines("v")
        self.row_lanes = 1 if signature.by_class else LANES
        self.nodes = {node.result: node for node in needed(graph)}
        self.operands, self.results = self._places()
        self.level: dict[int, int] = {}
        self.stage: dict[int, int] = {}
        """The number of passes that come before a value."""
        self._analyse()
        self.kept, self.again = self._kept()
        self.values: dict[int, Register] = {}
        """The values of all rows, and those of the rows of a unit."""
        self.splats: dict[int, Register] = {}
        """The same in all lanes."""
        self.rows: dict[str, Register] = {}
        """Array → the address of a unit's rows."""
        self.moving = 0
        """The number of arrays that have steps."""

    def module(self, fields: Fields | None) -> str:
        """Return the text of a module with `run`, which computes the units `first` to `last`.

        It is given operands, outputs, and scratch memory; those outputs that are added up have a
        float64 for each unit. `layout` is as `arrange` makes it, with the numbers among the
        operands at its end.
        """
        places = [*self.operands.values(), *self.results]
        self._sizes()
        for name in [place.name for place in places if place.moves]:
            self._steps(name)
        self._numbers()
        self._unit([place for place in places if place.moves])
        for stage in range(max(self.stage.values()) + 1):
            self._compute_rows(stage)
            self._pass(stage)
        self._store_rows()
        names = [place.name for place in places] + ["scratch"]
        return "\n".join(
            [
                DECLARED,
                *self._declared(),
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

    # What is computed when

    def _places(self) -> tuple[dict[int, Place], list[Place]]:
        dense = iter(self.signature.dense)
        operands = {
            k: Place(f"x{k}", KINDS[dtype], next(dense), kind != "uniform")
            for k, (dtype, kind) in enumerate(zip(*self.signature[:2], strict=True))
            if kind != "index"
        }
        outputs = zip(self.signature.results, self.signature.summed, strict=True)
        results = [
            Place(f"y{k}", "double" if add else KINDS[dtype], next(dense), not add)
            for k, (dtype, add) in enumerate(outputs)
        ]
        return operands, results

    def _analyse(self) -> None:
        kinds = [LEVELS[kind] for kind in self.signature.operands]
        self.level = dict(enumerate(kinds + [ALL] * len(self.signature.numbers)))
        self.stage = dict.fromkeys(self.level, 0)
        for result, node in self.nodes.items():
            args = [k for k in node.args if k in self.level]
            reduces = node.op in REDUCTIONS
            one = reduces or node.op == "take_label"
            self.level[result] = ROW if one else max(self.level[k] for k in args)
            self.stage[result] = max(self.stage[k] for k in args) + reduces

    def _kept(self) -> tuple[set[int], set[int]]:
        """Return the computed value of classes that is kept, and operands that come in again.

        The first pass looks at all of them.
        """
        kept: set[int] = set()
        again: set[int] = set()
        for stage in range(max(self.stage.values()) + 1):
            computed, loaded = self._wanted(self._targets(stage), stage)
            kept |= loaded
            again |= computed & self.operands.keys() if stage else set()
        assert len(kept) <= 1, "there is scratch memory for one value of each class"
        for k in kept:
            own = self._wanted(self._targets(self.stage[k]), self.stage[k])[0]
            assert k in own, "what is kept is needed in its own pass"
        return kept, again & self._wanted(self._targets(0), 0)[0]

    def _targets(self, stage: int) -> list[int]:
        """Return what a pass is for."""
        reduced = [node.args[0] for node in self._reductions(stage)]
        outputs = [k for k in self.graph.outputs if self.level[k] == CLASS]
        return reduced + [k for k in outputs if self.stage[k] == stage]

    def _reductions(self, stage: int) -> list[Node]:
        nodes = [node for node in self.nodes.values() if node.op in REDUCTIONS]
        return [node for node in nodes if self.stage[node.result] == stage + 1]

    def _wanted(self, targets: Iterable[int], stage: int) -> tuple[set[int], set[int]]:
        """Return which values of classes a pass computes for its targets, and which were kept."""
        todo, computed, kept = list(targets), set[int](), set[int]()
        while todo:
            index = todo.pop()
            if self.level.get(index) != CLASS or index in computed:
                continue
            node = self.nodes.get(index)
            if node is not None and node.op == "kept" and self.stage[index] < stage:
                kept.add(index)
                continue
            computed.add(index)
            todo += node.args if node else ()
        return computed, kept

    # All rows

    def _sizes(self) -> None:
        for place, name in enumerate(("units", "inner", "count")):
            self._load_size(name, place)
        if not self.signature.by_class:
            self.entry.add("%last_row = sub i64 %inner, 1")
        self.entry.add(f"%last_start = sub i64 %{self._lane_axis()}, {LANES}")

    def _lane_axis(self) -> str:
        return "count" if self.signature.by_class else "inner"

    def _load_size(self, name: str, place: int) -> None:
        self.entry.add(f"%at_{name} = getelementptr i64, ptr %layout, i64 {place}")
        self.entry.add(f"%{name} = load i64, ptr %at_{name}")

    def _steps(self, name: str) -> None:
        place = SIZES_IN_LAYOUT + len(STEPS) * self.moving
        self.moving += 1
        for k, of in enumerate(STEPS):
            self._load_size(f"{of}_{name}", place + k)

    def _numbers(self) -> None:
        """Load what is one number for all rows; numbers have eight bytes each."""
        for index, place in self.operands.items():
            if not place.moves:
                value = self.entry.let(place.kind, f"load {place.kind}, ptr %{place.name}, align 1")
                self.values[index] = widened(self.entry, value, self.signature.dtypes[index])
        start = SIZES_IN_LAYOUT + len(STEPS) * self.moving
        count = len(self.signature.operands)
        for k, dtype in enumerate(self.signature.numbers):
            kind = "double" if dtype in FLOATING else "i64"
            at = self.entry.let("ptr", f"getelementptr i64, ptr %layout, i64 {start + k}").name
            self.values[count + k] = self.entry.let(kind, f"load {kind}, ptr {at}")

    # A unit

    def _unit(self, places: list[Place]) -> None:
        """Find the rows of a unit, in the axis of rows that lie beside each other, and the others.

        Lanes beyond the last row are that row once more; or, where lanes lie beside each other, the
        last vector begins earlier.
        """
        self.code.add("%number = phi i64 [%first, %entry], [%next_unit, %stored]")
        self.code.add("%outer = sdiv i64 %number, %units")
        self.code.add("%before = mul i64 %outer, %units")
        self.code.add("%within = sub i64 %number, %before")
        if self.signature.by_class:
            start = row = Register("%within", "i64", 1)
        else:
            self.code.add(f"%due = mul i64 %within, {LANES}")
            start, row = self._lane_rows()
        for place in places:
            self._find_rows(place, start, row)
        for index, place in self.operands.items():
            if place.moves and self.level[index] == ROW:
                value = self._load(self.rows[place.name], place.kind, self.row_lanes)
                self.values[index] = widened(self.code, value, self.signature.dtypes[index])

    def _lane_rows(self) -> tuple[Register, Register]:
        """Return the first row of a unit, and those of all lanes."""
        code, due = self.code, self.code.splat("i64", "%due")
        start = Register("%due", "i64", 1)
        if True in self.signature.dense:
            start = code.let("i64", "call i64 @llvm.smin.i64(i64 %due, i64 %last_start)", 1)
            row = code.binary("add", code.splat("i64", start.name), NUMBERS)
            self.live = code.compare("sge", row, due)
        else:
            row, last = code.binary("add", due, NUMBERS), code.splat("i64", "%last_row")
            self.live = code.compare("sle", row, last)
            row = code.select(self.live, row, last)
        return start, row

    def _find_rows(self, place: Place, start: Register, row: Register) -> None:
        code, name = self.code, place.name
        outer = code.let("i64", f"mul i64 %outer, %outer_{name}", 1)
        offset = code.let("i64", f"add {outer}, %first_{name}", 1)
        base = self._moved(Register(f"%{name}", "ptr", 1), offset)
        if place.dense and not self.signature.by_class:
            row = start
        step = Register(f"%inner_{name}", "i64", 1)
        step = step if row.lanes == 1 else code.splat("i64", step.name)
        self.rows[name] = self._moved(base, code.binary("mul", row, step))

    def _moved(self, pointer: Register, offset: Register) -> Register:
        lanes = max(pointer.lanes, offset.lanes)
        return self.code.let("ptr", f"getelementptr i8, {pointer}, {offset}", lanes)

    def _compute_rows(self, stage: int) -> None:
        """Compute what rows have after so many passes."""
        for index, node in self.nodes.items():
            level = self.level[index]
            if level == CLASS or self.stage[index] != stage or index in self.values:
                continue
            if node.op == "take_label":
                self.values[index] = self._at_label(node)
            elif level == ALL:
                self.values[index] = self._made(self.entry, node, self.values)
            else:
                given = {k: self._of_row(k) for k in node.args if k in self.values}
                self.values[index] = self._made(self.code, node, given)

    def _of_row(self, index: int) -> Register:
        return self.values[index] if self.row_lanes == 1 else self._splat(index)

    def _splat(self, index: int) -> Register:
        """Return a number that belongs to all rows, or to a row, in all lanes."""
        value = self.values[index]
        if value.lanes > 1:
            return value
        if index not in self.splats:
            to = self.entry if self.level[index] == ALL else self.code
            self.splats[index] = to.splat(value.kind, value.name)
        return self.splats[index]

    def _made(self, to: Lines, node: Node, values: dict[int, Register]) -> Register:
        spec = self.graph.specs[node.result]
        assert spec is not None, "a constant is no result"
        given = [values.get(k, self.graph.values[k]) for k in node.args]
        unsigned = is_unsigned(self.graph, node)
        return emit(to, node.op, given, spec[0], fma=self.fma, unsigned=unsigned)

    def _at_label(self, node: Node) -> Register:
        """Return a value of the class that the label is, or of the nearest one."""
        labels, index = node.args
        label, code = self._of_row(labels), self.code
        count = constant(0, "i64", label.lanes)
        last = code.let("i64", "sub i64 %count, 1", 1)
        last = last if label.lanes == 1 else code.splat("i64", last.name)
        label = code.select(code.compare("sgt", label, last), last, label)
        label = code.select(code.compare("slt", label, count), count, label)
        computed, _ = self._wanted([index], 0)
        values: dict[int, Register] = {}
        for k in sorted(computed & self.operands.keys()):
            values[k] = self._load_at_label(k, label)
        for result, each in self.nodes.items():
            if result in computed:
                known = {k: self._of_row(k) for k in each.args if k in self.values}
                values[result] = self._made(code, each, known | values)
        return values[index]

    def _load_at_label(self, index: int, label: Register) -> Register:
        place, code = self.operands[index], self.code
        step = Register(f"%class_{place.name}", "i64", 1)
        step = step if label.lanes == 1 else code.splat("i64", step.name)
        offset = code.binary("mul", label, step)
        if place.dense and not self.signature.by_class:
            offset = code.binary("add", offset, self._beside(place.kind))
        value = self._load(self._moved(self.rows[place.name], offset), place.kind, label.lanes)
        return widened(code, value, self.signature.dtypes[index])

    def _beside(self, kind: str) -> Register:
        """Return where lanes are that lie beside each other."""
        return self.code.binary("mul", NUMBERS, SIZES[kind])

    # A pass

    def _pass(self, stage: int) -> None:
        """Add a pass over the classes, if there is something to compute in it."""
        reductions = self._reductions(stage)
        computed, loaded = self._wanted(self._targets(stage), stage)
        if not computed and not loaded:
            return
        nodes = [node for node in self.nodes.values() if node.result in computed]
        given = {k for node in (*nodes, *reductions) for k in node.args if k in self.values}
        values = {k: self._splat(k) for k in sorted(given)}
        self._begin(stage, reductions)
        at = self._start(stage)
        raw = {k: self._load_classes(k, at, stage) for k in sorted(computed - self.nodes.keys())}
        for k, value in raw.items():
            values[k] = widened(self.code, value, self.signature.dtypes[k])
        for k in sorted(loaded):
            values[k] = self._load(self._scratch(k, at), "double", LANES)
        for node in nodes:
            values[node.result] = self._of_classes(node, at, values)
            if node.result in self.kept:
                self._store(values[node.result], self._scratch(node.result, at))
        self._store_classes(stage, at, values)
        for number, node in enumerate(reductions):
            of = (raw if self._kind(node) == "float" else values)[node.args[0]]
            self._reduce(stage, number, node.op, self._counted(node.op, of))
        self._end(stage, reductions)

    def _begin(self, stage: int, reductions: list[Node]) -> None:
        code, before = self.code, f"before{stage}"
        code.add(f"br label %{before}")
        code.lines += [f"{before}:", f"  br label %pass{stage}", f"pass{stage}:"]
        code.add(f"%c{stage} = phi i64 [0, %{before}], [%c{stage}_next, %pass{stage}]")
        for number, node in enumerate(reductions):
            self._running(stage, number, node)

    def _end(self, stage: int, reductions: list[Node]) -> None:
        code, step = self.code, LANES if self.signature.by_class else 1
        code.add(f"%c{stage}_next = add i64 %c{stage}, {step}")
        code.add(f"%c{stage}_more = icmp slt i64 %c{stage}_next, %count")
        code.add(f"br i1 %c{stage}_more, label %pass{stage}, label %after{stage}")
        code.lines.append(f"after{stage}:")
        for number, node in enumerate(reductions):
            self.values[node.result] = self._reduced(stage, number, node)

    def _of_classes(self, node: Node, at: Register, values: dict[int, Register]) -> Register:
        if node.op == "kept":
            return values[node.args[0]]
        if self.signature.by_class and self._asks_for_label(node):
            return self._is_other(node, at)
        return self._made(self.code, node, values)

    def _start(self, stage: int) -> Register:
        """Return the first class of a vector, which may have been in the one before."""
        code = self.code
        due = Register(f"%c{stage}", "i64", 1)
        if not self.signature.by_class:
            return due
        at = code.let("i64", f"call i64 @llvm.smin.i64({due}, i64 %last_start)", 1)
        if any(node.op != "max-1" for node in self._reductions(stage)):
            again = code.binary("sub", due, at)
            self.fresh = code.conditions(code.binary("shl", constant(-1, "i64", 1), again))
        return at

    def _asks_for_label(self, node: Node) -> bool:
        kinds = dict(enumerate(self.signature.operands))
        return node.op == "not_equal" and kinds.get(node.args[1]) == "index"

    def _is_other(self, node: Node, at: Register) -> Register:
        """Tell which classes are not the label of a row."""
        code = self.code
        place = code.binary("sub", self.values[node.args[0]], at)
        bit = code.binary("shl", constant(1, "i64", 1), place)
        within = code.compare("ult", place, LANES)
        bit = code.select(within, bit, 0)
        return code.conditions(code.binary("xor", bit, -1))

    def _load_classes(self, index: int, at: Register, stage: int) -> Register:
        """Return what lies in memory of classes.

        Lanes of several rows may be gathered, or have cache lines that are in each other's way: so
        they are loaded once, and kept.
        """
        place, code = self.operands.get(index), self.code
        if place is None:  # the number of the class
            numbers, by_class = code.splat("i64", at.name), self.signature.by_class
            return code.binary("add", numbers, NUMBERS) if by_class else numbers
        if self.signature.by_class or index not in self.again:
            return self._load(self._at_classes(place, at), place.kind, LANES)
        if stage:
            return self._load(self._scratch(index, at), place.kind, LANES)
        where = self._at_classes(place, at)
        value = self._load(where, place.kind, LANES)
        self._prefetch(place, where, FOR_READING)
        self._store(value, self._scratch(index, at))
        return value

    def _at_classes(self, place: Place, at: Register) -> Register:
        """Return the address of a class of all rows, or those of classes of a row."""
        code, step = self.code, f"%class_{place.name}"
        offset = code.let("i64", f"mul {at}, {step}", 1)
        where = self._moved(self.rows[place.name], offset)
        if self.signature.by_class and not place.dense:
            where = self._moved(where, code.binary("mul", NUMBERS, code.splat("i64", step)))
        return where

    def _prefetch(self, place: Place, where: Register, how: int) -> None:
        """Have the cache lines of a unit ready in time, of which each class has its own.

        So far apart no processor expects them: for (4, 21, 128, 128) this takes 0.6 to 0.75 of the
        time (AMD EPYC, 2026-11-29).
        """
        if self.signature.by_class or not place.dense:
            return
        offset = constant(PREFETCHED_UNITS * LANES * SIZES[place.kind], "i64", 1)
        line = self._moved(where, offset)
        self.code.add(f"call void @llvm.prefetch.p0({line}, i32 {how}, i32 3, i32 1)")

    def _scratch(self, index: int, at: Register) -> Register:
        """Return the address of what is kept of a class: what is computed, or an operand."""
        slot = index + 1 if index in self.operands else 0
        size = SIZES["double"] * (1 if self.signature.by_class else LANES)
        first = self.code.let("i64", f"mul i64 %count, {slot}", 1)
        place = self.code.binary("add", first, at)
        return self._moved(Register("%scratch", "ptr", 1), self.code.binary("mul", place, size))

    def _store_classes(self, stage: int, at: Register, values: dict[int, Register]) -> None:
        for k, place in zip(self.graph.outputs, self.results, strict=True):
            if self.level[k] == CLASS and self.stage[k] == stage:
                dtype = self.signature.results[self.results.index(place)]
                value = narrowed(self.code, values[k], dtype)
                where = self._at_classes(place, at)
                self._store(value, where)
                self._prefetch(place, where, FOR_WRITING)

    def _counted(self, op: str, value: Register) -> Register:
        if self.signature.by_class and op != "max-1":
            return self.code.select(self.fresh, value, -0.0)  # which adds nothing
        return value

    # Reductions

    def _kind(self, node: Node) -> str:
        """Return in what a reduction is taken: the largest logit in what it lies in memory as."""
        place = self.operands.get(node.args[0])
        single = node.op == "max-1" and place is not None and place.kind == "float"
        return "float" if single else "double"

    def _running(self, stage: int, number: int, node: Node) -> None:
        kind = self._kind(node)
        start = constant(-inf if node.op == "max-1" else 0.0, kind).name
        for part in ("m", "l") if node.op == "exact_sum-1" else ("m",):
            name = f"{part}{stage}_{number}"
            edges = f"[{start}, %before{stage}], [%{name}_next, %pass{stage}]"
            self.code.add(f"%{name} = phi {vector(kind)} {edges}")

    def _reduce(self, stage: int, number: int, op: str, value: Register) -> None:
        name = f"%m{stage}_{number}"
        parts = _joined(self.code, op, [Register(name, value.kind)], [value])
        if op == "exact_sum-1":
            low = f"%l{stage}_{number}"
            self.code.add(f"{low}_next = fadd {Register(low, 'double')}, {parts[1].name}")
        same = constant(-0.0, value.kind)  # gives a register the name that the loop expects
        self.code.add(f"{name}_next = fadd {parts[0]}, {same.name}")

    def _reduced(self, stage: int, number: int, node: Node) -> Register:
        """Return the number of a row: that of each lane, or of all together."""
        names = [f"%{part}{stage}_{number}_next" for part in ("m", "l")]
        exact, kind = node.op == "exact_sum-1", self._kind(node)
        parts = [Register(name, kind) for name in names[: 1 + exact]]
        if self.signature.by_class:
            parts = self._folded(node.op, parts)
        found = _total(self.code, parts)
        return found if kind == "double" else self.code.cast("fpext", found, "double")

    def _folded(self, op: str, parts: list[Register]) -> list[Register]:
        """Return the parts of all lanes joined, halves first."""
        while parts[0].lanes > 1:
            halves = [[_half(self.code, part, number) for part in parts] for number in (0, 1)]
            parts = _joined(self.code, op, *halves)
        return parts

    # Memory

    def _load(self, pointer: Register, kind: str, lanes: int) -> Register:
        if pointer.lanes == 1:
            text = f"load {vector(kind, lanes)}, {pointer}, align 1"
            return self.code.let(kind, text, lanes)
        given = f"{pointer}, i32 1, <{LANES} x i1> splat (i1 true), {vector(kind)} poison"
        return self.code.let(kind, f"call {vector(kind)} @{_suffixed('gather', kind)}({given})")

    def _store(self, value: Register, pointer: Register) -> None:
        if pointer.lanes == 1:
            self.code.add(f"store {value}, {pointer}, align 1")
            return
        given = f"{value}, {pointer}, i32 1, <{LANES} x i1> splat (i1 true)"
        self.code.add(f"call void @{_suffixed('scatter', value.kind)}({given})")

    def _store_rows(self) -> None:
        """Store what a unit has of outputs without classes."""
        code = self.code
        for number, (k, place) in enumerate(zip(self.graph.outputs, self.results, strict=True)):
            if self.level[k] == CLASS:
                continue
            value = self._of_row(k)
            if place.moves:
                value = narrowed(code, value, self.signature.results[number])
                self._store(value, self.rows[place.name])
                continue
            if value.lanes > 1:
                (value,) = self._folded("sum-1", [code.select(self.live, value, -0.0)])
            at = code.let("ptr", f"getelementptr double, ptr %{place.name}, i64 %number", 1)
            code.add(f"store {value}, {at}, align 8")
        code.lines += ["  br label %stored", "stored:"]

    def _declared(self) -> list[str]:
        kinds = sorted({place.kind for place in (*self.operands.values(), *self.results)})
        pointers, mask = vector("ptr"), vector("i1")
        given = [f"{pointers}, i32, {mask}" for _ in kinds]
        return [
            line
            for kind, args in zip(kinds, given, strict=True)
            for line in (
                f"declare {vector(kind)} @{_suffixed('gather', kind)}({args}, {vector(kind)})",
                f"declare void @{_suffixed('scatter', kind)}({vector(kind)}, {args})",
            )
        ]


def _suffixed(name: str, kind: str) -> str:
    short = {"double": "f64", "float": "f32"}.get(kind, kind)
    return f"llvm.masked.{name}.v{LANES}{short}.v{LANES}p0"


def _half(to: Lines, value: Register, number: int) -> Register:
    """Return the first or second half of the lanes."""
    lanes = value.lanes // 2
    if lanes == 1:
        return to.let(value.kind, f"extractelement {value}, i64 {number}", 1)
    places = ", ".join(f"i32 {number * lanes + lane}" for lane in range(lanes))
    return to.let(
        value.kind, f"shufflevector {value}, {value.type} poison, <{lanes} x i32> <{places}>", lanes
    )


def _joined(to: Lines, op: str, one: list[Register], other: list[Register]) -> list[Register]:
    """Return two parts of a reduction as one; of exact sums with what the sum is rounded by."""
    if op == "max-1":
        return [to.select(to.compare("olt", one[0], other[0]), other[0], one[0])]
    total = to.binary("fadd", one[0], other[0])
    if op == "sum-1":
        return [total]
    of_other = to.binary("fsub", total, one[0])
    of_one = to.binary("fsub", total, of_other)
    errors = [to.binary("fsub", one[0], of_one), to.binary("fsub", other[0], of_other)]
    error = to.binary("fadd", *errors)
    for earlier in (*one[1:], *other[1:]):
        error = to.binary("fadd", error, earlier)
    return [total, error]


def _total(to: Lines, parts: list[Register]) -> Register:
    """Return a sum with what it was rounded by; of an infinite one that is NaN."""
    if len(parts) == 1:
        return parts[0]
    value, low = parts
    size = emit(to, "abs", [value], "float64", fma="", unsigned=False)
    total = to.binary("fadd", value, low)
    return to.select(to.compare("olt", size, inf), total, value)
