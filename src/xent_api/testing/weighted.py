"""Reference values with class weights, probabilities and products with the Hessian, and their bars.

``data/weighted.csv`` says in its first lines how it is made and read: by ball arithmetic, from the
definition of the loss, by ``tools/make_weighted_references.py``.
"""

import math
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from .._checks.dtypes import FLOATING, compute_name
from .bars import ROUNDING
from .rows import is_one_hot
from .ulp import Exact, power, smallest_normal, spacing
from .vectors import exact_number, rows_of

Numbers = tuple[float, ...]


class WeightedVector(NamedTuple):
    """A row of logits with labels, class weights and a vector, and the exact values."""

    dtype: str
    stratum: str
    logits: Numbers
    labels: Numbers
    smoothing: float
    weight: float
    class_weights: Numbers
    vector: Numbers
    loss: tuple[Exact, ...]
    gradient: tuple[Exact, ...]
    hessian: tuple[Exact, ...]
    probabilities: tuple[Exact, ...]
    product: tuple[Exact, ...]
    total: tuple[Exact, ...]

    @property
    def number(self) -> int | None:
        """The label as a class index, if it is one."""
        return self.labels.index(1.0) if is_one_hot(self.labels) else None

    def __str__(self) -> str:
        row = f"x={list(self.logits)}, z={list(self.labels)}, c={list(self.class_weights)}"
        return f"{row}, a={self.smoothing}, w={self.weight} ({self.stratum})"


@cache
def weighted_vectors(dtype: str) -> tuple[WeightedVector, ...]:
    """Return the reference values for logits and labels of the dtype of that name.

    Examples
    --------
    >>> vector = weighted_vectors("float32")[0]
    >>> len(vector.logits), vector.number
    (2, 0)
    """
    return tuple(map(_vector, rows_of("weighted", dtype)))


def _vector(cells: list[str]) -> WeightedVector:
    dtype, stratum, *given = cells
    inputs = [tuple(map(float.fromhex, cell.split())) for cell in given[:6]]
    results = [tuple(map(exact_number, cell.split())) for cell in given[6:]]
    logits, labels, smoothing, weight, class_weights, vector = inputs
    numbers = (logits, labels, smoothing[0], weight[0], class_weights, vector)
    return WeightedVector(dtype, stratum, *numbers, *results)


def allowed(vector: WeightedVector, quantity: str, place: int) -> Fraction:
    """Return the largest error that is within the bar, as an absolute number.

    That of the public contract: 6 ulp, of the gradient at soft labels 6 eps*max(p, z) with both
    weighted, of probabilities 4 ulp, and of a product 16 eps*p*(abs(v) + sum(p*abs(v))), weighted,
    with half an ulp; and what the rounding of the differences x - max x does to the exact value.
    """
    exact = getattr(vector, quantity)[place]
    if not isinstance(exact, Fraction):
        return Fraction(0)
    compute = compute_name(vector.dtype)
    eps = power(1 - FLOATING[compute].digits)
    t = _terms(vector[2:8])
    scale, p, z = vector.weight * t.mass, t.p[place], vector.weight * t.labels[place]
    if quantity == "gradient" and not (t.hard and vector.smoothing == 0.0):
        bound = 6 * eps * Fraction(max(scale * p, z))
    elif quantity == "product":
        bound = 16 * eps * Fraction(scale * p * (abs(vector.vector[place]) + t.size))
        bound += spacing(exact, compute) / 2
    else:
        bound = (4 if quantity == "probabilities" else 6) * spacing(exact, compute)
    bound += eps / 2 * Fraction(_differences(vector, t, quantity, place))
    bound += _flushed(vector, t)
    if vector.dtype in ("float16", "bfloat16") and quantity != "total":
        return ROUNDING * spacing(exact, vector.dtype) + bound
    return bound


class Terms(NamedTuple):
    """What a row's errors depend on, in float64."""

    steps: list[float]
    """abs(x - max x); 0 where x is infinite."""
    p: list[float]
    labels: list[float]
    """Smoothed, and times the class weights."""
    mass: float
    """Their sum."""
    mean: float
    """The sum of p*steps."""
    size: float
    """The sum of p*abs(vector)."""
    hard: bool


@cache
def _terms(inputs: tuple[Any, ...]) -> Terms:
    """Return the terms of a vector's inputs, which take less time to look up than its results."""
    logits, given, a, _, class_weights, vector = inputs
    top, total = max(logits), math.fsum(given)
    steps = [top - x if math.isfinite(x) else 0.0 for x in logits]
    e = [math.exp(x - top) for x in logits]
    p = [n / math.fsum(e) for n in e]
    pairs = zip(class_weights, given, strict=True)
    labels = [c * (z * (1.0 - a) + a * total / len(p)) for c, z in pairs]
    mean = math.fsum(n * u for n, u in zip(p, steps, strict=True))
    size = math.fsum(n * abs(x) for n, x in zip(p, vector, strict=True))
    return Terms(steps, p, labels, math.fsum(labels), mean, size, is_one_hot(given))


def _differences(v: WeightedVector, t: Terms, quantity: str, place: int) -> float:
    """Return what a value is off by where all differences are off by their own size."""
    if quantity == "total":
        return 0.0
    if quantity == "loss":
        pairs = zip(t.labels, t.steps, strict=True)
        return v.weight * (t.mass * t.mean + math.fsum(z * u for z, u in pairs))
    own = t.p[place] * (t.steps[place] + t.mean)
    if quantity == "probabilities":
        return own
    if quantity != "product":
        return v.weight * t.mass * own
    each = zip(t.p, t.steps, v.vector, strict=True)
    others = math.fsum(p * abs(x) * (u + t.mean) for p, u, x in each)
    return v.weight * t.mass * (own * (abs(v.vector[place]) + t.size) + t.p[place] * others)


def _flushed(v: WeightedVector, t: Terms) -> Fraction:
    """Return what is lost where an exp(x - max x) is subnormal, and so may be flushed to 0."""
    smallest = smallest_normal(compute_name(v.dtype))
    if all(n == 0.0 or n >= smallest for n in t.p):
        return Fraction(0)
    return Fraction(smallest) * 8 * Fraction(max(1.0, v.weight * t.mass))
