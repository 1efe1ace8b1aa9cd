"""Measure the peers that are installed here, and make the table of all that were measured.

    python tools/peers.py

Each environment adds its peers to ``results/accuracy/peers``: PyTorch, optax, Keras and
scikit-learn live in one, TensorFlow and Paddle in one each. The table and the picture are made from
all files there.
"""

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

from xent_api._report.comparison import comparison, softmax_comparison, special
from xent_api._report.measure import Curve, Measured, call_target, measure
from xent_api._report.pictures import draw_peers, draw_softmax
from xent_api._report.tables import Table
from xent_api._report.write import measure_peers, measure_softmax
from xent_api.testing import find_target
from xent_api.testing.machine import describe_machine
from xent_api.testing.targets import package_version

RESULTS = Path(__file__).parents[1] / "results" / "accuracy"
OURS = "xent_api on NumPy"


def save(system: Measured, folder: Path) -> None:
    """Write what a system gave."""
    folder.mkdir(parents=True, exist_ok=True)
    curves = {
        case: {"worst": _short(curve.worst), "median": _short(curve.median)}
        for case, curve in system.curves.items()
    }
    result = {
        "name": system.name,
        "version": system.version,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": describe_machine(),
        "special": system.special,
        "curves": curves,
    }
    name = system.name.lower().replace(" ", "-").replace("(", "").replace(")", "")
    (folder / f"{name}.json").write_text(json.dumps(result) + "\n")


def _short(errors: tuple[float, ...]) -> list[float]:
    return [float(f"{error:.4g}") for error in errors]


def load(result: dict[str, Any]) -> Measured:
    """Return what was written."""
    curves = {
        case: Curve(tuple(curve["worst"]), tuple(curve["median"]))
        for case, curve in result["curves"].items()
    }
    special_values = [(loss, slope, in_labels) for loss, slope, in_labels in result["special"]]
    return Measured(result["name"], result["version"], curves, tuple(special_values))


def markdown(table: Table) -> str:
    """Return a table in Markdown."""
    rule = ("--:" if name in table.right else "---" for name in table.columns)
    lines = [table.columns, tuple(rule), *table.rows]
    return "\n".join([f"{table.title}.\n", *(f"| {' | '.join(line)} |" for line in lines), ""])


def results_in(folder: Path) -> list[dict[str, Any]]:
    """Return all results in a folder, this package's first."""
    results = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    return sorted(results, key=lambda result: (result["name"] != OURS, result["name"].lower()))


def _in_threes(systems: list[Measured]) -> list[list[Measured]]:
    """Return the systems by threes: more columns fit no page."""
    return [systems[i : i + 3] for i in range(0, len(systems), 3)]


def main() -> None:
    """Measure, then write the page."""
    target, folder, folder_of_rows = find_target("numpy"), RESULTS / "peers", RESULTS / "softmax"
    peers, problems = measure_peers(sys.stderr.write)
    for system in (measure(OURS, package_version("numpy"), call_target(target)), *peers):
        save(system, folder)
    rows, more = measure_softmax([target], sys.stderr.write)
    for system in rows:
        ours = system.name.startswith("xent_api")
        save(system._replace(name=OURS) if ours else system, folder_of_rows)
    if problems or more:
        sys.exit("\n".join(problems + more))
    results = results_in(folder)
    systems = [load(result) for result in results]
    of_rows = [load(result) for result in results_in(folder_of_rows)]
    dates = "\n".join(f"- {r['name']} {r['version']}: {r['date']}, {r['machine']}" for r in results)
    parts = [
        "# How far the losses of other libraries are off",
        "Made by `nox -s peers` (`tools/peers.py`), from `peers/*.json` and `softmax/*.json`.",
        markdown(comparison(systems)),
        *(markdown(special(few)) for few in _in_threes(systems)),
        "![Errors against the logit](peers.png)",
        markdown(softmax_comparison(of_rows)),
        "![Errors of the softmax losses](softmax.png)",
        f"Measured:\n\n{dates}",
    ]
    (RESULTS / "peers.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")
    (RESULTS / "peers.png").write_bytes(draw_peers([*systems[1:], systems[0]]))
    (RESULTS / "softmax.png").write_bytes(draw_softmax([*of_rows[1:], of_rows[0]]))


if __name__ == "__main__":
    main()
