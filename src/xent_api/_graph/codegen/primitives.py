"""The table of primitives: what an operation is in LLVM's instructions."""

from collections.abc import Callable

from .memory import FLOATING
from .vectors import Lines, Register, constant

ARITHMETIC = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}
COMPARED = {
    "equal": ("oeq", "eq"),
    "not_equal": ("une", "ne"),
    "greater_equal": ("oge", "sge"),
    "less": ("olt", "slt"),
}
"""Comparison → that of floats and of integers. NaN is unequal to everything."""
EXPONENT_OF_1 = 1023
TWO_52 = 2.0**52
TWO_52_BITS = 0x433 << 52
"""A float64 whose last bits are an integer is 2**52 and that integer."""


def emit(
    to: Lines, op: str, values: list[Register | float], dtype: str, *, fma: str, unsigned: bool
) -> Register:
    """Return what an operation makes: here a primitive reaches a register.

    `dtype` is that of the result; `fma` names the function for x*y + z.
    """
    given = _alike(to, values, unsigned=unsigned)
    one, *others = given
    if op == "astype" and one.kind == "i64":
        return _as_float(to, one, unsigned=unsigned) if dtype in FLOATING else one
    if op in ARITHMETIC:
        return to.binary(ARITHMETIC[op], one, *others)
    if op in COMPARED or op == "isnan":
        floats, integers = COMPARED.get(op, ("uno", ""))
        how = floats if one.kind == "double" else integers
        found = to.compare(how, one, *(others or [one]))
        return found if dtype == "bool" else _as_numbers(to, found)
    if op == "fma":
        return to.call(fma, *given)
    return PRIMITIVES[op](to, given)


def _alike(to: Lines, values: list[Register | float], *, unsigned: bool) -> list[Register]:
    """Return registers for the numbers; integers beside floats are floats."""
    registers = [value for value in values if isinstance(value, Register)]
    last = registers[-1]
    kinds = {value.kind for value in registers}
    if kinds == {"double", "i64"}:
        last = last._replace(kind="double")
    found = []
    for value in values:
        if not isinstance(value, Register):
            found.append(constant(value, last.kind, last.lanes))
        elif value.kind == "i64" and last.kind == "double":
            found.append(_as_float(to, value, unsigned=unsigned))
        else:
            found.append(value)
    return found


def _as_float(to: Lines, value: Register, *, unsigned: bool) -> Register:
    return to.cast("uitofp" if unsigned else "sitofp", value, "double")


def _as_numbers(to: Lines, condition: Register) -> Register:
    return to.select(condition, constant(1.0, "double", condition.lanes), 0.0)


def _astype(to: Lines, given: list[Register]) -> Register:
    """Return float64, whatever dtype the digits are of."""
    (value,) = given
    return _as_numbers(to, value) if value.kind == "i1" else value


def _bits(to: Lines, value: Register, op: str, number: int) -> Register:
    return to.cast("bitcast", to.binary(op, to.cast("bitcast", value, "i64"), number), "double")


def _exponent(to: Lines, given: list[Register]) -> Register:
    """Return n, for 2**n <= x < 2**(n + 1)."""
    bits = to.binary("lshr", to.cast("bitcast", given[0], "i64"), 52)
    value = to.cast("bitcast", to.binary("or", bits, TWO_52_BITS), "double")
    return to.binary("fsub", value, TWO_52 + EXPONENT_OF_1)


def _at_least(to: Lines, given: list[Register]) -> Register:
    value, number = given
    return to.select(to.compare("olt", value, number), number, value)


def _minimum(to: Lines, given: list[Register]) -> Register:
    one, other = given
    return to.select(to.compare("olt", one, other), one, other)


PRIMITIVES: dict[str, Callable[[Lines, list[Register]], Register]] = {
    "abs": lambda to, given: _bits(to, given[0], "and", 2**63 - 1),
    "astype": _astype,
    "at_least": _at_least,
    "bitwise_and": lambda to, given: to.binary("and", given[0], given[1]),
    "bitwise_or": lambda to, given: to.binary("or", given[0], given[1]),
    "bitwise_invert": lambda to, given: to.binary("xor", given[0], -1),
    "exponent": _exponent,
    "full_like": lambda _, given: given[1],
    "minimum": _minimum,
    "neg_abs": lambda to, given: _bits(to, given[0], "or", -(2**63)),
    "negative": lambda to, given: to.let("double", f"fneg {given[0]}", given[0].lanes),
    "power_of_two": lambda to, given: _bits(to, given[0], "shl", 52),
    "where": lambda to, given: to.select(*given),
}
"""Operation → its instructions."""
