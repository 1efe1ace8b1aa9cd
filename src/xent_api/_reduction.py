"""From elementwise programs to what a family function returns: sums, counts and denominators."""

from ._execution.direct import Backend
from ._execution.names import name_of
from ._inputs.dtypes import compute_name, dtype_of
from ._inputs.shapes import static_size
from ._inputs.sigmoid import Inputs
from ._program import CountProgram, QuotientProgram, SigmoidProgram
from ._typing import Array, DType, Reduction


def results(inputs: Inputs, outputs: tuple[str, ...], reduction: Reduction) -> tuple[Array, ...]:
    """Return the outputs of a family: losses reduced, derivatives those of the reduced loss.

    What is not summed is divided by the denominator of the inputs, if they have one, elementwise.
    """
    if reduction == "mean":
        inputs = with_denominator(inputs)
    xp = inputs.backend.xp
    compute = dtype_of(xp, inputs.compute)
    result = inputs.arrays["logits"].dtype
    summed = tuple(name == "loss" and reduction != "none" for name in outputs)
    operands = {
        name: value
        for name, value in inputs.arrays.items()
        if name != "denominator" or not all(summed)
    }
    program = SigmoidProgram(
        outputs=outputs,
        operands=tuple(operands),
        compute=compute,
        results=tuple(compute if add else result for add in summed),
        divided=tuple(not add for add in summed),
        numbers=tuple(inputs.numbers.items()),
        ignored=inputs.ignored,
        smoothing=inputs.smoothing,
    )
    found = inputs.backend.evaluate(program, tuple(operands.values()), summed)
    return tuple(
        _finish(inputs, value, result) if add else value
        for value, add in zip(found, summed, strict=True)
    )


def _finish(inputs: Inputs, total: Array, result: DType) -> Array:
    program = QuotientProgram(result, inputs.numbers.get("denominator"))
    denominator = inputs.arrays.get("denominator")
    operands = (total,) if denominator is None else (total, denominator)
    return inputs.backend.evaluate(program, operands, (False,))[0]


def with_denominator(inputs: Inputs) -> Inputs:
    """Return the inputs of a mean with its denominator: by default the number kept."""
    if "denominator" in inputs.arrays or "denominator" in inputs.numbers:
        return inputs
    size = static_size(inputs.shape)
    if size is not None and "mask" not in inputs.arrays and inputs.ignored is None:
        return inputs._replace(numbers=inputs.numbers | {"denominator": float(size)})
    count = total_weight(
        inputs.backend, inputs.arrays["labels"], inputs.arrays.get("mask"), None, inputs.ignored
    )
    return inputs._replace(arrays=inputs.arrays | {"denominator": count})


def total_weight(
    backend: Backend,
    labels: Array,
    mask: Array | None,
    weights: Array | float | None,
    ignored: float | None,
) -> Array:
    """Return the sum of the weights of the kept positions, or their number."""
    number = weights if isinstance(weights, float) else None
    arrays: dict[str, Array] = {"mask": mask, "weights": weights if number is None else None}
    operands = {name: value for name, value in arrays.items() if value is not None}
    dtype = _weight_dtype(backend, labels, weights)
    size = static_size(tuple(labels.shape))
    if size is not None and ignored is None and not operands:
        return _constant(backend, labels, size, number, dtype)
    operands = {"labels": labels} | operands
    program = CountProgram(tuple(operands), dtype, number, ignored)
    (total,) = backend.evaluate(program, tuple(operands.values()), (True,))
    if weights is None:
        return total
    (rounded,) = backend.evaluate(QuotientProgram(dtype, None), (total,), (False,))
    return rounded


def _constant(
    backend: Backend, labels: Array, size: int, number: float | None, dtype: DType
) -> Array:
    """Return a total that is known from the shape alone."""
    xp = backend.xp
    if number is None:
        info = xp.__array_namespace_info__()
        dtype = info.default_dtypes(device=backend.device(labels))["integral"]
    value = size if number is None else size * number if size else 0.0
    return xp.full((), value, dtype=dtype, **backend.creation(labels))


def _weight_dtype(backend: Backend, labels: Array, weights: Array | float | None) -> DType:
    """Return the dtype of a total: that in which weights are computed, the widest for numbers."""
    xp = backend.xp
    if weights is None:
        return xp.int8
    if not isinstance(weights, float) and xp.isdtype(weights.dtype, "real floating"):
        return dtype_of(xp, compute_name(name_of(weights.dtype)))
    wide = backend.accumulator(labels)
    return xp.float32 if wide is None else wide
