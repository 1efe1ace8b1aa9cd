"""Instructions on vectors and single numbers, in LLVM's assembly language."""

import struct
from typing import NamedTuple

LANES = 16
"""Numbers in a vector. LLVM makes registers of it as the processor has them; sums depend on it, and
are the same on all processors so."""
SIZES = {"double": 8, "float": 4, "i64": 8, "i32": 4, "i16": 2, "i8": 1}
WIDE = f"<{LANES} x double>"
SUM = f"llvm.vector.reduce.fadd.v{LANES}f64"
DECLARED = "\n".join(
    [
        f"declare {WIDE} @llvm.fma.v{LANES}f64({WIDE}, {WIDE}, {WIDE})",
        f"declare {WIDE} @llvm.fmuladd.v{LANES}f64({WIDE}, {WIDE}, {WIDE})",
        "declare double @llvm.fma.f64(double, double, double)",
        "declare double @llvm.fmuladd.f64(double, double, double)",
        f"declare double @{SUM}(double, {WIDE})",
        "declare i64 @llvm.smin.i64(i64, i64)",
        "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)",
        "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
    ]
)
"""LLVM's own functions."""


class Register(NamedTuple):
    """A vector, the same number in all lanes, or a single number."""

    name: str
    kind: str
    """Of one lane: double, float, i1, i8, ..., ptr."""
    lanes: int = LANES

    @property
    def type(self) -> str:
        """Its type."""
        return vector(self.kind, self.lanes)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


def vector(kind: str, lanes: int = LANES) -> str:
    """Return the type of a vector, or of a single number."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def constant(value: float, kind: str, lanes: int = LANES) -> Register:
    """Return a number in all lanes."""
    if kind in ("double", "float"):
        (bits,) = struct.unpack("<Q", struct.pack("<d", value))
        text = f"0x{bits:016X}"
    else:
        text = str(int(value))
    return Register(text if lanes == 1 else f"splat ({kind} {text})", kind, lanes)


class Lines:
    """Instructions, one after the other. Each makes a register."""

    def __init__(self, prefix: str, lanes: int = LANES) -> None:
        self.prefix, self.lanes = prefix, lanes
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        """Add a line that makes none."""
        self.lines.append(f"  {line}")

    def let(self, kind: str, text: str, lanes: int | None = None) -> Register:
        """Add an instruction."""
        name = f"%{self.prefix}{len(self.lines)}"
        self.add(f"{name} = {text}")
        return Register(name, kind, self.lanes if lanes is None else lanes)

    def binary(self, op: str, one: Register, other: Register | float) -> Register:
        """Add an operation on two vectors, of which the second one may be a number."""
        return self.let(one.kind, f"{op} {one}, {_like(one, other).name}", one.lanes)

    def compare(self, how: str, one: Register, other: Register | float) -> Register:
        """Add a comparison: `how` is that of floats or integers."""
        op = "fcmp" if one.kind in ("double", "float") else "icmp"
        return self.let("i1", f"{op} {how} {one}, {_like(one, other).name}", one.lanes)

    def select(self, condition: Register, one: Register, other: Register | float) -> Register:
        """Add a choice."""
        return self.let(one.kind, f"select {condition}, {one}, {_like(one, other)}", one.lanes)

    def cast(self, op: str, value: Register, kind: str) -> Register:
        """Add a conversion."""
        return self.let(kind, f"{op} {value} to {vector(kind, value.lanes)}", value.lanes)

    def call(self, name: str, *given: Register) -> Register:
        """Add a call of one of LLVM's functions of float64."""
        args, lanes = ", ".join(map(str, given)), given[0].lanes
        suffix = "f64" if lanes == 1 else f"v{lanes}f64"
        return self.let("double", f"call {given[0].type} @llvm.{name}.{suffix}({args})", lanes)

    def conditions(self, bits: Register) -> Register:
        """Add a conversion of the last bits of an integer to conditions of lanes.

        What makes the integer runs beside the instructions on vectors, which are what takes time.
        """
        few = self.let(f"i{LANES}", f"trunc {bits} to i{LANES}", 1)
        return self.let("i1", f"bitcast {few} to {vector('i1')}", LANES)

    def splat(self, kind: str, scalar: str) -> Register:
        """Add a vector of one number."""
        one = self.let(kind, f"insertelement {vector(kind)} poison, {kind} {scalar}, i64 0", LANES)
        zeros = f"<{LANES} x i32> zeroinitializer"
        return self.let(kind, f"shufflevector {one}, {vector(kind)} poison, {zeros}", LANES)


def _like(one: Register, other: Register | float) -> Register:
    return other if isinstance(other, Register) else constant(other, one.kind, one.lanes)
