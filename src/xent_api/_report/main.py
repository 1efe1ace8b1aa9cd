"""The command line: which backends are here, and what the documented examples give on them."""

import argparse
import sys
from collections.abc import Sequence
from typing import TextIO

from .._version import __version__
from ..testing import EXAMPLES, KNOWN, Outcome, Target, Unavailable, find_target, run
from ..testing.targets import package_version
from .tables import FAIL, PASS, Table, show

DTYPE = "float32"
"""The dtype of the documented examples."""


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
    failed = sum(not outcome.passed for done in outcomes.values() for outcome in done)
    unavailable = len(names) - len(targets) if options.backend else 0
    out.write(_verdict(outcomes, failed) + "\n")
    if unavailable:
        out.write(f"{unavailable} of the backends asked for cannot run.\n")
    return 1 if failed or unavailable or not targets else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m xent_api",
        description="Run the documented examples on the array libraries that are installed here.",
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


def _verdict(outcomes: dict[str, list[Outcome]], failed: int) -> str:
    done = sum(len(found) for found in outcomes.values())
    if not done:
        return "No backend can run here: install one, for example numpy."
    return f"{done - failed} of {done} examples passed on {len(outcomes)} backend(s)."
