"""Summarize a recorded run of the default tests: where the time goes, and the longest tests.

    PYTEST_ADDOPTS=--durations=0 nox -s tests > log; python tools/durations.py log

Writes ``results/tests/durations.md``. No test fails by the clock: this tells what to mark nightly.
"""

import datetime as dt
import re
import sys
from collections import Counter
from pathlib import Path

from xent_api.testing.machine import describe_machine

RESULTS = Path(__file__).parents[1] / "results" / "tests"
LINE = re.compile(
    r"([\d.]+)s (?:call|setup|teardown) +(?:tests|\S*xent_api/testing)/(\w+)/(\w+)\.py::(.+)"
)
LONGEST = 25


def main(log: Path) -> None:
    """Write the page."""
    text = log.read_text(encoding="utf-8", errors="replace")
    parts: Counter[str] = Counter()
    tests: list[tuple[float, str]] = []
    for seconds, folder, file, test in LINE.findall(text):
        target = re.search(r"\[([\w:]+)", test) if folder == "conformance" else None
        parts[target[1] if target else folder] += float(seconds)  # type: ignore[assignment]
        tests.append((float(seconds), f"{folder}/{file}.py::{test}"))
    verdicts = re.findall(r"=* ?(\d+ passed.* in [\d.]+s.*?) ?=*$", text, re.MULTILINE)
    verdict = max(verdicts, key=lambda line: int(line.split()[0]))  # of several runs in a log
    today = dt.datetime.now(dt.UTC).date()
    lines = [
        "# How long the default tests take",
        f"{today}, {describe_machine()}, two processes: {verdict}. Made by `tools/durations.py`.",
        _table("backend, or folder", [(s, n) for n, s in parts.most_common() if s >= 1]),
        _table("test", sorted(tests, reverse=True)[:LONGEST]),
    ]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "durations.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def _table(title: str, rows: list[tuple[float, str]]) -> str:
    lines = [f"| `{name}` | {seconds:.1f} |" for seconds, name in rows]
    return "\n".join([f"| {title} | s |", "| --- | --: |", *lines])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
