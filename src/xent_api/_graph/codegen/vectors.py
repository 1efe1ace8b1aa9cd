"""Instructions on vectors, in LLVM's assembly language."""

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
        f"declare double @{SUM}(double, {WIDE})",
        "declare i64 @llvm.smin.i64(i64, i64)",
        "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
    ]
)
"""LLVM's own functions."""


class Register(NamedTuple):
    """A vector, or the same number in all lanes."""

    name: str
    kind: str
    """Of one lane: double, float, i1, i8, ..."""

    @property
    def type(self) -> str:
        """Its type."""
        return vector(self.kind)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


def vector(kind: str) -> str:
    """Return the type of a vector."""
    return f"<{LANES} x {kind}>"


def constant(value: float, kind: str) -> Register:
    """Return a number in all lanes."""
    if kind in ("double", "float"):
        (bits,) = struct.unpack("<Q", struct.pack("<d", value))
        text = f"0x{bits:016X}"
    else:
        text = str(int(value))
    return Register(f"splat ({kind} {text})", kind)


class Lines:
    """Instructions, one after the other. Each makes a register."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        """Add a line that makes none."""
        self.lines.append(f"  {line}")

    def let(self, kind: str, text: str) -> Register:
        """Add an instruction."""
        name = f"%{self.prefix}{len(self.lines)}"
        self.add(f"{name} = {text}")
        return Register(name, kind)

    def binary(self, op: str, one: Register, other: Register) -> Register:
        """Add an operation on two vectors."""
        return self.let(one.kind, f"{op} {one}, {other.name}")

    def compare(self, how: str, one: Register, other: Register) -> Register:
        """Add a comparison: `how` is that of floats or integers."""
        op = "fcmp" if one.kind in ("double", "float") else "icmp"
        return self.let("i1", f"{op} {how} {one}, {other.name}")

    def select(self, condition: Register, one: Register, other: Register) -> Register:
        """Add a choice."""
        return self.let(one.kind, f"select {condition}, {one}, {other}")

    def cast(self, op: str, value: Register, kind: str) -> Register:
        """Add a conversion."""
        return self.let(kind, f"{op} {value} to {vector(kind)}")

    def call(self, name: str, *given: Register) -> Register:
        """Add a call of one of LLVM's functions of float64."""
        args = ", ".join(map(str, given))
        return self.let("double", f"call {WIDE} @llvm.{name}.v{LANES}f64({args})")

    def splat(self, kind: str, scalar: str) -> Register:
        """Add a vector of one number."""
        one = self.let(kind, f"insertelement {vector(kind)} poison, {kind} {scalar}, i64 0")
        zeros = f"<{LANES} x i32> zeroinitializer"
        return self.let(kind, f"shufflevector {one}, {vector(kind)} poison, {zeros}")
