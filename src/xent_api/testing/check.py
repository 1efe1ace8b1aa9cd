"""One check of any array namespace against the reference values."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .._checks.dtypes import FLOATING
from .._typing import Array, Namespace
from .errors import Errors, Largest, nearest
from .families import FAMILIES, AnyVector, Batch, Family, Point
from .targets import Target, find_target, target_of
from .ulp import Exact, smallest_normal, spacing, ulp_error

TOLD = 10
"""How many misses of a finding are told."""
KNOWN_DEFECTS = {
    ("mlx", "float64", ""): "MLX's float64 exp and log1p are accurate to float32 only",
    ("ndonnx", "float64", "mean"): "onnxruntime adds up float64 one after the other",
    ("mparray", "float64", "mean"): "mparray adds up one after the other",
}
"""Target, dtype and quantity, if not all, of which the bars cannot be reached, and why."""

Calls = Callable[..., tuple[Array, ...]]


@dataclass(frozen=True)
class Miss:
    """A result that is outside its bar."""

    vector: AnyVector
    quantity: str
    exact: Exact
    got: float
    error: float
    """In ulp of the dtype."""
    excess: float
    """How many times the error that is allowed."""

    def __str__(self) -> str:
        return (
            f"{self.quantity} at {self.vector}: got {self.got!r}, exact {nearest(self.exact)!r}: "
            f"{self.error:.3g} ulp, {self.excess:.3g} times what is allowed"
        )


@dataclass
class Finding(Errors):
    """What one quantity of one family gave in one dtype.

    `errors` are those of the points whose bar is in ulp.
    """

    quantity: str
    family: str = "sigmoid"
    points: int = 0
    worst_of_bar: float = 0.0
    """The largest error as a part of what is allowed there, of all points."""
    misses: list[Miss] = field(default_factory=list)
    defect: str = ""
    """Why the bars are known to be out of reach here."""
    problem: str = ""
    """What was raised, if anything."""
    cause: str = ""
    """The function of the namespace that is behind the misses, as `causes.explain` found."""
    cause_at: Largest | None = None
    """The largest error of that function in these calls, where it is a function of numbers."""

    @property
    def passed(self) -> bool:
        """Whether every point is within its bar, and there are points."""
        return self.points > 0 and not self.misses and not self.problem

    def told(self) -> list[str]:
        """Return what is wrong, the worst misses first; no more than ten of them."""
        if self.problem or self.points == 0:
            return [self.problem or "nothing was compared"]
        lines = list(map(str, sorted(self.misses, key=lambda miss: -miss.excess)))
        if self.cause:
            lines[0] += f" (caused by `{self.cause}`)"
        return [*lines[:TOLD], *([f"and {len(lines) - TOLD} more"] if len(lines) > TOLD else [])]


def check_namespace(
    target: Target | Namespace | str,
    dtypes: Sequence[str] | None = None,
    call: Callable[..., Any] | None = None,
    families: Sequence[str] = tuple(FAMILIES),
) -> list[Finding]:
    """Compare the losses on an array namespace with the reference values.

    Parameters
    ----------
    target : Target, namespace or str
        What to check: a namespace of the standard, or a name that `find_target` takes.
    dtypes : sequence of str, optional
        Names of floating dtypes; by default all that the namespace has.
    call : callable, optional
        ``call(function, arrays, **options)``, which calls a function of the family: by default
        directly; a traced call goes here.
    families : sequence of str, optional
        "sigmoid", "softmax" (labels of every class), "sparse_softmax" (class indices),
        "weighted_softmax" and "weighted_sparse_softmax" (with class weights), "special"; by default
        all.

    Returns
    -------
    list of Finding
        One for each dtype, family and quantity.

    Raises
    ------
    Unavailable
        Where the namespace cannot be imported or cannot run here.
    TypeError
        Where `dtypes` or `families` are something else.
    ValueError
        For a dtype or family of which there are no reference values.

    Examples
    --------
    >>> findings = check_namespace("numpy", ["float32"], families=["sigmoid"])
    >>> [finding.quantity for finding in findings if finding.passed]
    ['loss', 'gradient', 'hessian', 'mean']
    """
    if not isinstance(target, Target):
        target = find_target(target) if isinstance(target, str) else target_of(target)
    chosen = [FAMILIES[name] for name in _check_names("families", families, FAMILIES)]
    found = []
    with target.context():
        names = target.dtypes() if dtypes is None else _check_names("dtypes", dtypes, FLOATING)
        for dtype in names:
            for family in chosen:
                found += check_family(target, dtype, family, call or _call)
    return found


def _check_names(argument: str, names: Sequence[str], known: Collection[str]) -> Sequence[str]:
    if isinstance(names, str):
        raise TypeError(f"`{argument}` must be a sequence of names; got the single name {names!r}")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"`{argument}` must be among {', '.join(known)}; got {', '.join(unknown)}")
    return names


def _call(function: Calls, arrays: dict[str, Array], **options: float) -> tuple[Array, ...]:
    return function(**arrays, **options)


def check_family(
    target: Target, dtype: str, family: Family, call: Callable[..., Any] = _call
) -> list[Finding]:
    """Return what each quantity of a family gives; to be called in the target's context."""
    findings = {q: Finding(dtype, q, family.name) for q in family.quantities}
    for quantity, finding in findings.items():
        of_all = KNOWN_DEFECTS.get((target.name, dtype, ""), "")
        finding.defect = KNOWN_DEFECTS.get((target.name, dtype, quantity), of_all)
    for batch in family.batches(dtype):
        padded = _padded(batch.vectors) if batch.padded else batch.vectors
        try:
            results = batch.results(target, padded, call)
            values = {name: target.floats(array) for name, array in results.items()}
            shapes = {name: tuple(array.shape) for name, array in results.items()}
        except Exception as error:  # noqa: BLE001 - a namespace under test may raise anything
            problem = f"{type(error).__name__}: {error}"
            return [Finding(dtype, q, family.name, problem=problem) for q in family.quantities]
        for name, found in values.items():
            _compare(findings[name], batch, found, shapes[name], len(padded))
    return list(findings.values())


def _compare(
    finding: Finding, batch: Batch, values: list[float], shape: tuple[int, ...], rows: int
) -> None:
    points = batch.expected(finding.quantity)
    wanted = batch.shape(finding.quantity, rows)
    if shape != wanted:
        finding.problem = f"a result of shape {shape}, where {wanted} is right"
    for point, got in zip(points, values[len(values) - len(points) :], strict=False):
        _judge(finding, point, got)


def _padded(vectors: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the vectors behind repetitions of the first one, 63, 127, 255, … of them in all.

    Libraries that compile for each shape then compile a few times instead of once a group: JAX's
    check takes a third of the time. Such a size has a remainder in any vector instruction, and the
    last ones are vectors of the group, since libraries compute those by other instructions.
    """
    size = max(63, (1 << len(vectors).bit_length()) - 1)
    return vectors[:1] * (size - len(vectors)) + vectors


def _judge(finding: Finding, point: Point, got: float) -> None:
    dtype, exact = finding.dtype, point.exact
    finding.points += 1
    if isinstance(exact, Fraction) and math.isfinite(got):
        off = abs(Fraction(got) - exact)
        if got == 0.0 and abs(exact) < smallest_normal(dtype):
            off = Fraction(0)  # hardware may flush subnormal numbers
        error = _ratio(off, spacing(exact, dtype), dtype) if off else 0.0
        excess = _ratio(off, point.allowed, dtype) if off else 0.0
    else:
        error = ulp_error(got, exact, dtype)
        excess = 0.0 if error == 0.0 else _excess(exact, dtype, got)
        error = error if excess else 0.0  # the infinity to which a large number is rounded
    if point.counted and exact != 0:  # of which an ulp is next to nothing
        finding.add(error, point.vector, got, exact)
    finding.worst_of_bar = max(finding.worst_of_bar, excess)
    if excess > 1.0:
        finding.misses.append(Miss(point.vector, finding.quantity, exact, got, error, excess))


def _ratio(off: Fraction, unit: Fraction, dtype: str) -> float:
    if dtype != "float64":  # of which all that occurs is within the range of Python's numbers
        return float(off) / float(unit) if unit else math.inf
    return float(min(off / unit, Fraction(10) ** 300)) if unit else math.inf


def _excess(exact: Exact, dtype: str, got: float) -> float:
    """Return how far off a result is, in what is allowed, where it or the value is no number."""
    if not isinstance(exact, Fraction):
        return math.inf
    # Beyond the largest number, infinity is the rounded result.
    beyond = abs(exact) > Fraction(FLOATING[dtype].largest)
    return 0.0 if beyond and got == (math.inf if exact > 0 else -math.inf) else math.inf
