"""What there is to check of each family: its points, and the calls that should give them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, partial
from itertools import groupby
from types import ModuleType
from typing import Any, NamedTuple

from .. import sigmoid_xent, softmax_xent, sparse_softmax_xent, special
from .._checks.dtypes import compute_name
from .._typing import Array
from . import bars, functions, rows, weighted
from .functions import FunctionVector, function_vectors
from .rows import SoftmaxVector, softmax_vectors
from .targets import Target
from .ulp import Exact, spacing
from .vectors import Vector, sigmoid_vectors
from .weighted import WeightedVector, weighted_vectors

INDEX = "int32"
"""The dtype of class indices in a check."""
MANY = 1 << 14
"""About how many losses make a mean."""
Call = Callable[..., Any]
"""``call(function, arrays, **options)``, which calls a function of a family."""


class Mean(NamedTuple):
    """The mean of many losses."""

    dtype: str
    logits: tuple[float, ...]
    labels: tuple[float, ...]
    exact: Fraction

    def __str__(self) -> str:
        count = len(self.logits)
        return f"{count} logits from x={self.logits[0]!r}, z={self.labels[0]!r} on"


AnyVector = Vector | SoftmaxVector | WeightedVector | FunctionVector | Mean


class Point(NamedTuple):
    """One number that a call should give."""

    vector: AnyVector
    exact: Exact
    allowed: Any
    """The largest error that is within the bar."""
    counted: bool
    """Whether the bar is in ulp, and no intermediate result is subnormal."""


@dataclass
class Batch:
    """What some calls look at."""

    vectors: tuple[Any, ...]
    results: Callable[[Target, tuple[Any, ...], Call], dict[str, Array]]
    """From a target, vectors and what calls the functions, to the result for each quantity."""
    points: Callable[[Any, str], Iterable[Point]]
    """From a vector and a quantity to what the results should be, one after the other."""
    padded: bool = True
    """Whether more of the same vectors may stand before them."""
    _expected: dict[str, list[Point]] = field(default_factory=dict)

    def shape(self, quantity: str, rows: int) -> tuple[int, ...]:
        """Return the shape of a result for so many points or rows."""
        first = self.vectors[0]
        if isinstance(first, Mean):
            return ()
        if isinstance(first, Vector) or quantity in ("loss", "logsumexp", *functions.ELEMENTS):
            return (rows,)
        row = first.x if isinstance(first, FunctionVector) else first.logits
        return rows, len(row)

    def expected(self, quantity: str) -> list[Point]:
        """Return what the results should be, one after the other, for all vectors."""
        if quantity not in self._expected:
            self._expected[quantity] = [p for v in self.vectors for p in self.points(v, quantity)]
        return self._expected[quantity]


class Family(NamedTuple):
    """Functions and their reference values."""

    name: str
    quantities: tuple[str, ...]
    make: Callable[[str], Iterator[Batch]]
    """From a dtype to what is to be called."""

    def batches(self, dtype: str) -> tuple[Batch, ...]:
        """Return what is to be called for logits of a dtype: made once."""
        return _batches(self.make, dtype)


@cache
def _batches(make: Callable[[str], Iterator[Batch]], dtype: str) -> tuple[Batch, ...]:
    return tuple(make(dtype))


def _grouped(vectors: Sequence[Any], key: Callable[[Any], Any]) -> Iterator[tuple[Any, ...]]:
    for _, group in groupby(sorted(vectors, key=key), key=key):
        yield tuple(group)


# The sigmoid family


def _sigmoid(dtype: str) -> Iterator[Batch]:
    vectors = sigmoid_vectors(dtype)
    for group in _grouped(vectors, lambda v: (v.plain, v.smoothing)):
        yield Batch(group, _sigmoid_results, _sigmoid_points)
    ordinary = [v for v in vectors if v.plain and 2.0**-20 < _finite(v.loss) < 100]
    (zero, *_) = [v for v in ordinary if v.logit == 0.0]
    for repeated in (ordinary, [zero]):
        logits, labels = (tuple(getattr(v, n) for v in repeated) for n in ("logit", "label"))
        times = MANY // len(repeated)
        mean = sum((_finite(v.loss) for v in repeated), Fraction()) / len(repeated)
        many = Mean(dtype, logits * times, labels * times, mean)
        yield Batch((many,), _mean_results, _mean_points, padded=False)


def _finite(exact: Exact) -> Fraction:
    """Return an exact number, 0 for what is none."""
    return exact if isinstance(exact, Fraction) else Fraction()


def _sigmoid_results(target: Target, vectors: tuple[Vector, ...], call: Call) -> dict[str, Array]:
    dtype = vectors[0].dtype
    compute = compute_name(dtype)
    arrays = {
        "logits": target.asarray([v.logit for v in vectors], dtype),
        "labels": target.asarray([v.label for v in vectors], dtype),
    }
    if not vectors[0].plain:
        arrays["weights"] = target.asarray([v.weight for v in vectors], compute)
        arrays["pos_weight"] = target.asarray([v.pos_weight for v in vectors], compute)
    return _losses(sigmoid_xent, arrays, call, label_smoothing=vectors[0].smoothing)


def _losses(
    module: ModuleType, arrays: dict[str, Array], call: Call, **options: float
) -> dict[str, Array]:
    loss, gradient = call(module.loss_and_gradient, arrays, **options)
    _, hessian = call(module.gradient_and_hessian, arrays, **options)
    return {"loss": loss, "gradient": gradient, "hessian": hessian}


def _sigmoid_points(v: Vector, quantity: str) -> Iterator[Point]:
    counted = bars.normal(v) and (quantity != "gradient" or v.hard)
    yield Point(v, getattr(v, quantity), bars.allowed(v, quantity), counted)


def _mean_results(target: Target, vectors: tuple[Mean, ...], call: Call) -> dict[str, Array]:
    (many,) = vectors
    arrays = {
        "logits": target.asarray(list(many.logits), many.dtype),
        "labels": target.asarray(list(many.labels), many.dtype),
    }
    return {"mean": call(sigmoid_xent.loss, arrays, reduction="mean")}


def _mean_points(many: Mean, _: str) -> list[Point]:
    allowed = bars.allowed_mean(many.exact, len(many.logits), many.dtype)
    return [Point(many, many.exact, allowed, counted=True)]


# Rows of classes


def _rows(
    vectors: Callable[[str], Sequence[Any]],
    key: Callable[[Any], Any],
    results: Callable[..., dict[str, Array]],
    points: Callable[[Any, str], Iterable[Point]],
    module: ModuleType,
    dtype: str,
) -> Iterator[Batch]:
    """Yield what is to be called: for class indices the vectors whose label is one."""
    indices = module is sparse_softmax_xent
    chosen = [v for v in vectors(dtype) if v.number is not None or not indices]
    for group in _grouped(chosen, key):
        yield Batch(group, partial(results, module), points)


def _row_arrays(
    module: ModuleType, target: Target, vectors: tuple[Any, ...], *, weighted: bool
) -> dict[str, Array]:
    """Return logits, labels of the family, and weights where there are some."""
    dtype, indices = vectors[0].dtype, module is sparse_softmax_xent
    labels = [v.number if indices else list(v.labels) for v in vectors]
    arrays = {
        "logits": target.asarray([list(v.logits) for v in vectors], dtype),
        "labels": target.asarray(labels, INDEX if indices else dtype),
    }
    if weighted:
        arrays["weights"] = target.asarray([v.weight for v in vectors], compute_name(dtype))
    return arrays


def _by_call(v: SoftmaxVector) -> tuple[Any, ...]:
    return len(v.logits), v.plain, v.smoothing


def _row_results(
    module: ModuleType, target: Target, vectors: tuple[SoftmaxVector, ...], call: Call
) -> dict[str, Array]:
    first = vectors[0]
    arrays = _row_arrays(module, target, vectors, weighted=not first.plain)
    return _losses(module, arrays, call, label_smoothing=first.smoothing)


def _row_points(v: SoftmaxVector, quantity: str) -> Iterator[Point]:
    exact = getattr(v, quantity)
    for place, value in enumerate([exact] if quantity == "loss" else exact):
        counted = v.clean and (quantity != "gradient" or v.hard)
        yield Point(v, value, rows.allowed(v, quantity, place), counted)


# Rows with class weights


def _by_weights(v: WeightedVector) -> tuple[Any, ...]:
    return len(v.logits), v.smoothing, v.class_weights


def _weighted_results(
    module: ModuleType, target: Target, vectors: tuple[WeightedVector, ...], call: Call
) -> dict[str, Array]:
    first, compute = vectors[0], compute_name(vectors[0].dtype)
    arrays = _row_arrays(module, target, vectors, weighted=True)
    arrays["class_weights"] = target.asarray(list(first.class_weights), compute)
    options = {"label_smoothing": first.smoothing}
    found = _losses(module, arrays, call, **options)
    _, found["probabilities"] = call(module.gradient_and_probabilities, arrays, **options)
    arrays["vector"] = target.asarray([list(v.vector) for v in vectors], compute)
    found["product"] = call(module.hessian_vector_product, arrays, **options)
    return found


def _weighted_points(v: WeightedVector, quantity: str) -> Iterator[Point]:
    for place, exact in enumerate(getattr(v, quantity)):
        yield _point(v, exact, weighted.allowed(v, quantity, place))


def _point(vector: WeightedVector | FunctionVector, exact: Exact, allowed: Fraction) -> Point:
    """Return a point that counts among those whose bar is in ulp if the bar is a few ulp."""
    few = not isinstance(exact, Fraction) or allowed <= 7 * spacing(exact, vector.dtype)
    return Point(vector, exact, allowed, few)


# The functions of `special`


def _special(dtype: str) -> Iterator[Batch]:
    for name in (*functions.ELEMENTS, *functions.ROWS):
        for group in _grouped(function_vectors(dtype, name), lambda v: len(v.x)):
            yield Batch(group, _special_results, _special_points)


def _special_results(
    target: Target, vectors: tuple[FunctionVector, ...], call: Call
) -> dict[str, Array]:
    name, dtype = vectors[0].function, vectors[0].dtype
    values: list[Any] = [list(v.x) for v in vectors]
    if name in functions.ELEMENTS:
        values = [v.x[0] for v in vectors]
    function = getattr(special, name)

    def named(*, x: Array, **options: Any) -> Array:
        return function(x, **options)

    return {name: call(named, {"x": target.asarray(values, dtype)})}


def _special_points(v: FunctionVector, _: str) -> Iterator[Point]:
    for place, exact in enumerate(v.value):
        yield _point(v, exact, functions.allowed(v, place))


LOSSES = ("loss", "gradient", "hessian")
ALL = (*LOSSES, "probabilities", "product")
PLAIN = partial(_rows, softmax_vectors, _by_call, _row_results, _row_points)
WEIGHTED = partial(_rows, weighted_vectors, _by_weights, _weighted_results, _weighted_points)
FAMILIES = {
    family.name: family
    for family in (
        Family("sigmoid", (*LOSSES, "mean"), _sigmoid),
        Family("softmax", LOSSES, partial(PLAIN, softmax_xent)),
        Family("sparse_softmax", LOSSES, partial(PLAIN, sparse_softmax_xent)),
        Family("weighted_softmax", ALL, partial(WEIGHTED, softmax_xent)),
        Family("weighted_sparse_softmax", ALL, partial(WEIGHTED, sparse_softmax_xent)),
        Family("special", (*functions.ELEMENTS, *functions.ROWS), _special),
    )
}
"""By name; "sparse" are those of class indices, "weighted" those with class weights."""
