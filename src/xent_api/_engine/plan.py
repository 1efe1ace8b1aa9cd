"""From programs to what a family function returns: sums, counts and denominators."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .._backends.base import Backend, static_size
from .._backends.names import name_of
from .._checks.checked import Inputs, TotalInputs
from .._checks.dtypes import FLOATING, compute_name, dtype_of
from .._checks.shapes import same_shape
from .._math.sigmoid_program import SigmoidProgram
from .._math.softmax_program import SoftmaxProgram
from .._math.totals import CountProgram, QuotientProgram
from .._typing import Array, DType, Reduction
from .rows import aligned, restored


class Plan(NamedTuple):
    """All of a call but its arrays: it serves every call with such dtypes, shapes and options."""

    backend: Backend
    axis: int | None
    """The axis of the classes, from the end, if there are any."""
    counter: CountProgram | None
    """How to count the kept positions, where a mean needs their number."""
    program: SigmoidProgram | SoftmaxProgram
    summed: tuple[bool, ...]
    """Which outputs of the program are added up."""
    finish: QuotientProgram
    run: Callable[[tuple[Array, ...]], tuple[Array, ...]] | None = None
    """What evaluates the program, where the backend has something faster for these arrays."""


def plan(inputs: Inputs, outputs: tuple[str, ...], reduction: Reduction) -> Plan:
    """Return the plan for the outputs of a family: losses reduced, derivatives of reduced losses.

    What is not summed is divided by the denominator of a mean, if there is one, elementwise.
    """
    backend, axis = inputs.backend, inputs.axis
    arrays = inputs.arrays if axis is None else aligned(backend, inputs.arrays, axis)
    numbers, names, counter = inputs.numbers, list(arrays), None
    positions = "labels" if axis is None else "positions"
    if reduction == "mean" and "denominator" not in inputs.numbers | inputs.arrays:
        size = static_size(inputs.shape) if backend.sized() else None
        if size is not None and "mask" not in arrays and inputs.ignored is None:
            numbers = numbers | {"denominator": float(size)}
        else:
            counted = tuple(name for name in (positions, "mask") if name in arrays)
            same = _aligned([arrays[name] for name in counted])
            counter = CountProgram(counted, backend.xp.int8, None, inputs.ignored, same)
            names.append("denominator")
    summed = tuple(name == "loss" and reduction != "none" for name in outputs)
    written = {name: number.hex() for name, number in numbers.items()}
    # What is only added up is divided later: a program should not differ by the size of a batch.
    unused = {"denominator"} if all(summed) else set()
    if axis is not None:
        unused.add("positions")
    compute, result = dtype_of(backend.xp, inputs.compute), inputs.arrays["logits"].dtype
    total = compute
    if axis is not None:
        total = _given(backend.accumulator(inputs.arrays["logits"]), compute)
    common: dict[str, Any] = {
        "outputs": outputs,
        "operands": tuple(name for name in names if name not in unused),
        "compute": compute,
        "results": tuple(total if add else result for add in summed),
        "divided": tuple(not add for add in summed),
        "numbers": tuple(item for item in written.items() if item[0] not in unused),
        "ignored": inputs.ignored,
        "smoothing": inputs.smoothing,
    }
    program: SigmoidProgram | SoftmaxProgram
    if axis is None:
        program = SigmoidProgram(**common, differentiable=backend.differentiates)
    else:
        size = arrays["logits"].shape[-1]
        constant = backend.constant if backend.differentiates else None
        common["constant"] = constant
        wide = _given(backend.row_dtype(inputs.arrays["logits"]), compute)
        program = SoftmaxProgram(**common, wide=wide, size=size)
    finish = QuotientProgram(result, written.get("denominator"))
    run = None
    if set(arrays).issuperset(program.operands):
        operands = tuple(arrays[name] for name in program.operands)
        run = backend.prepared(program, operands, summed)
    return Plan(backend, axis, counter, program, summed, finish, run)


def carry_out(plan: Plan, arrays: dict[str, Array]) -> tuple[Array, ...]:
    """Return the outputs for these arrays (name of the argument → array)."""
    backend, axis, counter, program, summed, finish, run = plan
    if axis is not None:
        arrays = aligned(backend, arrays, axis)
    if counter is not None:
        counted = tuple(arrays[name] for name in counter.operands)
        (number,) = backend.evaluate(counter, counted, (True,))
        arrays = arrays | {"denominator": number}
    operands = tuple([arrays[name] for name in program.operands])
    found = backend.evaluate(program, operands, summed) if run is None else run(operands)
    if axis is not None:
        found = tuple(
            value if add else restored(backend, name, value, axis)
            for name, value, add in zip(program.outputs, found, summed, strict=True)
        )
    if True not in summed:
        return found
    denominator = arrays.get("denominator")
    divisor = () if denominator is None or finish.number is not None else (denominator,)
    return tuple(
        backend.evaluate(finish, (value, *divisor), (False,))[0] if add else value
        for value, add in zip(found, summed, strict=True)
    )


def total_weight(inputs: TotalInputs) -> Array:
    """Return the sum of the weights of the kept positions, or their number."""
    backend, number, ignored = inputs.backend, inputs.number, inputs.ignored
    labels = inputs.arrays["labels"]
    if inputs.axis is not None:  # rows are counted by their first class
        labels = backend.xp.moveaxis(labels, inputs.axis, -1)[..., 0]
    operands = {name: v for name, v in inputs.arrays.items() if name in ("mask", "weights")}
    weights = operands.get("weights") if number is None else number
    dtype = _weight_dtype(backend, labels, weights)
    size = static_size(tuple(labels.shape)) if backend.sized() else None
    if size is not None and ignored is None and not operands:
        return _constant(backend, labels, size, number, dtype)
    operands = {"labels": labels} | operands
    program = CountProgram(tuple(operands), dtype, number, ignored, _aligned(operands.values()))
    (total,) = backend.evaluate(program, tuple(operands.values()), (True,))
    if weights is None:
        return total
    (rounded,) = backend.evaluate(QuotientProgram(dtype, None), (total,), (False,))
    return rounded


def _aligned(arrays: Iterable[Array]) -> bool:
    """Tell whether arrays are known to have one shape."""
    shapes = [tuple(array.shape) for array in arrays]
    # Not by `count`: torch's compiler does not compare tuples of symbols.
    return static_size(shapes[0]) is not None and all(same_shape(s, shapes[0]) for s in shapes)


def _given(dtype: DType | None, other: DType) -> DType:
    return other if dtype is None else dtype


def _constant(
    backend: Backend, labels: Array, size: int, number: float | None, dtype: DType
) -> Array:
    """Return a total that is known from the shape alone."""
    xp = backend.xp
    if number is None:
        dtype = backend.count_dtype(labels)
    value = size if number is None else size * number if size else 0.0
    return xp.full((), value, dtype=dtype, **backend.creation(labels))


def _weight_dtype(backend: Backend, labels: Array, weights: Array | float | None) -> DType:
    """Return the dtype of a total: that in which weights are computed, the widest for numbers."""
    xp = backend.xp
    if weights is None:
        return xp.int8
    # By name: NumPy's `isdtype` refuses the dtypes of ml_dtypes.
    if not isinstance(weights, float) and (name := name_of(weights.dtype)) in FLOATING:
        return dtype_of(xp, compute_name(name))
    wide = backend.accumulator(labels)
    return xp.float32 if wide is None else wide
