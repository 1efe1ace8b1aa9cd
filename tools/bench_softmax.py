"""Time the softmax families beside their peers, as `bench.py` does for the sigmoid family.

    python tools/bench_softmax.py [--quick]

Writes ``results/speed/softmax.json`` and the table ``softmax.md``.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from bench import LARGE, RESULTS, main
from bench_page import ratio, time
from contenders import OURS
from peers import markdown
from row_contenders import LIBRARIES, PEERS, RowWorkload

from xent_api._report.tables import Table

INTRODUCTION = """
Made by `nox -s bench` (`tools/bench_softmax.py`), from `softmax.json`. `loss` is that of each row,
`training` the mean with its gradient (by backward in PyTorch and JAX; scikit-learn does not
reduce). Labels are class indices (`sparse`) or probabilities (`dense`). Times are nanoseconds a
logit; those of peers are given as ratios to ours: above 1 we are faster.
"""


PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "jax", "optax")


def workloads(threads: int, *, quick: bool) -> Iterator[RowWorkload]:
    """Yield what is timed."""
    size = LARGE // 10 if quick else LARGE
    for dtype in ("float32", "float64"):
        for labels in ("sparse", "dense"):
            for classes in (2, 10, 100, 1000, 32_000, 131_072):
                if classes in (10, 1000) or (dtype == "float32" and labels == "sparse"):
                    for operation in ("loss", "training"):
                        yield RowWorkload(operation, labels, dtype, classes, size, threads)


def write(result: dict[str, Any]) -> None:
    """Write the results and their table."""
    (RESULTS / "softmax.json").write_text(json.dumps(result, indent=0) + "\n")
    groups: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(dict)
    for row in result["rows"]:
        key = tuple(row[k] for k in ("threads", "dtype", "labels", "classes", "operation"))
        groups[key][row["call"]] = row
    parts = ["# Time of rows of classes, beside other libraries", INTRODUCTION.strip()]
    for ours, peers in PEERS.items():
        rows = [
            (
                *map(str, key),
                time(mine, mine["size"]),
                *(ratio(calls.get(peer), mine) for peer in peers),
            )
            for key, calls in groups.items()
            if (mine := calls.get(f"{OURS} {ours}"))
        ]
        numbers = (f"{OURS} {ours}", *(f"{peer} /" for peer in peers))
        columns = ("threads", "dtype", "labels", "classes", "operation", *numbers)
        table = Table("Softmax beside the peers", columns, rows, frozenset(columns[3:]))
        parts += [f"## {ours}", markdown(table).strip()]
    versions = ", ".join(f"{name} {v}" for name, v in result["versions"].items())
    measured = f"Measured {result['date']} on {result['machine']}, with {versions}."
    text = "\n\n".join([*parts, measured]) + "\n"
    (RESULTS / "softmax.md").write_text(text)


if __name__ == "__main__":
    sys.exit(main(__file__, workloads, LIBRARIES, PACKAGES, write))
