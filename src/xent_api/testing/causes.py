"""Which function of a namespace is behind a wrong loss.

The loss is computed again with one function replaced by an exact one: where it is right then, that
function is the cause.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._backends.names import name_of
from .._checks.dtypes import FLOATING, round_to
from .._typing import Array, DType
from . import exact
from .carried import CarryingNamespace, quiet
from .check import Finding, check_family
from .families import FAMILIES
from .primitives import FUNCTIONS
from .targets import Target, nested

CANDIDATES = ("exp", "log1p", "sum")
"""The functions of the standard in the formulas that can be off by some digits."""
NARROW = {function.name: function.narrow for function in FUNCTIONS}
WITHIN = 700.0
"""Up to this size float64 has exponentials, and decimal arithmetic is asked for them."""


def explain(target: Target, findings: Iterable[Finding]) -> None:
    """Set `cause` of those findings whose misses one function explains."""
    missed = [f for f in findings if f.misses and not f.defect]
    order = list(CANDIDATES)
    for dtype, family in dict.fromkeys((f.dtype, f.family) for f in missed):
        here = [f for f in missed if (f.dtype, f.family) == (dtype, family)]
        for name in [n for n in order if hasattr(target.xp, n)]:
            right = _right_without(target, name, dtype, family)
            for finding in here:
                finding.cause = finding.cause or (name if finding.quantity in right else "")
            if all(finding.cause for finding in here):
                order.sort(key=lambda other: other != name)  # it may be that of the others, too
                break


def _right_without(target: Target, name: str, dtype: str, family: str) -> set[str]:
    """Return the quantities that are right where an exact function replaces the target's."""
    replaced = {name: _sum(target) if name == "sum" else _elementwise(target, name)}
    xp = CarryingNamespace(target.name, target.xp, replaced)
    mended = Target(target.name, xp, target.device)
    with target.context(), quiet():
        findings = check_family(mended, dtype, FAMILIES[family])
    return {finding.quantity for finding in findings if finding.passed}


def _elementwise(target: Target, name: str) -> Callable[[Array], Array]:
    narrow, wide = NARROW[name], exact.FUNCTIONS[name]

    def function(x: Array) -> Array:
        dtype = name_of(x.dtype)
        inside = WITHIN if dtype == "float64" else 0.0
        values = [float(wide(v)) if 0.0 < abs(v) < inside else narrow(v) for v in target.floats(x)]
        return _array(target, [round_to(v, dtype) for v in values], x.shape, dtype)

    return function


def _sum(target: Target) -> Callable[..., Array]:
    def function(
        x: Array, *, axis: int | None = None, dtype: DType | None = None, keepdims: bool = False
    ) -> Array:
        name = name_of(x.dtype if dtype is None else dtype)
        if name not in FLOATING or axis not in (None, -1):
            return target.xp.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)
        size = math.prod(x.shape) if axis is None else x.shape[-1]
        count = 1 if axis is None else math.prod(x.shape[:-1])
        values = target.floats(x)
        totals = [_total(values[i * size : (i + 1) * size]) for i in range(count)]
        shape = (1,) * x.ndim if axis is None else (*x.shape[:-1], 1)
        if not keepdims:
            shape = () if axis is None else shape[:-1]
        return _array(target, [round_to(v, name) for v in totals], shape, name)

    return function


def _total(values: Sequence[float]) -> float:
    """Return the sum, rounded once."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # beyond the largest number; infinities of both signs
        return sum(values)


def _array(target: Target, values: list[float], shape: tuple[int, ...], dtype: str) -> Any:
    if 0 in shape:
        return target.xp.reshape(target.asarray([], dtype), shape)
    return target.asarray(nested(values, shape), dtype)
