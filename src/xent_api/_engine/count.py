"""The sum of the weights of the kept positions."""

from collections.abc import Iterable
from typing import NamedTuple

from .._backends.base import Backend, Prepared, static_size
from .._backends.names import name_of
from .._checks.checker import Family, TotalInputs
from .._checks.dtypes import FLOATING, compute_name
from .._checks.shapes import same_shape
from .._math.program import LossProgram
from .._math.totals import CountProgram, QuotientProgram
from .._shard import ClassShard
from .._typing import Array, DType
from .evaluate import evaluate
from .rows import to_rows


class Counter(NamedTuple):
    """What adds up the weights of positions, or counts them."""

    program: CountProgram
    dtype: DType
    """The dtype of the sum."""
    by_class: LossProgram | None = None
    """What makes the weights of rows of class weights and others; `program` adds them up."""
    prepared: Prepared | None = None
    """What does so faster."""

    def total(
        self, backend: Backend, arrays: dict[str, Array], shard: ClassShard | None = None
    ) -> Array:
        """Return the sum."""
        if self.by_class is not None:
            arrays = {"weights": self._weights(backend, self.by_class, arrays, shard)}
        operands = tuple([arrays[name] for name in self.program.operands])
        (total,) = backend.evaluate(self.program, operands, (True,))
        return total

    def _weights(
        self,
        backend: Backend,
        program: LossProgram,
        arrays: dict[str, Array],
        shard: ClassShard | None,
    ) -> Array:
        """Return the weights of rows."""
        found = None
        if self.prepared is not None:
            found = self.prepared(tuple([arrays.get(name) for name in program.operands]), ())
        return (found or evaluate(backend, program, arrays, (False,), shard))[0]


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
    return total if counter.program.counts else _rounded(backend, total, counter.program.dtype)


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
    options = inputs.ignored, dtype, inputs.shard
    counter = class_weigher(backend, inputs.family, arrays, numbers, *options)
    return _rounded(backend, counter.total(backend, arrays, inputs.shard), dtype)


def _rounded(backend: Backend, total: Array, dtype: DType) -> Array:
    (rounded,) = backend.evaluate(QuotientProgram(dtype, None), (total,), (False,))
    return rounded


def class_weigher(
    backend: Backend,
    family: Family,
    arrays: dict[str, Array],
    numbers: dict[str, float],
    ignored: float | None,
    compute: DType,
    shard: ClassShard | None,
) -> Counter:
    """Return what adds up the weights of rows by their classes, for arrays as of `to_rows`."""
    names: list[str] = ["labels", "mask", "weights", "class_weights"]
    names = [name for name in names if name in arrays]
    if family.has_indices:
        names.append("classes")
    wide = _wide(backend, arrays["labels"])
    constants = tuple([(n, (v, v.hex())) for n, v in numbers.items() if n == "weights"])
    row = backend.row_dtype(arrays["labels"])
    by_class = LossProgram(
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
        size=arrays["class_weights"].shape[0] if shard is None else shard.size,
    )
    specs = [(arrays[n].dtype, arrays[n].shape) if n in arrays else None for n in names]
    prepared = None
    if shard is None:
        prepared = backend.prepared(by_class, QuotientProgram(wide, None), (False,), specs)
    # Added up as other weights are, with the same bits.
    program = CountProgram(("weights",), wide, None, None, aligned=True)
    return Counter(program, wide, by_class, prepared)


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
