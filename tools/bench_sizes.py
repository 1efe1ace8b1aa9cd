"""Time a mean with its gradient at three sizes beside the peers: the README's table of speed.

    python tools/bench_sizes.py [--quick]

Writes ``results/speed/sizes.json`` and the table ``sizes.md``. ``--quick`` leaves out the largest.
"""

import json
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import contenders
import row_contenders
from bench import RESULTS, main
from contenders import OURS, Call, Workload
from row_contenders import RowWorkload

SIZES = (1_000, 100_000, 10_000_000)
CLASSES = (10, 1_000)
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "jax", "optax")
ROWS = (
    ("NumPy", "NumPy textbook", "NumPy: textbook expressions", (None,)),
    ("NumPy", "SciPy", "NumPy: SciPy's `log_softmax`, textbook gradient", CLASSES),
    ("NumPy", "scikit-learn", "NumPy: scikit-learn (private)", (None, *CLASSES)),
    ("PyTorch", "PyTorch", "PyTorch: its own loss, backward", (None, *CLASSES)),
    ("PyTorch compiled", "PyTorch compiled", "the same, both in `torch.compile`", (None,)),
    ("JAX", "optax", "JAX: optax, `jit(value_and_grad)`", (None, *CLASSES)),
)
"""Our call, the peer's, the peer's title, and the classes for which they are compared."""
INTRODUCTION = """
Made by `nox -s bench` (`tools/bench_sizes.py`), from `sizes.json`: a mean with its gradient,
float32, one thread. `ours` is our time for 1000 logits. The other figures are the time of the peer
divided by ours, for so many logits: above 1 we are faster.
"""
Work = Workload | RowWorkload


def workloads(threads: int, *, quick: bool) -> Iterator[Work]:
    """Yield what is timed."""
    for size in () if threads > 1 else SIZES[:-1] if quick else SIZES:
        yield Workload("training", "plain", "float32", size, threads)
        for classes in CLASSES:
            yield RowWorkload("training", "sparse", "float32", classes, size, threads)


def _calls(library: str, work: Work) -> dict[str, Call]:
    module: Any = contenders if isinstance(work, Workload) else row_contenders
    calls: dict[str, Call] = module.LIBRARIES[library](work)
    return calls


LIBRARIES = {library: partial(_calls, library) for library in contenders.LIBRARIES}


def table(result: dict[str, Any]) -> str:
    """Return the README's table, in Markdown."""
    seconds = {
        (row.get("classes"), row["call"], row["size"]): row["seconds"] for row in result["rows"]
    }
    sizes = [f"{size:,}".replace(",", " ") for size in SIZES]
    lines = [("beside", "labels", "ours", *sizes), ("---", "---", *("--:",) * (len(SIZES) + 1))]
    for ours, peer, title, several in ROWS:
        for classes in several:
            labels = "0 or 1" if classes is None else f"{classes} classes"
            mine = [seconds.get((classes, f"{OURS} {ours}", size)) for size in SIZES]
            theirs = [seconds.get((classes, peer, size)) for size in SIZES]
            cells = [f"{t / m:.2f}" if t and m else "" for t, m in zip(theirs, mine, strict=True)]
            lines.append((title, labels, f"{1e6 * (mine[0] or 0):.0f} µs", *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(result: dict[str, Any]) -> None:
    """Write the results and their table."""
    (RESULTS / "sizes.json").write_text(json.dumps(result, indent=0) + "\n")
    versions = ", ".join(f"{name} {v}" for name, v in result["versions"].items())
    measured = f"Measured {result['date']} on {result['machine']}, with {versions}."
    parts = ["# At which size it becomes faster", INTRODUCTION.strip(), table(result), measured]
    (RESULTS / "sizes.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    sys.exit(main(__file__, workloads, LIBRARIES, PACKAGES, write))
