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

    def tables(self, detailed: Sequence[str]) -> Iterator[Table]:
        """Yield the tables, with every element of the examples on the backends `detailed`."""
        yield _backends(self.found)
        for name in detailed:
            yield _details(name, self.outcomes[name])
        if len(self.outcomes) > 1:
            yield _summary(self.outcomes)
        yield _accuracy(self.findings)

    def problems(self) -> list[str]:
        """Return a line for each thing that failed, but for the defects that are known."""
        lines = [
            f"{name}: example {outcome.example.name} failed {outcome.problem}".rstrip()
            for name, done in self.outcomes.items()
            for outcome in done
            if not outcome.passed
        ]
        for name, found in self.findings.items():
            for finding in found:
                if not finding.passed and not finding.defect:
                    worst = sorted(finding.misses, key=lambda miss: -miss.excess)[:SHOWN]
                    reasons = [finding.problem] if finding.problem else worst
                    lines += [f"{name}, {finding.dtype}, {finding.family}: {r}" for r in reasons]
        return lines

    def verdict(self) -> str:
        """Return the last line."""
        examples = [outcome.passed for done in self.outcomes.values() for outcome in done]
        lines = [finding for found in self.findings.values() for finding in found]
        passed = sum(finding.passed for finding in lines)
        known = sum(bool(finding.defect) and not finding.passed for finding in lines)
        excuse = f"; {known} miss by a known defect of the library" if known else ""
        if not examples:
            return "No backend can run: see why in the first table."
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


def _backends(found: dict[str, Target | str]) -> Table:
    rows = [
        (name, "runs", package_version(name), ", ".join(target.dtypes()))
        if isinstance(target, Target)
        else (name, "cannot run", "", target)
        for name, target in found.items()
    ]
    return Table("Backends", ("backend", "state", "version", "dtypes, or why not"), rows)


def _details(name: str, outcomes: list[Outcome]) -> Table:
    columns = ("example", "logit", "label", "exact", "printed there", "got here", "ulp", "")
    rows = [row for outcome in outcomes for row in _rows(outcome)]
    right = frozenset(columns[1:-1])
    return Table(f"Documented examples on {name}, {DTYPE}, by element", columns, rows, right)


def _rows(outcome: Outcome) -> list[tuple[str, ...]]:
    example = outcome.example
    reduced = len(example.exact) < len(example.logits)
    rows: list[tuple[str, ...]] = []
    for i, (exact, got, error) in enumerate(
        zip(example.exact, outcome.got, outcome.errors, strict=True)
    ):
        rows.append(
            (
                example.name if i == 0 else "",
                f"{len(example.logits)} of them" if reduced else f"{example.logits[i]:g}",
                "" if reduced else f"{example.labels[i]:.7g}",
                f"{float(exact):.9g}",
                example.printed[i] if example.printed else "",
                f"{got:.9g}",
                f"{error:.2f}",
                (PASS if outcome.passed else FAIL) if i == 0 else "",
            )
        )
    return rows


def _summary(outcomes: dict[str, list[Outcome]]) -> Table:
    rows = []
    for name, done in outcomes.items():
        worst = max(done, key=lambda outcome: max(outcome.errors))
        passed = sum(outcome.passed for outcome in done)
        rows.append(
            (
                name,
                f"{passed} of {len(done)}",
                f"{max(worst.errors):.2f}",
                worst.problem or worst.example.name,
                PASS if passed == len(done) else FAIL,
            )
        )
    columns = ("backend", "passed", "worst ulp", "in", "")
    title = f"Documented examples on every backend, {DTYPE}"
    return Table(title, columns, rows, frozenset(columns[1:3]))


def _accuracy(findings: dict[str, list[Finding]]) -> Table:
    rows = [
        (
            name,
            finding.dtype,
            finding.family,
            finding.quantity,
            str(finding.points),
            _ulp(finding.median),
            _ulp(finding.worst),
            PASS if finding.passed else finding.defect or FAIL,
        )
        for name, found in findings.items()
        for finding in found
    ]
    columns = ("backend", "dtype", "family", "of", "points", "median ulp", "worst ulp", "")
    return Table("Errors against the reference values", columns, rows, frozenset(columns[4:7]))


def _ulp(error: float) -> str:
    return f"{error:.2f}" if error < 1000 else f"{error:.1e}"
