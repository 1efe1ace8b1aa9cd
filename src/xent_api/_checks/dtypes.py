"""Dtypes by name, the same in every namespace, and Python numbers rounded to them."""

import math
from typing import NamedTuple

from .._typing import DType, Namespace


class Binary(NamedTuple):
    """A binary floating-point format."""

    digits: int
    """Bits of the significand, the hidden one included."""
    least: int
    """Exponent of the smallest subnormal number."""
    largest: float


FLOATING = {
    "float16": Binary(11, -24, 65504.0),
    "bfloat16": Binary(8, -133, math.ldexp(255.0, 120)),
    "float32": Binary(24, -149, math.ldexp(16777215.0, 104)),
    "float64": Binary(53, -1074, math.ldexp(9007199254740991.0, 971)),
}
INTEGRAL = {
    f"{sign}int{bits}": (-(2 ** (bits - 1)) * (not sign), 2 ** (bits - (not sign)) - 1)
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}


def compute_name(name: str) -> str:
    """Return the name of the dtype in which arrays of the floating dtype `name` are computed."""
    return "float64" if name == "float64" else "float32"


def dtype_of(xp: Namespace, name: str) -> DType:
    """Return the dtype of that name in `xp`."""
    return getattr(xp, name)


def is_finite(value: float) -> bool:
    """Tell whether a number is finite; compilers do not trace `math.isfinite`."""
    return -math.inf < value < math.inf


def round_to(value: float, name: str) -> float:
    """Return the number of the floating dtype `name` that is nearest to `value`, ties to even.

    Done here in Python because namespaces differ in how they round a Python number, and because a
    rounded number then compares equal in every wider dtype too.
    """
    if value != value:
        return math.nan  # the one that is itself: what is kept for equal arguments is then found
    if name == "float64" or value == 0.0 or not is_finite(value):
        return value
    digits, least, largest = FLOATING[name]
    step = max(math.frexp(value)[1] - digits, least)
    rounded = math.ldexp(round(math.ldexp(value, -step)), step)
    return rounded if abs(rounded) <= largest else math.copysign(math.inf, value)
