"""Rows of classes between memory and registers, wherever they lie."""

from typing import NamedTuple

from .memory import FLOATING, KINDS, narrowed, widened
from .vectors import LANES, SIZES, Lines, Register, constant, vector

SIZES_IN_LAYOUT = "units", "inner", "count"
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
    """What each operand has a number for: see `stages`. An `index` is the number of the class, and
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
    dtype: str
    dense: bool
    moves: bool
    """Whether it has something else for each row."""

    @property
    def kind(self) -> str:
        """What lies in memory."""
        return KINDS[self.dtype]

    def step(self, of: str, lanes: int, code: Lines) -> Register:
        """Return the bytes from one outer, inner, or class to the next."""
        step = Register(f"%{of}_{self.name}", "i64", 1)
        return step if lanes == 1 else code.splat("i64", step.name)


class RowMemory:
    """The arrays of a kernel of rows; what is loaded and stored is added to `code`."""

    def __init__(self, signature: RowSignature, entry: Lines, code: Lines) -> None:
        self.by_class, self.entry, self.code = signature.by_class, entry, code
        dense = iter(signature.dense)
        pairs = enumerate(zip(signature.dtypes, signature.operands, strict=True))
        self.operands = {
            k: Place(f"x{k}", dtype, next(dense), kind != "uniform")
            for k, (dtype, kind) in pairs
            if kind != "index"
        }
        outputs = enumerate(zip(signature.results, signature.summed, strict=True))
        self.results = [Place(f"y{k}", dtype, next(dense), not add) for k, (dtype, add) in outputs]
        self.places = [*self.operands.values(), *self.results]
        self.moving = [place for place in self.places if place.moves]
        self.rows: dict[str, Register] = {}
        """Array → the address of a unit's rows."""
        self.live: Register
        """Which lanes are rows that no other unit has."""

    def sizes(self) -> None:
        """Load sizes and steps."""
        names = list(SIZES_IN_LAYOUT)
        names += [f"{of}_{place.name}" for place in self.moving for of in STEPS]
        for number, name in enumerate(names):
            self.entry.add(f"%at_{name} = getelementptr i64, ptr %layout, i64 {number}")
            self.entry.add(f"%{name} = load i64, ptr %at_{name}")
        self.entry.add("%last_row = sub i64 %inner, 1")
        self.entry.add("%last_class = sub i64 %count, 1")
        axis = "count" if self.by_class else "inner"
        self.entry.add(f"%last_start = sub i64 %{axis}, {LANES}")

    def uniform(self, index: int) -> Register:
        """Load an operand that is one number for all rows."""
        place, entry = self.operands[index], self.entry
        value = entry.let(place.kind, f"load {place.kind}, ptr %{place.name}, align 1")
        return widened(entry, value, place.dtype)

    def number(self, number: int, dtype: str) -> Register:
        """Load a number of the layout, which has eight bytes."""
        place = len(SIZES_IN_LAYOUT) + len(STEPS) * len(self.moving) + number
        kind = "double" if dtype in FLOATING else "i64"
        at = self.entry.let("ptr", f"getelementptr i64, ptr %layout, i64 {place}").name
        return self.entry.let(kind, f"load {kind}, ptr {at}")

    def unit(self) -> None:
        """Find the rows of a unit, in the axis of rows that lie beside each other, and the others.

        Lanes beyond the last row are that row once more; or, where lanes lie beside each other, the
        last vector begins earlier.
        """
        code = self.code
        code.add("%number = phi i64 [%first, %entry], [%next_unit, %stored]")
        code.add("%outer = sdiv i64 %number, %units")
        code.add("%before = mul i64 %outer, %units")
        code.add("%within = sub i64 %number, %before")
        start = row = Register("%within", "i64", 1)
        if not self.by_class:
            code.add(f"%due = mul i64 %within, {LANES}")
            start, row = self._lane_rows(Register("%due", "i64", 1))
        for place in self.moving:
            outer = code.let("i64", f"mul i64 %outer, %outer_{place.name}", 1)
            offset = code.binary("add", outer, place.step("first", 1, code))
            base = self._moved(Register(f"%{place.name}", "ptr", 1), offset)
            first = start if place.dense else row
            inner = code.binary("mul", first, place.step("inner", first.lanes, code))
            self.rows[place.name] = self._moved(base, inner)

    def _lane_rows(self, due: Register) -> tuple[Register, Register]:
        """Return the first row of a unit, and those of all lanes."""
        code, lanes = self.code, self.code.splat("i64", due.name)
        if any(place.dense for place in self.places):
            due = code.let("i64", f"call i64 @llvm.smin.i64({due}, i64 %last_start)", 1)
            row = code.binary("add", code.splat("i64", due.name), NUMBERS)
            self.live = code.compare("sge", row, lanes)
        else:
            row, last = code.binary("add", lanes, NUMBERS), code.splat("i64", "%last_row")
            self.live = code.compare("sle", row, last)
            row = code.select(self.live, row, last)
        return due, row

    def load_row(self, index: int) -> Register:
        """Load what a unit has of an operand without classes."""
        place = self.operands[index]
        value = self._load(self.rows[place.name], place.kind, 1 if self.by_class else LANES)
        return widened(self.code, value, place.dtype)

    def store_row(self, number: int, value: Register) -> None:
        """Store what a unit has of an output without classes."""
        place = self.results[number]
        self._store(narrowed(self.code, value, place.dtype), self.rows[place.name])

    def load_at_label(self, index: int, label: Register) -> Register:
        """Load the class that a label is; the nearest one for a label that is none."""
        place, code = self.operands[index], self.code
        last = Register("%last_class", "i64", 1)
        last = last if label.lanes == 1 else code.splat("i64", last.name)
        label = code.select(code.compare("sgt", label, last), last, label)
        none = constant(0, "i64", label.lanes)
        label = code.select(code.compare("slt", label, none), none, label)
        offset = code.binary("mul", label, place.step("class", label.lanes, code))
        if place.dense and not self.by_class:
            beside = code.binary("mul", NUMBERS, SIZES[place.kind])
            offset = code.binary("add", offset, beside)
        value = self._load(self._moved(self.rows[place.name], offset), place.kind, label.lanes)
        return widened(code, value, place.dtype)

    def load_classes(self, index: int, at: Register) -> Register:
        """Load classes from `at` on, or that class of all rows, as they lie in memory."""
        place = self.operands[index]
        where = self._classes(place, at)
        value = self._load(where, place.kind, LANES)
        self._prefetch(place, where, FOR_READING)
        return value

    def store_classes(self, number: int, at: Register, value: Register) -> None:
        """Store what an output has there."""
        place = self.results[number]
        where = self._classes(place, at)
        self._store(narrowed(self.code, value, place.dtype), where)
        self._prefetch(place, where, FOR_WRITING)

    def keep(self, slot: int, at: Register, value: Register) -> None:
        """Store what a later pass needs."""
        self._store(value, self._scratch(slot, at))

    def kept(self, slot: int, at: Register, kind: str) -> Register:
        """Load that."""
        return self._load(self._scratch(slot, at), kind, LANES)

    def declared(self) -> list[str]:
        """Return the declarations of LLVM's functions for lanes that lie apart."""
        pointers, mask = vector("ptr"), vector("i1")
        given = f"{pointers}, i32, {mask}"
        lines = []
        for kind in sorted({place.kind for place in self.places}):
            of = vector(kind)
            lines.append(f"declare {of} @{_apart('gather', kind)}({given}, {of})")
            lines.append(f"declare void @{_apart('scatter', kind)}({of}, {given})")
        return lines

    def _moved(self, pointer: Register, offset: Register) -> Register:
        lanes = max(pointer.lanes, offset.lanes)
        return self.code.let("ptr", f"getelementptr i8, {pointer}, {offset}", lanes)

    def _classes(self, place: Place, at: Register) -> Register:
        """Return the address of a class of all rows, or those of classes of a row."""
        code = self.code
        offset = code.binary("mul", at, place.step("class", 1, code))
        where = self._moved(self.rows[place.name], offset)
        if self.by_class and not place.dense:
            steps = place.step("class", LANES, code)
            where = self._moved(where, code.binary("mul", NUMBERS, steps))
        return where

    def _scratch(self, slot: int, at: Register) -> Register:
        size = SIZES["double"] * (1 if self.by_class else LANES)
        first = self.code.let("i64", f"mul i64 %count, {slot}", 1)
        place = self.code.binary("add", first, at)
        return self._moved(Register("%scratch", "ptr", 1), self.code.binary("mul", place, size))

    def _prefetch(self, place: Place, where: Register, how: int) -> None:
        """Have the cache lines of a unit ready in time, of which each class has its own.

        So far apart no processor expects them: for (4, 21, 128, 128) this takes 0.6 to 0.75 of the
        time (AMD EPYC, 2026-11-29).
        """
        if self.by_class or not place.dense:
            return
        offset = constant(PREFETCHED_UNITS * LANES * SIZES[place.kind], "i64", 1)
        line = self._moved(where, offset)
        self.code.add(f"call void @llvm.prefetch.p0({line}, i32 {how}, i32 3, i32 1)")

    def _load(self, pointer: Register, kind: str, lanes: int) -> Register:
        if pointer.lanes == 1:
            text = f"load {vector(kind, lanes)}, {pointer}, align 1"
            return self.code.let(kind, text, lanes)
        given = f"{pointer}, i32 1, <{LANES} x i1> splat (i1 true), {vector(kind)} poison"
        return self.code.let(kind, f"call {vector(kind)} @{_apart('gather', kind)}({given})")

    def _store(self, value: Register, pointer: Register) -> None:
        if pointer.lanes == 1:
            self.code.add(f"store {value}, {pointer}, align 1")
            return
        given = f"{value}, {pointer}, i32 1, <{LANES} x i1> splat (i1 true)"
        self.code.add(f"call void @{_apart('scatter', value.kind)}({given})")


def _apart(name: str, kind: str) -> str:
    short = {"double": "f64", "float": "f32"}.get(kind, kind)
    return f"llvm.masked.{name}.v{LANES}{short}.v{LANES}p0"
