"""The command line: which backends are here, and what the documented examples give on them."""

import argparse
import sys
from collections.abc import Sequence
from typing import TextIO

from .._version import __version__
from ..testing import (
    EXAMPLES,
    KNOWN,
    Finding,
    Outcome,
    Target,
    Unavailable,
    check_namespace,
    find_target,
    run,
)
from ..testing.targets import package_version
from .tables import FAIL, PASS, Table, show

DTYPE = "float32"
"""The dtype of the documented examples."""
SHOWN = 3
"""How many misses of one line of the accuracy table are shown."""


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Show the report; return the exit status, 1 where anything failed."""
    out = out or sys.stdout
    options = _parser().parse_args(arguments)
    names: list[str] = options.backend or list(KNOWN)
    found = {name: _find(name) for name in names}
    out.write(f"xent_api {__version__}: cross entropy with logits for every array library\n\n")
    show(_backends(found), out)
    targets = [target for target in found.values() if isinstance(target, Target)]
    outcomes = {target.name: [run(e, target, DTYPE) for e in EXAMPLES] for target in targets}
    for name in outcomes if options.backend else list(outcomes)[:1]:
        show(_details(name, outcomes[name]), out)
    if len(outcomes) > 1:
        show(_summary(outcomes), out)
    findings = {target.name: check_namespace(target) for target in targets}
    show(_accuracy(findings), out)
    problems = _problems(outcomes, findings)
    if options.backend:
        problems += [f"{name} cannot run" for name in names if isinstance(found[name], str)]
    out.writelines(f"{line}\n" for line in [*problems, _verdict(outcomes, findings)])
    return 1 if problems or not targets else 0


def _problems(outcomes: dict[str, list[Outcome]], findings: dict[str, list[Finding]]) -> list[str]:
    """Return a line for each thing that failed, but for the defects that are known."""
    lines = [
        f"{name}: example {outcome.example.name} failed {outcome.problem}".rstrip()
        for name, done in outcomes.items()
        for outcome in done
        if not outcome.passed
    ]
    for name, found in findings.items():
        for finding in found:
            if not finding.passed and not finding.defect:
                reasons = [finding.problem] if finding.problem else finding.misses[:SHOWN]
                lines += [f"{name}, {finding.dtype}: {reason}" for reason in reasons]
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m xent_api",
        description="Run the documented examples and the reference values on the array libraries "
        "that are installed here.",
    )
    parser.add_argument(
        "--backend",
        action="append",
        metavar="NAME",
        help="a known name or the import path of any array namespace; repeatable; by default all "
        f"that can run of {', '.join(KNOWN)}",
    )
    parser.add_argument("--version", action="version", version=f"xent_api {__version__}")
    return parser


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
            finding.quantity,
            str(finding.points),
            _ulp(finding.median),
            _ulp(finding.worst),
            PASS if finding.passed else finding.defect or FAIL,
        )
        for name, found in findings.items()
        for finding in found
    ]
    columns = ("backend", "dtype", "of", "points", "median ulp", "worst ulp", "")
    return Table("Errors against the reference values", columns, rows, frozenset(columns[3:6]))


def _ulp(error: float) -> str:
    return f"{error:.2f}" if error < 1000 else f"{error:.1e}"


def _verdict(outcomes: dict[str, list[Outcome]], findings: dict[str, list[Finding]]) -> str:
    examples = [outcome.passed for done in outcomes.values() for outcome in done]
    lines = [finding.passed for found in findings.values() for finding in found]
    if not examples:
        return "No backend can run here: install one, for example numpy."
    return (
        f"{sum(examples)} of {len(examples)} examples and {sum(lines)} of {len(lines)} lines of "
        f"accuracy passed on {len(outcomes)} backend(s)."
    )
