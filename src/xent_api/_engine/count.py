"""The sum of the weights of the kept positions."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from .._backends.base import Backend, Prepared, static_size
from .._backends.names import name_of
from .._checks.checker import Family, TotalInputs
from .._checks.dtypes import FLOATING, compute_name
from .._checks.shapes import same_shape
from .._math.program import LossProgram
from .._math.totals import CountProgram, QuotientProgram
from .._typing import Array, DType
from .rows import to_rows


class Counter(NamedTuple):
    """What adds up the weights of positions, or counts them."""

    program: Any
    """A `CountProgram`, or a `LossProgram` of weights."""
    dtype: DType
    """The dtype of the sum."""
    evaluate: Prepared | None = None
    """What does so faster."""

    @property
    def counts(self) -> bool:
        """Whether the sum is a number of positions."""
        return isinstance(self.program, CountProgram) and self.program.counts

    def total(self, backend: Backend, arrays: dict[str, Array]) -> Array:
        """Return the sum."""
        program = self.program
        if isinstance(program, LossProgram):
            # Added up as other weights are, with the same bits.
            rows = self._weights(backend, arrays)
            return counter_of(backend, {"weights": rows}, None, None).total(
                backend, {"weights": rows}
            )
        operands = tuple([arrays[name] for name in program.operands])
        (total,) = backend.evaluate(program, operands, (True,))
        return total

    def _weights(self, backend: Backend, arrays: dict[str, Array]) -> Array:
        """Return the weights of rows."""
        program, found = self.program, None
        if self.evaluate is not None:
            found = self.evaluate(tuple([arrays.get(name) for name in program.operands]), ())
        if found is None:
            if "classes" in program.operands:
                numbers = backend.class_numbers(program.size, arrays["labels"])
                arrays = arrays | {"classes": numbers}
            operands = tuple([arrays[name] for name in program.operands])
            found = backend.evaluate(program, operands, (False,))
        return found[0]


def total_weight(inputs: TotalInputs) -> Array:
    """Return the sum of the weights of the kept positions, or their number."""
    backend, number, ignored = inputs.backend, inputs.number, inputs.ignored
    labels = inputs.arrays["labels"]
    if "class_weights" in inputs.arrays:
        return _class_weighted(inputs)
    if inputs.axis is not None:  # rows are counted by their first class
        labels = backend.positions(labels, inputs.axis)[..., 0]
    operands = {name: v for name, v in inputs.arrays.items() if name in ("mask", "weights")}
    size = static_size(tuple(labels.shape)) if backend.sized() else None
    if size is not None and ignored is None and not operands:
        return _constant(backend, labels, size, number)
    operands = {"labels": labels} | operands
    counter = counter_of(backend, operands, number, ignored)
    total = counter.total(backend, operands)
    if counter.counts:
        return total
    dtype = counter.program.dtype
    (rounded,) = backend.evaluate(QuotientProgram(dtype, None), (total,), (False,))
    return rounded


def counter_of(
    backend: Backend, operands: dict[str, Array], number: float | None, ignored: float | None
) -> Counter:
    """Return what adds up the weights of positions, or counts them.

    For operands of which the first one has the shape of all, and a weight that is a `number`.
    """
    first = next(iter(operands.values()))
    weights = operands.get("weights") if number is None else number
    dtype = _weight_dtype(backend, first, weights)
    weight = None if number is None else (number, number.hex())
    program = CountProgram(tuple(operands), dtype, weight, ignored, are_aligned(operands.values()))
    of_sum = backend.count_dtype(first) if program.counts else _wide(backend, first)
    return Counter(program, of_sum)


def _class_weighted(inputs: TotalInputs) -> Array:
    backend, number = inputs.backend, inputs.number
    axis = -1 if inputs.axis is None else inputs.axis
    arrays = to_rows(backend, inputs.family, inputs.arrays, axis)
    weights = arrays.get("weights") if number is None else number
    dtype = _weight_dtype(backend, arrays["labels"], weights, arrays["class_weights"])
    numbers = {} if number is None else {"weights": number}
    size = arrays["class_weights"].shape[0]
    counter = class_weigher(backend, inputs.family, arrays, numbers, inputs.ignored, dtype, size)
    total = counter.total(backend, arrays)
    (rounded,) = backend.evaluate(QuotientProgram(dtype, None), (total,), (False,))
    return rounded


def class_weigher(
    backend: Backend,
    family: Family,
    arrays: dict[str, Array],
    numbers: dict[str, float],
    ignored: float | None,
    compute: DType,
    size: int,
) -> Counter:
    """Return what adds up the weights of rows by their classes, for arrays as of `to_rows`."""
    names: list[str] = ["labels", "mask", "weights", "class_weights"]
    names = [name for name in names if name in arrays]
    if family.has_indices:
        names.append("classes")
    wide = _wide(backend, arrays["labels"])
    constants = tuple([(n, (v, v.hex())) for n, v in numbers.items() if n == "weights"])
    row = backend.row_dtype(arrays["labels"])
    program = LossProgram(
        family.name,
        ("weight",),
        tuple(names),
        compute,
        (wide,),
        (False,),
        constants,
        ignored,
        0.0,
        wide=compute if row is None else row,
        size=size,
    )
    specs = [(arrays[n].dtype, arrays[n].shape) if n in arrays else None for n in names]
    finish = QuotientProgram(wide, None)
    return Counter(program, wide, backend.prepared(program, finish, (False,), specs))


def are_aligned(arrays: Iterable[Array]) -> bool:
    """Tell whether arrays are known to have one shape."""
    shapes = [tuple(array.shape) for array in arrays]
    # Not by `count`: compilers do not compare tuples of symbols.
    return static_size(shapes[0]) is not None and all(same_shape(s, shapes[0]) for s in shapes)


def _constant(backend: Backend, labels: Array, size: int, number: float | None) -> Array:
    """Return a total that is known from the shape alone."""
    xp = backend.xp
    dtype = backend.count_dtype(labels) if number is None else _wide(backend, labels)
    value = size if number is None else size * number if size else 0.0
    return xp.full((), value, dtype=dtype, **backend.creation(labels))


def _weight_dtype(backend: Backend, like: Array, *weights: Array | float | None) -> DType:
    """Return the dtype of a total: that in which weights are computed, the widest for numbers."""
    given = [w for w in weights if w is not None]
    if not given:
        return backend.xp.int8
    # By name: `isdtype` may refuse dtypes that are no library's own.
    names = ["" if isinstance(w, float) else name_of(w.dtype) for w in given]
    if all(name in FLOATING and compute_name(name) == "float32" for name in names):
        return backend.xp.float32
    return backend.xp.float64 if "float64" in names else _wide(backend, like)


def _wide(backend: Backend, like: Array) -> DType:
    wide = backend.accumulator(like)
    return backend.xp.float32 if wide is None else wide
