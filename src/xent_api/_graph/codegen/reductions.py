"""Maxima and sums over the classes, in as many lanes as a vector has."""

from math import inf

from ..._math.sums import two_sum
from .primitives import emit
from .stages import EXACT_SUM, MAX, SUM
from .vectors import Lines, Register, constant, vector


class Reduction:
    """One reduction of a pass: a number in each lane, or for an exact sum two.

    Of these the second one is what the first one is rounded by.
    """

    def __init__(self, code: Lines, name: str, op: str, kind: str) -> None:
        self.code, self.op, self.kind = code, op, kind
        self.names = [f"%{part}{name}" for part in ("m", "l")[: 1 + (op == EXACT_SUM)]]

    def begin(self, before: str, after: str) -> None:
        """Add what there is at the beginning of a loop: `before` it, and `after` a turn."""
        start = constant(-inf if self.op == MAX else 0.0, self.kind).name
        for name in self.names:
            edges = f"[{start}, %{before}], [{name}_next, %{after}]"
            self.code.add(f"{name} = phi {vector(self.kind)} {edges}")

    def take(self, value: Register) -> None:
        """Add a vector to what there is."""
        code = self.code
        first, *low = [Register(name, self.kind) for name in self.names]
        parts = joined(code, self.op, [first], [value])
        for part, error in zip(low, parts[1:], strict=True):
            code.add(f"{part.name}_next = fadd {part}, {error.name}")
        same = constant(-0.0, self.kind)  # gives a register the name that the loop expects
        code.add(f"{first.name}_next = fadd {parts[0]}, {same.name}")

    def end(self, *, fold: bool) -> Register:
        """Return the number of each lane after the loop, or that of all lanes together."""
        parts = [Register(f"{name}_next", self.kind) for name in self.names]
        found = self._total(folded(self.code, self.op, parts) if fold else parts)
        return found if self.kind == "double" else self.code.cast("fpext", found, "double")

    def _total(self, parts: list[Register]) -> Register:
        """Return a sum with what it was rounded by; of an infinite one that is NaN."""
        value, *low = parts
        if not low:
            return value
        size = emit(self.code, "abs", [value], "float64", fma="", unsigned=False)
        total = self.code.binary("fadd", value, low[0])
        return self.code.select(self.code.compare("olt", size, inf), total, value)


def folded(code: Lines, op: str, parts: list[Register]) -> list[Register]:
    """Return the parts of all lanes joined, halves first."""
    while parts[0].lanes > 1:
        halves = [[_half(code, part, number) for part in parts] for number in (0, 1)]
        parts = joined(code, op, *halves)
    return parts


def _half(code: Lines, value: Register, number: int) -> Register:
    lanes, kind = value.lanes // 2, value.kind
    if lanes == 1:
        return code.let(kind, f"extractelement {value}, i64 {number}", 1)
    places = ", ".join(f"i32 {number * lanes + lane}" for lane in range(lanes))
    text = f"shufflevector {value}, {value.type} poison, <{lanes} x i32> <{places}>"
    return code.let(kind, text, lanes)


def joined(code: Lines, op: str, one: list[Register], other: list[Register]) -> list[Register]:
    """Return two parts of a reduction as one; of exact sums with what the sum is rounded by."""
    if op == MAX:
        return [code.select(code.compare("olt", one[0], other[0]), other[0], one[0])]
    if op == SUM:
        return [code.binary("fadd", one[0], other[0])]
    pairs = [[Summand(code, part) for part in parts] for parts in (one, other)]
    first, second = ((value, error[0] if error else None) for value, *error in pairs)
    return [part.register for part in two_sum(first, second)]


class Summand:
    """A register that adds up, for formulas."""

    def __init__(self, code: Lines, register: Register) -> None:
        self.code, self.register = code, register

    def __add__(self, other: "Summand") -> "Summand":
        return Summand(self.code, self.code.binary("fadd", self.register, other.register))

    def __sub__(self, other: "Summand") -> "Summand":
        return Summand(self.code, self.code.binary("fsub", self.register, other.register))
