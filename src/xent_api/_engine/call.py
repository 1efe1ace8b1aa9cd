"""A call of a family function: checked, planned, carried out."""

from collections.abc import Callable

from .._backends.registry import signatures
from .._checks.checked import Inputs
from .._typing import Array
from .plan import Plan, carry_out, plan

OPTIONS = frozenset({bool, int, float, str})
MOST = 256
_plans: dict[tuple[object, ...], Plan] = {}
"""Plans of calls that were checked before, of which a new one differs in values alone. Checking and
planning take some 40 us, which small arrays would feel."""


def call(
    check: Callable[..., Inputs], outputs: tuple[str, ...], arguments: dict[str, Array]
) -> tuple[Array, ...]:
    """Return these outputs for the arguments of a family function, which `check` checks."""
    key = _key((check, outputs), arguments)
    known = None if key is None else _plans.get(key)
    if known is not None:
        return carry_out(known, arguments)
    inputs = check(**arguments)
    new = plan(inputs, outputs, arguments["reduction"])
    if key is not None:
        if len(_plans) >= MOST:
            _plans.clear()
        _plans[key] = new
    return carry_out(new, inputs.arrays)


def _key(family: object, arguments: dict[str, Array]) -> tuple[object, ...] | None:
    """Return all that a plan depends on, or None where an argument's part in it has no key."""
    found: list[object] = [family]
    for value in arguments.values():
        if value is None:
            found.append(None)
            continue
        kind = type(value)
        found.append(kind)
        if kind in OPTIONS:
            # 0.0 and -0.0 are equal, and NaN equals nothing.
            found.append(value.hex() if kind is float else value)
            continue
        signature = signatures.get(kind)
        part = None if signature is None else signature(value)
        if part is None:
            return None
        found.append(part)
    return tuple(found)
