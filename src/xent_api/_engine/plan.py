"""A plan, which serves every call with the same dtypes, shapes and options; and its run."""

from typing import NamedTuple

from .._backends.base import Backend, Prepared, static_size
from .._checks.checker import Inputs
from .._checks.dtypes import dtype_of
from .._math.program import Differentiable, LossProgram
from .._math.totals import DivisorProgram, QuotientProgram
from .._shard import ClassShard
from .._typing import Array, DType, Reduction
from .count import Counter, class_weigher, counter_of
from .evaluate import evaluate
from .rows import from_rows


class Plan(NamedTuple):
    """Everything a call needs except its arrays."""

    backend: Backend
    axis: int | None
    """The axis of the classes, from the end, if there are any."""
    counter: Counter | None
    """How to count the kept positions, or to add up their weights, where a mean needs that."""
    program: Differentiable
    summed: tuple[bool, ...]
    """Which outputs of the program are added up."""
    finish: QuotientProgram
    prepared: Prepared | None = None
    """What evaluates the program and the last step, where the backend has something faster."""


def plan(
    inputs: Inputs, arrays: dict[str, Array], outputs: tuple[str, ...], reduction: Reduction
) -> Plan:
    """Return the plan for the outputs of a family: losses reduced, derivatives of reduced losses.

    The arrays are those of `inputs`, as `to_rows` returns them. What is not summed is divided by
    the denominator of a mean, if there is one, elementwise. Sums are divided afterwards, so that
    the program does not depend on the batch size.
    """
    backend, logits = inputs.backend, arrays["logits"]
    numbers, counter = _denominator(inputs, arrays, reduction)
    summed = tuple([name == "loss" and reduction != "none" for name in outputs])
    unused = {"positions"} | ({"denominator"} if all(summed) else set())
    names = [*arrays, "denominator"] if counter else list(arrays)
    if inputs.family.has_indices:
        names.append("classes")
    operands = tuple([name for name in names if name not in unused])
    constants = {name: (number, number.hex()) for name, number in numbers.items()}
    compute = dtype_of(backend.xp, inputs.compute)
    rowwise = inputs.axis is not None
    wide = backend.row_dtype(logits) if rowwise else None
    program = LossProgram(
        inputs.family.name,
        outputs,
        operands,
        compute,
        _results(inputs, logits, outputs, summed),
        tuple(
            [not add and name != "probabilities" for name, add in zip(outputs, summed, strict=True)]
        ),
        tuple([item for item in constants.items() if item[0] not in unused]),
        inputs.ignored,
        inputs.smoothing,
        wide=compute if rowwise and wide is None else wide,
        size=_size(inputs, logits) if rowwise else None,
    )
    if "denominator" in operands and program.outweighs_its_total:
        program = program.with_division_last()
    finish = QuotientProgram(inputs.dtype, constants.get("denominator"))
    known = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    if counter is not None:
        known["denominator"] = counter.dtype, ()
    specs = [known.get(name) for name in operands]
    prepared = None
    if inputs.shard is None:
        prepared = backend.prepared(program, finish, summed, specs)
    return Plan(backend, inputs.axis, counter, program, summed, finish, prepared)


def run(plan: Plan, arrays: dict[str, Array], shard: ClassShard | None = None) -> tuple[Array, ...]:
    """Return the outputs for these arrays (name → array, as `to_rows` returns them)."""
    backend, axis, counter, program, summed, finish, prepared = plan
    given = arrays
    if counter is not None:
        number = counter.total(backend, arrays, shard)
        given = arrays = arrays | {"denominator": number}
        last = isinstance(program, LossProgram) and program.divides_last
        if "denominator" in program.operands and not last:
            (divisor,) = backend.evaluate(DivisorProgram(), (number,), (False,))
            given = arrays | {"denominator": divisor}
    denominator = arrays.get("denominator") if True in summed else None
    divisors = () if denominator is None or finish.number is not None else (denominator,)
    found = None
    if prepared is not None:
        found = prepared(tuple([given.get(name) for name in program.operands]), divisors)
    if found is None:
        found = _evaluate(plan, given, divisors, shard)
    if axis is None:
        return found
    return tuple(
        [
            value if add else from_rows(backend, name, value, axis)
            for name, value, add in zip(program.outputs, found, summed, strict=True)
        ]
    )


def _evaluate(
    plan: Plan, arrays: dict[str, Array], divisors: tuple[Array, ...], shard: ClassShard | None
) -> tuple[Array, ...]:
    """Return the outputs, by the backend's ways of evaluating any program."""
    backend, program, summed = plan.backend, plan.program, plan.summed
    found = evaluate(backend, program, arrays, summed, shard)
    if True not in summed:
        return found
    return tuple(
        backend.evaluate(plan.finish, (value, *divisors), (False,))[0] if add else value
        for value, add in zip(found, summed, strict=True)
    )


def _denominator(
    inputs: Inputs, arrays: dict[str, Array], reduction: Reduction
) -> tuple[dict[str, float], Counter | None]:
    """Return the numbers of a call with the denominator, or how to count it where it is none."""
    backend, numbers = inputs.backend, inputs.numbers
    if reduction not in ("mean", "weighted_mean") or "denominator" in numbers | arrays:
        return numbers, None
    weighted = reduction == "weighted_mean"
    if weighted and "class_weights" in arrays:
        return numbers, class_weigher(
            backend,
            inputs.family,
            arrays,
            numbers,
            inputs.ignored,
            dtype_of(backend.xp, inputs.compute),
            inputs.shard,
        )
    weight = numbers.get("weights") if weighted else None
    size = static_size(inputs.shape) if backend.sized() else None
    optional = ("mask", "weights") if weighted else ("mask",)
    names = [name for name in optional if name in arrays]
    if size is not None and not names and inputs.ignored is None:
        total = float(size) if weight is None else size * weight if size else 0.0
        return numbers | {"denominator": total}, None
    positions = "labels" if inputs.axis is None else "positions"
    counted = {name: arrays[name] for name in (positions, *names)}
    return numbers, counter_of(backend, counted, weight, inputs.ignored)


def _size(inputs: Inputs, logits: Array) -> int:
    """Return the number of all classes."""
    size: int = logits.shape[-1] if inputs.shard is None else inputs.shard.size
    return size


def _results(
    inputs: Inputs, logits: Array, outputs: tuple[str, ...], summed: tuple[bool, ...]
) -> tuple[DType, ...]:
    """Return the dtypes of the outputs: those of sums are rounded after they are divided."""
    backend = inputs.backend
    wide = None if inputs.axis is None else backend.accumulator(logits)
    total = dtype_of(backend.xp, inputs.compute) if wide is None else wide
    return tuple(
        [
            total if add else inputs.dtype if name == "loss" else logits.dtype
            for name, add in zip(outputs, summed, strict=True)
        ]
    )
