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
from .errors import Errors
from .families import FAMILIES
from .primitives import FUNCTIONS, error_of
from .targets import Target, nested

CANDIDATES = ("exp", "log1p", "sum")
"""The functions of the standard in the formulas that can be off by some digits."""
NARROW = {function.name: function.narrow for function in FUNCTIONS}
WITHIN = 700.0
"""Up to this size float64 has exponentials, and decimal arithmetic is asked for them."""


def explain(target: Target, findings: Iterable[Finding]) -> None:
    """Set `cause` of those findings whose misses one function explains."""
    missed = [f for f in findings if f.misses and not f.defect]
    order = [name for name in CANDIDATES if hasattr(target.xp, name)]
    for dtype, family in dict.fromkeys((f.dtype, f.family) for f in missed):
        # What is right by the plain formula is missed by something else: a kernel, a rule, tiles.
        right = _right(target, dtype, family)
        here = [f for f in missed if (f.dtype, f.family) == (dtype, family)]
        here = [f for f in here if f.quantity not in right]
        for name in order if here else ():
            own = Errors(dtype)
            right = _right(target, dtype, family, name, own)
            for finding in here:
                if not finding.cause and finding.quantity in right:
                    finding.cause, finding.cause_at = name, own.largest
            if all(finding.cause for finding in here):
                order.sort(key=lambda other: other != name)  # it may be that of the others, too
                break


def _right(
    target: Target, dtype: str, family: str, name: str = "", own: Errors | None = None
) -> set[str]:
    """Return the quantities that are right by the formula, with an exact function in it.

    The errors that the target's own function has there are added to `own`.
    """
    replaced = {}
    if own is not None:
        replaced[name] = _sum(target) if name == "sum" else _elementwise(target, name, own)
    xp = CarryingNamespace("mended", target.xp, replaced)
    mended = Target("mended", xp, target.device)
    with target.context(), quiet():
        findings = check_family(mended, dtype, FAMILIES[family])
    return {finding.quantity for finding in findings if finding.passed}


def _elementwise(target: Target, name: str, own: Errors) -> Callable[[Array], Array]:
    narrow, wide = NARROW[name], exact.FUNCTIONS[name]

    def function(x: Array) -> Array:
        dtype = name_of(x.dtype)
        inside = WITHIN if dtype == "float64" else 0.0
        arguments = target.floats(x)
        values = [float(wide(v)) if 0.0 < abs(v) < inside else narrow(v) for v in arguments]
        got = target.floats(getattr(target.xp, name)(x))
        for at, value, right in zip(arguments, got, values, strict=True):
            if math.isfinite(right):
                own.add(error_of(value, right, dtype), (at,), value, right)
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
