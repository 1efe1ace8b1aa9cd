"""Time compiled kernels beside the interpreter and the peers, from 8 to ten million elements.

    python tools/bench_native.py [--quick]

Writes ``results/speed/native.json`` and the tables ``native.md``: with the processor's own vectors,
and with NumPy and the kernels held to AVX2. ``--quick`` leaves out the largest size.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

from bench import RESULTS, measure, run
from contenders import OURS, Call, Workload, numpy_calls

from xent_api._backends.execution import DEFAULT, current
from xent_api._graph.codegen import kernels
from xent_api._graph.codegen.compiler import Compiler

SIZES = (8, 1_024, 10_000, 100_000, 1_000_000, 10_000_000)
CASES = tuple(
    (operation, dtype)
    for dtype in ("float32", "float64")
    for operation in ("loss", "loss_and_gradient")
)
AVX2 = "X86_V4 AVX512_ICL AVX512_SPR"
"""What NumPy is told not to use."""
PACKAGES = ("numpy", "llvmlite", "scikit-learn")
PEERS = ("NumPy textbook", "scikit-learn", "interpreter")
INTRODUCTION = """
Made by `nox -s bench` (`tools/bench_native.py`), from `native.json`: elementwise results in new
arrays, one thread. `ours` is our time with kernels. The other figures are the time of the peer
divided by it: above 1 we are faster. `interpreter` is what runs without the extra `native`.
"""


def calls(work: Workload) -> dict[str, Call]:
    """Return our call with kernels and without, and the peers."""
    found = numpy_calls(work)
    found.pop("numexpr", None)
    context, ours = copy_context(), found[f"{OURS} NumPy"]
    context.run(current.set, DEFAULT._replace(native=False))
    return found | {"interpreter": lambda: context.run(ours)}


def workloads(*, quick: bool) -> Iterator[Workload]:
    """Yield what is timed."""
    for operation, dtype in CASES:
        for size in SIZES[:-1] if quick else SIZES:
            yield Workload(operation, "plain", dtype, size, 1)


def table(rows: list[dict[str, Any]]) -> str:
    """Return a table of ratios, in Markdown."""
    seconds = {(r["operation"], r["dtype"], r["call"], r["size"]): r["seconds"] for r in rows}
    sizes = [f"{size:,}".replace(",", " ") for size in SIZES]
    lines = [("what", "beside", *sizes), ("---", "---", *("--:",) * len(sizes))]
    for operation, dtype in CASES:
        title = f"{operation.replace('_', ' ')}, {dtype}"
        mine = [seconds.get((operation, dtype, f"{OURS} NumPy", size)) for size in SIZES]
        lines.append((title, "ours, µs", *[f"{1e6 * t:.3g}" if t else "" for t in mine]))
        for peer in PEERS:
            theirs = [seconds.get((operation, dtype, peer, size)) for size in SIZES]
            cells = [f"{t / m:.2f}" if t and m else "" for t, m in zip(theirs, mine, strict=True)]
            lines.append((title, peer, *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(results: dict[str, dict[str, Any]]) -> None:
    """Write the results and their tables."""
    (RESULTS / "native.json").write_text(json.dumps(results, indent=0) + "\n")
    parts = ["# With compiled kernels, and without", INTRODUCTION.strip()]
    for title, result in results.items():
        versions = ", ".join(f"{name} {v}" for name, v in result["versions"].items())
        measured = f"Measured {result['date']} on {result['machine']}, with {versions}."
        parts += [f"## {title}", table(result["rows"]), measured]
    (RESULTS / "native.md").write_text("\n\n".join(parts) + "\n")


def main() -> None:
    """Measure in processes of their own."""
    quick = "--quick" in sys.argv
    if "--child" in sys.argv:
        if os.environ.get("NPY_DISABLE_CPU_FEATURES"):
            haswell = Compiler("haswell")
            kernels.compiler = lambda: haswell
        for work in workloads(quick=quick):
            for row in measure(work, {"numpy": calls}):
                print(json.dumps(row), flush=True)
        return
    held = {"NPY_DISABLE_CPU_FEATURES": AVX2}
    modes: dict[str, dict[str, str]] = {"The processor's own vectors": {}, "Held to AVX2": held}
    write({title: run(__file__, PACKAGES, 1, env, quick=quick) for title, env in modes.items()})


if __name__ == "__main__":
    main()
