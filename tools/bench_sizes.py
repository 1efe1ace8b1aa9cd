"""Time a mean with its gradient at three sizes beside the peers: the README's table of speed.

    python tools/bench_sizes.py [--quick]

Writes ``results/speed/sizes.json`` and the table ``sizes.md``. ``--quick`` leaves out the largest.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import contenders
import row_contenders
from bench import RESULTS, main
from contenders import OURS, Call, Workload
from row_contenders import RowWorkload

SIZES = (1_000, 100_000, 10_000_000)
CLASSES = (10, 1_000)
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "jax", "optax")
PEERS = {
    "NumPy": ("NumPy textbook", "SciPy"),
    "PyTorch": ("PyTorch", "PyTorch"),
    "JAX": ("optax", "optax"),
}
"""Whom each of our calls is compared with, in the sigmoid family and with class indices."""
TITLES = {
    "NumPy textbook": "NumPy: the textbook expressions",
    "SciPy": "NumPy: SciPy's `log_softmax`, textbook gradient",
    "PyTorch": "PyTorch: its own loss, forward and backward",
    "optax": "JAX: optax, `jit(value_and_grad)`",
}
INTRODUCTION = """
Made by `nox -s bench` (`tools/bench_sizes.py`), from `sizes.json`: a mean with its gradient,
float32, one thread. A figure is the time of the peer divided by ours: above 1 we are faster.
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


LIBRARIES = {
    "numpy": lambda work: _calls("numpy", work),
    "torch": lambda work: _calls("torch", work),
    "jax": lambda work: _calls("jax", work),
}


def table(result: dict[str, Any]) -> str:
    """Return the README's table, in Markdown."""
    seconds = {
        (row.get("classes"), row["call"], row["size"]): row["seconds"] for row in result["rows"]
    }
    head = ("", "labels", *(f"{size:,}".replace(",", " ") for size in SIZES))
    lines = [head, ("---", "---", *("--:",) * len(SIZES))]
    for ours, peers in PEERS.items():
        for classes in (None, *CLASSES):
            peer = peers[0 if classes is None else 1]
            labels = "0 or 1" if classes is None else f"index of {classes:,} classes"
            times = [(seconds.get((classes, f"{OURS} {ours}", s)), s) for s in SIZES]
            cells = [f"{seconds[classes, peer, s] / mine:.2f}" if mine else "" for mine, s in times]
            lines.append((TITLES[peer], labels.replace(",", " "), *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(result: dict[str, Any]) -> None:
    """Write the results and their table."""
    (RESULTS / "sizes.json").write_text(json.dumps(result, indent=0) + "\n")
    versions = ", ".join(f"{name} {v}" for name, v in result["versions"].items())
    measured = f"Measured {result['date']} on {result['machine']}, with {versions}."
    parts = ["# From small to large", INTRODUCTION.strip(), table(result), measured]
    (RESULTS / "sizes.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    sys.exit(main(__file__, workloads, LIBRARIES, PACKAGES, write))
