"""A call of a function of `xent_api.special`."""

import math

from .._checks.checker import SpecialInputs, check_special
from .._checks.dtypes import FLOATING, dtype_of
from .._checks.shapes import without
from .._math.special import ROWS, SpecialProgram
from .._math.totals import QuotientProgram
from .._shard import ClassShard
from .._typing import Array
from .call import keep, key_of, known_plan
from .plan import Plan, run
from .rows import last, with_axis


def special(
    name: str,
    x: Array,
    *,
    axis: int | None = None,
    keepdims: bool = False,
    shard: ClassShard | None = None,
) -> Array:
    """Return a function of x; one of rows along an axis, which may be kept with one element."""
    arguments = {"x": x, "axis": axis, "shard": shard}
    key = key_of(name, arguments)
    plan = known_plan(key)
    if plan is None:
        inputs = check_special(x, axis, shard, has_classes=name in ROWS)
        x = inputs.x
        if inputs.axis is not None and x.shape[inputs.axis] == 0 and shard is None:
            return _of_no_classes(inputs, name, keepdims=keepdims)
        plan = _plan(inputs, name, shard)
        keep(key, plan)
    if plan.axis is None:
        return run(plan, {"logits": x})[0]
    (found,) = run(plan, {"logits": last(plan.backend, x, plan.axis)}, shard)
    return with_axis(found, plan.axis) if keepdims else found


def _plan(inputs: SpecialInputs, name: str, shard: ClassShard | None) -> Plan:
    backend, x, axis, compute = inputs.backend, inputs.x, inputs.axis, inputs.compute
    dtype = dtype_of(backend.xp, compute)
    wide = None if axis is None else backend.row_dtype(x)
    program = SpecialProgram(
        (name,),
        dtype,
        (x.dtype,),
        wide=dtype if wide is None else wide,
        size=shard.size if shard else None if axis is None else x.shape[axis],
        largest=FLOATING[compute].largest,
    )
    shape = tuple(x.shape)
    if axis is not None:
        shape = (*without(shape, axis), shape[axis])
    finish, summed = QuotientProgram(x.dtype, None), (False,)
    prepared = None
    if shard is None:
        prepared = backend.prepared(program, finish, summed, [(x.dtype, shape)])
    return Plan(backend, axis, None, program, summed, finish, prepared)


def _of_no_classes(inputs: SpecialInputs, name: str, *, keepdims: bool) -> Array:
    """Return what a function of rows is where there are no classes."""
    ops, x = inputs.backend.ops, inputs.x
    if name != "logsumexp":
        return ops.zeros_like(x)
    return ops.cast(ops.sum(x, axis=inputs.axis, keepdims=keepdims) - math.inf, x.dtype)
