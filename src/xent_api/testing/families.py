"""What there is to check of each family: its points, and how they become arguments."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from types import ModuleType
from typing import Any, NamedTuple

from .. import sigmoid_xent, softmax_xent, sparse_softmax_xent
from .._checks.dtypes import compute_name
from .._typing import Array
from . import bars, rows
from .rows import SoftmaxVector, softmax_vectors
from .targets import Target
from .ulp import Exact
from .vectors import Vector, sigmoid_vectors

INDEX = "int32"
"""The dtype of class indices in a check."""
Arguments = tuple[dict[str, Array], dict[str, float]]


class Point(NamedTuple):
    """One number that a call should give."""

    vector: Vector | SoftmaxVector
    exact: Exact
    allowed: Any
    """The largest error that is within the bar."""
    counted: bool
    """Whether the bar is in ulp, and no intermediate result is subnormal."""


class Family(NamedTuple):
    """A family of functions, and its reference values."""

    name: str
    module: ModuleType
    groups: Callable[[str], Iterator[tuple[Any, ...]]]
    """From a dtype to the vectors, in groups that one call can take."""
    arguments: Callable[[Target, str, tuple[Any, ...]], Arguments]
    points: Callable[[tuple[Any, ...], str], Iterator[Point]]
    """From vectors and a quantity to what the results should be, one after the other."""


def _grouped(vectors: Sequence[Any], key: Callable[[Any], Any]) -> Iterator[tuple[Any, ...]]:
    for _, group in groupby(sorted(vectors, key=key), key=key):
        yield tuple(group)


def _sigmoid_groups(dtype: str) -> Iterator[tuple[Vector, ...]]:
    return _grouped(sigmoid_vectors(dtype), lambda v: (v.plain, v.smoothing))


def _sigmoid_arguments(target: Target, dtype: str, vectors: tuple[Vector, ...]) -> Arguments:
    compute = compute_name(dtype)
    arrays = {
        "logits": target.asarray([v.logit for v in vectors], dtype),
        "labels": target.asarray([v.label for v in vectors], dtype),
    }
    if not vectors[0].plain:
        arrays["weights"] = target.asarray([v.weight for v in vectors], compute)
        arrays["pos_weight"] = target.asarray([v.pos_weight for v in vectors], compute)
    return arrays, {"label_smoothing": vectors[0].smoothing}


def _sigmoid_points(vectors: tuple[Vector, ...], quantity: str) -> Iterator[Point]:
    for v in vectors:
        counted = bars.normal(v) and (quantity != "gradient" or v.hard)
        yield Point(v, getattr(v, quantity), bars.allowed(v, quantity), counted)


def _softmax_groups(dtype: str) -> Iterator[tuple[SoftmaxVector, ...]]:
    return _grouped(softmax_vectors(dtype), lambda v: (len(v.logits), v.plain, v.smoothing))


def _sparse_groups(dtype: str) -> Iterator[tuple[SoftmaxVector, ...]]:
    hard = [v for v in softmax_vectors(dtype) if v.number is not None]
    return _grouped(hard, lambda v: (len(v.logits), v.plain, v.smoothing))


def _softmax_arguments(target: Target, dtype: str, vectors: tuple[SoftmaxVector, ...]) -> Arguments:
    arrays, options = _row_arguments(target, dtype, vectors)
    arrays["labels"] = target.asarray([list(v.labels) for v in vectors], dtype)
    return arrays, options


def _sparse_arguments(target: Target, dtype: str, vectors: tuple[SoftmaxVector, ...]) -> Arguments:
    arrays, options = _row_arguments(target, dtype, vectors)
    arrays["labels"] = target.asarray([v.number for v in vectors], INDEX)
    return arrays, options


def _row_arguments(target: Target, dtype: str, vectors: tuple[SoftmaxVector, ...]) -> Arguments:
    arrays = {"logits": target.asarray([list(v.logits) for v in vectors], dtype)}
    if not vectors[0].plain:
        arrays["weights"] = target.asarray([v.weight for v in vectors], compute_name(dtype))
    return arrays, {"label_smoothing": vectors[0].smoothing}


def _row_points(vectors: tuple[SoftmaxVector, ...], quantity: str) -> Iterator[Point]:
    for v in vectors:
        exact = getattr(v, quantity)
        for place, value in enumerate([exact] if quantity == "loss" else exact):
            counted = v.clean and (quantity != "gradient" or v.hard)
            yield Point(v, value, rows.allowed(v, quantity, place), counted)


FAMILIES = {
    family.name: family
    for family in (
        Family("sigmoid", sigmoid_xent, _sigmoid_groups, _sigmoid_arguments, _sigmoid_points),
        Family("softmax", softmax_xent, _softmax_groups, _softmax_arguments, _row_points),
        Family(
            "sparse_softmax", sparse_softmax_xent, _sparse_groups, _sparse_arguments, _row_points
        ),
    )
}
