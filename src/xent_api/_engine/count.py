"""The sum of the weights of the kept positions."""

from collections.abc import Iterable

from .._backends.base import Backend, static_size
from .._backends.names import name_of
from .._checks.checker import TotalInputs
from .._checks.dtypes import FLOATING, compute_name, dtype_of
from .._checks.shapes import same_shape
from .._math.totals import CountProgram, QuotientProgram
from .._typing import Array, DType


def total_weight(inputs: TotalInputs) -> Array:
    """Return the sum of the weights of the kept positions, or their number."""
    backend, number, ignored = inputs.backend, inputs.number, inputs.ignored
    labels = inputs.arrays["labels"]
    if inputs.axis is not None:  # rows are counted by their first class
        labels = backend.positions(labels, inputs.axis)[..., 0]
    operands = {name: v for name, v in inputs.arrays.items() if name in ("mask", "weights")}
    weights = operands.get("weights") if number is None else number
    dtype = _weight_dtype(backend, labels, weights)
    size = static_size(tuple(labels.shape)) if backend.sized() else None
    if size is not None and ignored is None and not operands:
        return _constant(backend, labels, size, number, dtype)
    operands = {"labels": labels} | operands
    aligned = are_aligned(operands.values())
    weight = None if number is None else (number, number.hex())
    program = CountProgram(tuple(operands), dtype, weight, ignored, aligned)
    (total,) = backend.evaluate(program, tuple(operands.values()), (True,))
    if weights is None:
        return total
    (rounded,) = backend.evaluate(QuotientProgram(dtype, None), (total,), (False,))
    return rounded


def are_aligned(arrays: Iterable[Array]) -> bool:
    """Tell whether arrays are known to have one shape."""
    shapes = [tuple(array.shape) for array in arrays]
    # Not by `count`: compilers do not compare tuples of symbols.
    return static_size(shapes[0]) is not None and all(same_shape(s, shapes[0]) for s in shapes)


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
    # By name: `isdtype` may refuse dtypes that are no library's own.
    if not isinstance(weights, float) and (name := name_of(weights.dtype)) in FLOATING:
        return dtype_of(xp, compute_name(name))
    wide = backend.accumulator(labels)
    return xp.float32 if wide is None else wide
