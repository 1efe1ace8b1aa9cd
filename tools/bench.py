"""Time the loss beside its peers, and make the table and the picture of all that was timed.

    python tools/bench.py [--quick]

All calls of a workload take turns in one process: a run of the others between any two of one's own,
so that what else the machine does falls on all alike. `timeit` chooses how often a call is repeated
in a run. One process for each number of threads, bound to as many processors, because XLA and
OpenMP read it when they start. The median and the spread are over the runs; peak memory is what the
process holds during one call beyond what it held before.
"""

import argparse
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from contenders import LIBRARIES, Call, Workload

from xent_api.testing.machine import describe_machine
from xent_api.testing.targets import package_version

RESULTS = Path(__file__).parents[1] / "results" / "speed"
PACKAGES = ("numpy", "scikit-learn", "numexpr", "torch", "jax", "optax")
LARGE = 10_000_000
RUNS = 5
Row = dict[str, Any]


def workloads(threads: int, *, quick: bool) -> Iterator[Workload]:
    """Yield what is timed: all operations on large arrays, and plain ones of every size."""
    large = LARGE // 10 if quick else LARGE
    for operation in ("loss", "mean", "loss_and_gradient", "training"):
        for variant in ("plain", "masked", "weighted"):
            for dtype in ("float32", "float64"):
                yield Workload(operation, variant, dtype, large, threads)
    if threads > 1:
        return
    sizes = [1, 8, 100, 1000, 10_000, 100_000, 1_000_000] + ([] if quick else [100_000_000])
    for operation in ("loss", "training"):
        for size in sizes:
            yield Workload(operation, "plain", "float32", size, threads)


def measure(work: Any, libraries: Mapping[str, Callable[[Any], dict[str, Call]]]) -> list[Row]:
    """Return a row for each call of a workload."""
    rows = []
    for library, make in libraries.items():
        if work.size > LARGE and library != "numpy":
            continue
        calls = make(work)
        times: dict[str, list[float]] = {name: [] for name in calls}
        timers = {name: timeit.Timer(call) for name, call in calls.items()}
        for call in calls.values():
            call()  # compiles
            call()
        repeats = {name: _repeats(timer) for name, timer in timers.items()}
        for _ in range(3 if work.size > LARGE else RUNS):
            for name, timer in timers.items():
                times[name].append(timer.timeit(repeats[name]) / repeats[name])
        rows += [
            vars(work)
            | {
                "library": library,
                "call": name,
                "seconds": statistics.median(found),
                "least": min(found),
                "most": max(found),
                "bytes": peak(calls[name]) if work.size >= 1_000_000 else None,
            }
            for name, found in times.items()
        ]
    return rows


def _repeats(timer: timeit.Timer) -> int:
    """Return a number of repetitions that takes some 20 ms."""
    once = timer.timeit(1)
    return max(1, min(2000, int(0.02 / once)))


def peak(call: Call) -> int:
    """Return by how much the memory of this process grows during a call, at most, in bytes."""
    before = resident()
    most, done = before, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, resident())
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    kept = call()
    most = max(most, resident())
    done.set()
    watcher.join()
    del kept
    return max(0, most - before)


def resident() -> int:
    """Return the memory that this process holds, in bytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(
    script: str,
    workloads: Callable[..., Iterator[Any]],
    libraries: Mapping[str, Callable[[Any], dict[str, Call]]],
    packages: tuple[str, ...],
    write: Callable[[dict[str, Any]], None],
) -> int:
    """Run a process for each number of threads, then write the page."""
    parser = argparse.ArgumentParser(description="Time the loss beside its peers.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        for work in workloads(options.child, quick=options.quick):
            for row in measure(work, libraries):
                print(json.dumps(row), flush=True)
        return 0
    found = [run(script, packages, threads, {}, quick=options.quick) for threads in (1, 2)]
    RESULTS.mkdir(parents=True, exist_ok=True)
    write(found[0] | {"rows": [row for result in found for row in result["rows"]]})
    return 0


def run(
    script: str,
    packages: tuple[str, ...],
    threads: int,
    environment: dict[str, str],
    *,
    quick: bool,
) -> dict[str, Any]:
    """Return what a process of its own measures, on so many processors."""
    processors = ",".join(map(str, range(threads)))
    command = ["taskset", "-c", processors, sys.executable, script, "--child", str(threads)]
    done = subprocess.run(
        [*command, *(["--quick"] if quick else [])],
        env=os.environ | {"OMP_NUM_THREADS": str(threads)} | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": describe_machine(),
        "versions": {name: package_version(name) for name in packages},
        "rows": [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")],
    }


def write_page(result: dict[str, Any]) -> None:
    """Write the results and their page."""
    from bench_page import write

    (RESULTS / "bench.json").write_text(json.dumps(result, indent=0) + "\n")
    write(result, RESULTS)


if __name__ == "__main__":
    sys.exit(main(__file__, workloads, LIBRARIES, PACKAGES, write_page))
