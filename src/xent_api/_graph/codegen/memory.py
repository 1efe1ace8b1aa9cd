"""Numbers between memory and registers, where there is float64, int64 and bool.

Half precision by integer arithmetic: LLVM calls functions for it that need not be there, and some
processors' instructions for bfloat16 take subnormal numbers for 0.
"""

from .vectors import Lines, Register

KINDS = {
    "bool": "i8",
    "float16": "i16",
    "bfloat16": "i16",
    "float32": "float",
    "float64": "double",
    **{f"{sign}int{bits}": f"i{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""Dtype → what lies in memory."""
FLOATING = ("float16", "bfloat16", "float32", "float64")


def widened(to: Lines, value: Register, dtype: str) -> Register:
    """Return what lies in memory as a register of float64, int64 or bool."""
    if dtype == "bool":  # any byte but 0 is true
        return to.compare("ne", value, 0)
    if dtype not in FLOATING:
        how = "zext" if dtype.startswith("u") else "sext"
        return value if value.kind == "i64" else to.cast(how, value, "i64")
    if dtype == "float16":
        value = _of_float16(to, to.cast("zext", value, "i32"))
    if dtype == "bfloat16":
        high = to.binary("shl", to.cast("zext", value, "i32"), 16)
        value = to.cast("bitcast", high, "float")
    return value if value.kind == "double" else to.cast("fpext", value, "double")


def narrowed(to: Lines, value: Register, dtype: str) -> Register:
    """Return a register of float64 as it lies in memory, rounded to nearest, ties to even."""
    if dtype == "float64":
        return value
    single = to.cast("fptrunc", value, "float")
    if dtype == "float32":
        return single
    bits = to.cast("bitcast", single, "i32")
    rounded = _to_float16(to, bits) if dtype == "float16" else _to_bfloat16(to, bits)
    return to.cast("trunc", rounded, "i16")


def _of_float16(to: Lines, half: Register) -> Register:
    """Return float32. Its exponents have 127 where those of float16 have 15."""
    shifted = to.binary("shl", to.binary("and", half, 0x7FFF), 13)
    normal = to.binary("add", shifted, 112 << 23)
    infinite = to.compare("uge", shifted, 0x7C00 << 13)  # or NaN
    normal = to.select(infinite, to.binary("add", normal, 112 << 23), normal)
    # A subnormal one is m*2**-24: the difference of (1 + m/1024)*2**-14 and 2**-14, which is exact.
    above = to.cast("bitcast", to.binary("add", shifted, 113 << 23), "float")
    tiny = to.binary("fsub", above, 2.0**-14)
    is_tiny = to.compare("ult", shifted, 1 << 23)
    value = to.select(is_tiny, to.cast("bitcast", tiny, "i32"), normal)
    sign = to.binary("shl", to.binary("and", half, 0x8000), 16)
    return to.cast("bitcast", to.binary("or", value, sign), "float")


def _to_float16(to: Lines, bits: Register) -> Register:
    sign = to.binary("and", bits, -(2**31))
    size = to.binary("xor", bits, sign)
    value = _rounded(to, to.binary("sub", size, 112 << 23), 13)
    # 0.5 has 2**-24, the last place of subnormal numbers, as its own last place.
    beside = to.binary("fadd", to.cast("bitcast", size, "float"), 0.5)
    tiny = to.binary("sub", to.cast("bitcast", beside, "i32"), 126 << 23)
    value = to.select(to.compare("ult", size, 113 << 23), tiny, value)
    # From 65520 on the result of rounding is infinite by itself, from 65536 on by this.
    value = to.select(to.compare("ult", size, 143 << 23), value, 0x7C00)
    value = to.select(to.compare("ule", size, 255 << 23), value, 0x7E00)
    return to.binary("or", value, to.binary("lshr", sign, 16))


def _to_bfloat16(to: Lines, bits: Register) -> Register:
    size = to.binary("and", bits, 2**31 - 1)
    quiet = to.binary("or", to.binary("lshr", bits, 16), 0x40)
    return to.select(to.compare("ugt", size, 255 << 23), quiet, _rounded(to, bits, 16))


def _rounded(to: Lines, bits: Register, places: int) -> Register:
    """Return an integer without its last places, rounded to nearest, ties to even."""
    last = to.binary("and", to.binary("lshr", bits, places), 1)
    half = to.binary("add", bits, (1 << (places - 1)) - 1)
    return to.binary("lshr", to.binary("add", half, last), places)
