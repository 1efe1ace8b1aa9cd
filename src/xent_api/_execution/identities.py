"""Steps of a tape for which a cheaper one gives the same bits."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Step(NamedTuple):
    """A call: ``slots[slot] = functions[name](*(slots[k] for k in inputs), out=...)``."""

    name: str
    inputs: tuple[int, ...]
    slot: int


Made = Mapping[int, Step]
"""Slot → the step that fills it."""
Numbers = Mapping[int, Any]
"""Slot → the constant that stands there."""


def shortened(name: str, inputs: tuple[int, ...], made: Made) -> tuple[str, tuple[int, ...]]:
    """Return the one step ``-abs(x)`` instead of the second of two, else the step itself."""
    if name == "negative":
        match made.get(inputs[0]):
            case Step("abs", operands):
                return "minus_abs", operands
    return name, inputs


def guarded(condition: int, x: int, made: Made, numbers: Numbers) -> int | None:
    """Return r where the condition is ``(abs(x) == inf) & (r == 0)``, else None.

    A tile without infinities needs no such thing, which is soon found out.
    """
    both = made.get(condition)
    match [made.get(slot) for slot in both.inputs] if both else []:
        case [Step("equal", (size, limit)), Step("equal", (r, zero))]:
            same = made.get(size) == Step("abs", (x,), size)
            if same and numbers.get(limit) == math.inf and numbers.get(zero) == 0.0:
                return r
    return None
