"""One check of any array namespace against the reference values."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from statistics import median
from typing import Any

from .. import sigmoid_xent
from .._inputs.dtypes import FLOATING, compute_name
from .._typing import Array
from .bars import allowed, normal
from .targets import Target, find_target
from .ulp import ulp_error
from .vectors import Vector, sigmoid_vectors

QUANTITIES = ("loss", "gradient", "hessian")
KNOWN_DEFECTS = {
    ("mlx", "float64"): "MLX's float64 exp and log1p are accurate to float32 only",
}
"""Target and dtype of which the bars cannot be reached, and why."""

Calls = Callable[..., tuple[Array, ...]]


@dataclass(frozen=True)
class Miss:
    """A result that is outside its bar."""

    vector: Vector
    quantity: str
    got: float
    error: float
    """In ulp of the dtype."""
    excess: float
    """How many times the error that is allowed."""

    def __str__(self) -> str:
        v = self.vector
        options = "" if v.plain else f", a={v.smoothing}, q={v.pos_weight}, w={v.weight}"
        exact = float(getattr(v, self.quantity))
        return (
            f"{self.quantity} at x={v.logit!r}, z={v.label!r}{options} ({v.stratum}): got "
            f"{self.got!r}, exact {exact!r}: {self.error:.3g} ulp, {self.excess:.3g} times what is "
            "allowed"
        )


@dataclass
class Finding:
    """What one quantity gave in one dtype."""

    dtype: str
    quantity: str
    points: int = 0
    errors: list[float] = field(default_factory=list)
    """In ulp, at the points whose bar is in ulp."""
    misses: list[Miss] = field(default_factory=list)
    defect: str = ""
    """Why the bars are known to be out of reach here."""
    problem: str = ""
    """What was raised, if anything."""

    @property
    def worst(self) -> float:
        """The largest error in ulp."""
        return max(self.errors, default=0.0)

    @property
    def median(self) -> float:
        """The median error in ulp."""
        return median(self.errors) if self.errors else 0.0

    @property
    def passed(self) -> bool:
        """Whether every point is within its bar, and there are points."""
        return self.points > 0 and not self.misses and not self.problem


def check_namespace(
    target: Target | str,
    dtypes: Sequence[str] | None = None,
    call: Callable[..., Any] | None = None,
) -> list[Finding]:
    """Compare the sigmoid family on an array namespace with the reference values.

    Parameters
    ----------
    target : Target or str
        What to check: a known name or the import path of any namespace of the standard.
    dtypes : sequence of str, optional
        Names of floating dtypes; by default all that the namespace has.
    call : callable, optional
        ``call(function, arrays, **options)``, which calls a function of the family: by default
        directly; a traced call goes here.

    Returns
    -------
    list of Finding
        One for each dtype and quantity.

    Raises
    ------
    Unavailable
        Where the namespace cannot be imported or cannot run here.
    TypeError
        Where `target` or `dtypes` are something else.
    ValueError
        For a dtype of which there are no reference values.

    Examples
    --------
    >>> findings = check_namespace("numpy", ["float32"])
    >>> [finding.quantity for finding in findings if finding.passed]
    ['loss', 'gradient', 'hessian']
    """
    if isinstance(target, str):
        target = find_target(target)
    if not isinstance(target, Target):
        raise TypeError(
            f"`target` must be a Target, a known name or an import path; got {type(target)}"
        )
    found = []
    with target.context():
        for dtype in target.dtypes() if dtypes is None else _check_names(dtypes):
            found += _check_dtype(target, dtype, call or _call)
    return found


def _check_names(dtypes: Sequence[str]) -> Sequence[str]:
    if isinstance(dtypes, str):
        raise TypeError(f"`dtypes` must be a sequence of names; got the single name {dtypes!r}")
    unknown = [name for name in dtypes if name not in FLOATING]
    if unknown:
        raise ValueError(f"`dtypes` must be among {', '.join(FLOATING)}; got {', '.join(unknown)}")
    return dtypes


def _call(function: Calls, arrays: dict[str, Array], **options: float) -> tuple[Array, ...]:
    return function(**arrays, **options)


def _check_dtype(target: Target, dtype: str, call: Callable[..., Any]) -> list[Finding]:
    defect = KNOWN_DEFECTS.get((target.name, dtype), "")
    findings = {name: Finding(dtype, name, defect=defect) for name in QUANTITIES}

    def kind(vector: Vector) -> tuple[bool, float]:
        return vector.plain, vector.smoothing

    for _, group in groupby(sorted(sigmoid_vectors(dtype), key=kind), key=kind):
        vectors = tuple(group)
        try:
            results = _results(target, dtype, vectors, call)
        except Exception as error:  # noqa: BLE001 - a namespace under test may raise anything
            problem = f"{type(error).__name__}: {error}"
            return [Finding(dtype, name, problem=problem) for name in QUANTITIES]
        for name, values in results.items():
            for vector, got in zip(vectors, values, strict=True):
                _judge(findings[name], vector, got)
    return list(findings.values())


def _results(
    target: Target, dtype: str, vectors: tuple[Vector, ...], call: Callable[..., Any]
) -> dict[str, list[float]]:
    """Return the quantities at points that have the static options in common."""
    compute = compute_name(dtype)
    arrays = {
        "logits": target.asarray([v.logit for v in vectors], dtype),
        "labels": target.asarray([v.label for v in vectors], dtype),
    }
    if not vectors[0].plain:
        arrays["weights"] = target.asarray([v.weight for v in vectors], compute)
        arrays["pos_weight"] = target.asarray([v.pos_weight for v in vectors], compute)
    options = {"label_smoothing": vectors[0].smoothing}
    losses, slopes = call(sigmoid_xent.loss_and_gradient, arrays, **options)
    _, curvatures = call(sigmoid_xent.gradient_and_hessian, arrays, **options)
    found = zip(QUANTITIES, (losses, slopes, curvatures), strict=True)
    return {name: target.floats(values) for name, values in found}


def _judge(finding: Finding, vector: Vector, got: float) -> None:
    exact = getattr(vector, finding.quantity)
    error = ulp_error(got, exact, vector.dtype)
    finding.points += 1
    if normal(vector) and (finding.quantity != "gradient" or vector.hard):
        finding.errors.append(error)
    excess = 0.0 if error == 0.0 else _excess(vector, finding.quantity, exact, got)
    if excess > 1.0:
        finding.misses.append(Miss(vector, finding.quantity, got, error, excess))


def _excess(vector: Vector, quantity: str, exact: Any, got: float) -> float:
    """Return how many times the error that is allowed an error is."""
    if not isinstance(exact, Fraction):
        return math.inf
    if not math.isfinite(got):
        # Beyond the largest number, infinity is the rounded result.
        beyond = abs(exact) > Fraction(FLOATING[vector.dtype].largest)
        return 0.0 if beyond and got == math.copysign(math.inf, exact) else math.inf
    return float(min(abs(Fraction(got) - exact) / allowed(vector, quantity), Fraction(10) ** 300))
