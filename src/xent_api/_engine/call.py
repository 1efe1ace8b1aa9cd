"""A call of a public function."""

from typing import Any

from .._backends.names import name_of
from .._backends.registry import find_backend
from .._checks.checker import Family, check
from .._shard import ClassShard
from .._typing import Array
from .plan import Plan, plan, run
from .rows import to_rows

OPTIONS = (bool, int, float, str)  # no set: PyTorch 2.8's compiler takes none of types
MAX_PLANS = 256
Key = tuple[object, ...]
_plans: dict[Key, Plan] = {}
"""Plans of earlier calls. A call with the same types, dtypes, shapes and options reuses its plan;
only the values differ. Checking and planning take some 40 us, which small arrays would feel."""


def call(family: Family, outputs: tuple[str, ...], arguments: dict[str, Any]) -> tuple[Array, ...]:
    """Return these outputs for the arguments of a family function."""
    key = key_of((family, outputs), arguments)
    known = known_plan(key)
    if known is not None:
        arrays = to_rows(known.backend, family, arguments, known.axis)
        return run(known, arrays, arguments.get("shard"))
    inputs = check(family, arguments)
    arrays = to_rows(inputs.backend, family, inputs.arrays, inputs.axis)
    new = plan(inputs, arrays, outputs, arguments["reduction"])
    keep(key, new)
    return run(new, arrays, inputs.shard)


def known_plan(key: Key | None) -> Plan | None:
    """Return the plan of an earlier call."""
    return None if key is None else _plans.get(key)


def keep(key: Key | None, plan: Plan) -> None:
    """Keep a plan for later calls."""
    if key is not None:
        if len(_plans) >= MAX_PLANS:
            _plans.clear()
        _plans[key] = plan


def key_of(called: object, arguments: dict[str, Any]) -> Key | None:
    """Return all that a plan depends on, or None where an argument's part in it has no key."""
    found: list[object] = [called]
    for name, value in arguments.items():
        if value is None:
            continue
        kind = type(value)
        found += (name, kind)
        if name == "dtype":
            found.append(name_of(value))
        elif kind in OPTIONS:
            # 0.0 and -0.0 are equal, and NaN equals nothing.
            found.append(value.hex() if kind is float else value)
        elif kind is ClassShard:
            if not isinstance(value.first, int):
                return None
            found += (value.first, value.size)
        else:
            backend = find_backend(value)
            part = None if backend is None else backend.plan_key(value)
            if part is None:
                return None
            found.append(part)
    return tuple(found)
