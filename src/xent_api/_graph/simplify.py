"""Steps of a tape for which a cheaper one gives the same bits."""

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


FEW_DIGITS = 2.0**-10
"""The sum of all but one, below which the 1 must not have been in it: float64 leaves 42 bits of it
in a sum, of which float32 takes 24."""


def shortened(
    name: str, inputs: tuple[int, ...], made: Made, numbers: Numbers
) -> tuple[str, tuple[int, ...]]:
    """Return one step instead of the last of several, else the step itself.

    ``-abs(x)``; a division by an array of one number everywhere, which NumPy and PyTorch's CPUs
    divide by like any other; and ``sum(e - floor(e)) + (sum(floor(e)) - 1)`` over the classes, for
    0 <= e <= 1.
    """
    if name == "divide":
        number = _everywhere(inputs[1], made, numbers)
        return name, inputs if number is None else (inputs[0], number)
    if name == "negative":
        match made.get(inputs[0]):
            case Step("abs", operands):
                return "minus_abs", operands
    if name == "add":
        match [made.get(slot) for slot in inputs]:
            case [Step("sum0" | "sum1" as total, (rest,)), Step("subtract", (count, one))]:
                e = _without_ones(rest, count, made)
                if e is not None and numbers.get(one) == 1.0:
                    return f"all_but_one{total[-1]}", (e,)
    return name, inputs


def _everywhere(value: int, made: Made, numbers: Numbers) -> int | None:
    """Return the number where the value is ``zeros_like(...) + number``, else None."""
    match made.get(value):
        case Step("add", (zeros, number)) if number in numbers:
            filled = made.get(zeros)
            if filled and filled.name == "full_like" and numbers.get(filled.inputs[1]) == 0:
                return number
    return None


def _without_ones(rest: int, count: int, made: Made) -> int | None:
    """Return e where these are ``e - floor(e)`` and (cast) ``sum(floor(e))``, else None."""
    step = made.get(count)
    if step and step.name == "astype":
        step = made.get(step.inputs[0])
    match [made.get(rest), step]:
        case [Step("subtract", (e, first)), Step("sum0" | "sum1", (second,))] if first == second:
            return e if made.get(first) == Step("floor", (e,), first) else None
    return None


def added_at_labels(value: int, made: Made, numbers: Numbers) -> tuple[int | None, int]:
    """Return the labels and r where the value is ``r * (apart - 1)``, which is -r at the label."""
    match made.get(value):
        case Step("multiply", (r, factor)):
            match made.get(factor):
                case Step("subtract", (apart, one)) if numbers.get(one) == 1.0:
                    return apart_from(apart, made, numbers), r
    return None, value


def apart_from(value: int, made: Made, numbers: Numbers) -> int | None:
    """Return the labels where the value is ``minimum(abs(classes - labels), 1)`` of cast ones."""
    step = made.get(value)
    match [made.get(slot) for slot in step.inputs] if step and step.name == "minimum" else []:
        case [Step("abs", (difference,)), Step("full_like", (_, one))] if numbers.get(one) == 1:
            match made.get(difference):
                case Step("subtract", (_, labels)) if labels in made:
                    cast = made[labels]
                    return cast.inputs[0] if cast.name == "astype" else None
    return None
