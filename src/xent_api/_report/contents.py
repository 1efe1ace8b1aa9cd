"""What is reported: the backends, the documented examples, the errors at the reference values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..testing import (
    EXAMPLES,
    Finding,
    Outcome,
    Target,
    Unavailable,
    check_namespace,
    find_target,
    run,
)
from ..testing.families import FAMILIES
from ..testing.targets import package_version
from .tables import FAIL, PASS, Table

DTYPE = "float32"
"""The dtype of the documented examples."""
SHOWN = 3
"""How many misses of one line of the accuracy table are shown."""


@dataclass(frozen=True)
class Report:
    """What each backend gave, by its name."""

    found: dict[str, Target | str]
    """The target, or why there is none."""
    outcomes: dict[str, list[Outcome]]
    findings: dict[str, list[Finding]]

    @property
    def targets(self) -> list[Target]:
        """The backends that can run."""
        return [target for target in self.found.values() if isinstance(target, Target)]

    def backends(self) -> list[str]:
        """Return a line for each backend: its version and dtypes, or why it cannot run."""
        return [
            f"{name} {package_version(name)}: {', '.join(target.dtypes())}"
            if isinstance(target, Target)
            else f"{name} cannot run: {target}"
            for name, target in self.found.items()
        ]

    def summary(self) -> Table:
        """Return the worst error of each family on each backend, in each dtype."""
        rows = []
        for name, dtype, found in self._by_dtype():
            worst = [_ulp(max(f.worst for f in found if f.family == family)) for family in FAMILIES]
            rows.append((name, dtype, *worst, _state(found)))
        columns = ("backend", "dtype", "sigmoid", "softmax", "sparse", "")
        return Table("Worst error in ulp", columns, rows, frozenset(columns[2:5]))

    def tables(self) -> Iterator[Table]:
        """Yield all figures: each element of the examples, each quantity of each family."""
        for name, done in self.outcomes.items():
            yield from (_details(name, outcome) for outcome in done)
        for name, dtype, found in self._by_dtype():
            yield _accuracy(name, dtype, found)

    def _by_dtype(self) -> Iterator[tuple[str, str, list[Finding]]]:
        for name, found in self.findings.items():
            for dtype in dict.fromkeys(finding.dtype for finding in found):
                yield name, dtype, [finding for finding in found if finding.dtype == dtype]

    def problems(self) -> list[str]:
        """Return a line for each thing that failed, but for the defects that are known."""
        lines = []
        for name in self.outcomes:
            lines += _raised(name, self.outcomes[name], self.findings[name])
            lines += [
                f"{name}: example {outcome.example.name}, {DTYPE}: {_worst(outcome)}"
                for outcome in self.outcomes[name]
                if not outcome.passed and not outcome.problem
            ]
            for finding in self.findings[name]:
                if not finding.passed and not finding.defect and not finding.problem:
                    misses = sorted(finding.misses, key=lambda miss: -miss.excess)[:SHOWN]
                    where = f"{name}, {finding.dtype}, {finding.family}"
                    lines += [f"{where}: {miss}" for miss in misses]
        return lines

    def verdict(self) -> str:
        """Return the last line."""
        examples = [outcome.passed for done in self.outcomes.values() for outcome in done]
        lines = [finding for found in self.findings.values() for finding in found]
        passed = sum(finding.passed for finding in lines)
        known = sum(bool(finding.defect) and not finding.passed for finding in lines)
        excuse = f"; {known} miss by a known defect of the library" if known else ""
        if not examples:
            return "No backend can run."
        return (
            f"{sum(examples)} of {len(examples)} examples and {passed} of {len(lines)} lines "
            f"of accuracy passed on {len(self.outcomes)} backend(s){excuse}."
        )


def examine(names: Sequence[str], say: Callable[[str], object]) -> Report:
    """Run the examples and compare the reference values on all of the backends that can run."""
    report = Report({name: _find(name) for name in names}, {}, {})
    for target in report.targets:
        say(f"checking {target.name}\n")
        report.outcomes[target.name] = [run(e, target, DTYPE) for e in EXAMPLES]
        report.findings[target.name] = check_namespace(target)
    return report


def _find(name: str) -> Target | str:
    try:
        return find_target(name)
    except Unavailable as reason:
        return str(reason)


def _raised(name: str, outcomes: Sequence[Outcome], findings: Sequence[Finding]) -> list[str]:
    """Return a line for each different error that was raised, and where: once for all calls."""
    where: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.problem:
            where.setdefault(outcome.problem, []).append(f"example {outcome.example.name}")
    for finding in findings:
        if finding.problem:
            where.setdefault(finding.problem, []).append(f"{finding.family}, {finding.dtype}")
    lines = []
    for problem, places in where.items():
        several = list(dict.fromkeys(places))
        more = f" and {len(several) - 1} more" if len(several) > 1 else ""
        lines.append(f"{name}: {problem} (in {several[0]}{more})")
    return lines


def _worst(outcome: Outcome) -> str:
    """Return the element that is furthest off."""
    i = max(range(len(outcome.errors)), key=lambda k: outcome.errors[k])
    exact, got = float(outcome.example.exact[i]), outcome.got[i]
    return f"got {got:.9g}, exact {exact:.9g}: {outcome.errors[i]:.3g} ulp"


def _state(findings: Sequence[Finding]) -> str:
    if all(finding.passed for finding in findings):
        return PASS
    return "known defect" if all(f.passed or f.defect for f in findings) else FAIL


def _details(name: str, outcome: Outcome) -> Table:
    columns = ("logit", "label", "exact", "printed there", "got here", "ulp")
    state = PASS if outcome.passed else FAIL
    title = f"{outcome.example.name} on {name}, {DTYPE}: {state}"
    return Table(title, columns, list(_rows(outcome)), frozenset(columns))


def _rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    example = outcome.example
    reduced = len(example.exact) < len(example.logits)
    found = zip(example.exact, outcome.got, outcome.errors, strict=True)
    for i, (exact, got, error) in enumerate(found):
        yield (
            f"{len(example.logits)} of them" if reduced else f"{example.logits[i]:g}",
            "" if reduced else f"{example.labels[i]:.7g}",
            f"{float(exact):.9g}",
            example.printed[i] if example.printed else "",
            f"{got:.9g}",
            f"{error:.2f}",
        )


def _accuracy(name: str, dtype: str, findings: Sequence[Finding]) -> Table:
    rows = [
        (
            finding.family,
            finding.quantity,
            str(finding.points),
            _ulp(finding.median),
            _ulp(finding.worst),
            PASS if finding.passed else "known defect" if finding.defect else FAIL,
        )
        for finding in findings
    ]
    columns = ("family", "of", "points", "median ulp", "worst ulp", "")
    return Table(f"{name}, {dtype}", columns, rows, frozenset(columns[2:5]))


def _ulp(error: float) -> str:
    return f"{error:.2f}" if error < 1000 else f"{error:.1e}"
