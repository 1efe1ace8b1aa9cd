"""The reference values of the softmax families, and the error that each may have.

``data/softmax.csv`` says in its first lines how it is made and read: by ball arithmetic, from the
definition of the loss, by ``tools/make_softmax_references.py``.
"""

import math
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from .._checks.dtypes import FLOATING, compute_name
from .bars import ROUNDING
from .ulp import Exact, power, smallest_normal, spacing
from .vectors import exact_number, rows_of


def is_one_hot(labels: tuple[float, ...]) -> bool:
    """Tell whether one label is 1 and the others are 0."""
    return sorted(labels) == [0.0] * (len(labels) - 1) + [1.0]


class SoftmaxVector(NamedTuple):
    """A row of logits with its labels, and the exact values."""

    dtype: str
    stratum: str
    logits: tuple[float, ...]
    labels: tuple[float, ...]
    smoothing: float
    weight: float
    loss: Exact
    gradient: tuple[Exact, ...]
    hessian: tuple[Exact, ...]

    @property
    def plain(self) -> bool:
        """Whether no option is used."""
        return self.smoothing == 0.0 and self.weight == 1.0

    @property
    def number(self) -> int | None:
        """The label as a class index, if it is one."""
        return self.labels.index(1.0) if is_one_hot(self.labels) else None

    @property
    def hard(self) -> bool:
        """Whether one label is 1 and the others are 0, after smoothing."""
        return self.number is not None and self.smoothing == 0.0

    @property
    def clean(self) -> bool:
        """Whether the differences of the logits are exact, and no exponential is subnormal."""
        finite = [x for x in self.logits if math.isfinite(x)]
        if not finite or math.isnan(math.fsum(self.labels)):
            return True
        exact = [Fraction(max(finite)) - Fraction(x) for x in finite]
        size = FLOATING[compute_name(self.dtype)]
        return all(d.numerator.bit_length() <= size.digits and d < -size.least * 0.6 for d in exact)

    def __str__(self) -> str:
        options = "" if self.plain else f", a={self.smoothing}, w={self.weight}"
        return f"x={list(self.logits)}, z={list(self.labels)}{options} ({self.stratum})"


@cache
def softmax_vectors(dtype: str) -> tuple[SoftmaxVector, ...]:
    """Return the reference values for logits and labels of the dtype of that name.

    Examples
    --------
    >>> vector = softmax_vectors("float32")[8]
    >>> vector.logits, vector.number
    ((-0.0, 0.0, 0.0), 1)
    """
    return tuple(map(_vector, rows_of("softmax", dtype)))


def _vector(cells: list[str]) -> SoftmaxVector:
    dtype, stratum, logits, labels, smoothing, weight, loss, gradient, hessian = cells
    return SoftmaxVector(
        dtype,
        stratum,
        tuple(map(float.fromhex, logits.split())),
        tuple(map(float.fromhex, labels.split())),
        float.fromhex(smoothing),
        float.fromhex(weight),
        exact_number(loss),
        tuple(map(exact_number, gradient.split())),
        tuple(map(exact_number, hessian.split())),
    )


def allowed(vector: SoftmaxVector, quantity: str, place: int) -> Fraction:
    """Return the largest error that is within the bar, as an absolute number.

    That of the public contract: 4 ulp, 6 with weights, and of the gradient at soft labels 4 or 6
    eps*max(p, z); and what the rounding of the differences x - max x, which no formula avoids, does
    to the exact value.
    """
    exact = getattr(vector, quantity)
    exact = exact if quantity == "loss" else exact[place]
    if not isinstance(exact, Fraction):
        return Fraction(0)
    compute = compute_name(vector.dtype)
    eps = power(1 - FLOATING[compute].digits)
    count = 4 if vector.weight == 1.0 else 6
    terms = _terms(vector.logits, vector.labels, vector.smoothing)
    if quantity == "gradient" and not vector.hard:
        size = max(terms.p[place], terms.z[place]) if terms.mass <= 1.0 else terms.mass
        bound = count * eps * Fraction(vector.weight * size)
    else:
        bound = count * spacing(exact, compute)
    bound += eps / 2 * Fraction(_differences(terms, quantity, place) * vector.weight)
    bound += _flushed(vector, terms)
    if vector.dtype in ("float16", "bfloat16"):
        return ROUNDING * spacing(exact, vector.dtype) + bound
    return bound


class Terms(NamedTuple):
    """What a row's errors depend on, in float64."""

    steps: list[float]
    """abs(x - max x); 0 where x is infinite."""
    p: list[float]
    n: list[float]
    """1 - p."""
    z: list[float]
    mass: float


@cache
def _terms(logits: tuple[float, ...], labels: tuple[float, ...], a: float) -> Terms:
    top, size = max(logits), len(logits)
    steps = [min(top - x, 1e300) if math.isfinite(x) else 0.0 for x in logits]
    e = [math.exp(x - top) for x in logits]
    others = [math.fsum(e[:j] + e[j + 1 :]) for j in range(size)]
    total, mass = math.fsum(e), math.fsum(labels)
    z = [v * (1.0 - a) + a * mass / size for v in labels]
    return Terms(steps, [v / total for v in e], [v / total for v in others], z, mass)


def _differences(t: Terms, quantity: str, place: int) -> float:
    """Return the derivative of a value with respect to the relative errors of the differences."""
    if quantity == "loss":
        pairs = zip(t.p, t.z, t.steps, strict=True)
        return math.fsum((t.mass * p + z) * u for p, z, u in pairs)
    beside = math.fsum(
        p * u for k, (p, u) in enumerate(zip(t.p, t.steps, strict=True)) if k != place
    )
    own = t.n[place] * t.steps[place]
    return t.mass * t.p[place] * (own + beside)


def _flushed(vector: SoftmaxVector, t: Terms) -> Fraction:
    """Return what is lost where an exp(x - max x) is subnormal, and so may be flushed to 0."""
    smallest = smallest_normal(compute_name(vector.dtype))
    if all(p == 0.0 or p >= smallest for p in (*t.p, *t.n)) and not any(
        u and math.exp(-u) < smallest for u in t.steps
    ):
        return Fraction(0)
    return Fraction(smallest) * len(t.p) * 2 * Fraction(max(1.0, vector.weight * t.mass))
