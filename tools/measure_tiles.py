"""Measure what the sizes of tiles should be, and the threshold below which there are none.

    python tools/measure_tiles.py

Prints nanoseconds an element on NumPy, for one thread and two: of the sigmoid loss in tiles of
several sizes (`tile_elements`, `shared_tile_bytes`), of rows of classes (`row_tile_elements`), and
of whole arrays beside tiles (`direct_elements`).
Interleaved, median of several runs, on an otherwise idle machine.
"""

import statistics
import timeit
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from limits import limits

import xent_api
from xent_api import sigmoid_xent, sparse_softmax_xent
from xent_api._backends.numpy import LIMITS

RUNS = 7
COUNT = 10_000_000
CALLS = ("loss", "loss_and_gradient")
DTYPES = ("float32", "float64")


SHARED = [k * 2**18 for k in (1, 2, 3, 4, 5, 6, 8, 16)]


def seconds(function: Callable[[], Any], number: int = 1) -> float:
    """Return the time of one call, over `number` calls."""
    return timeit.timeit(function, number=number) / number


def elementwise(dtype: str, count: int) -> dict[str, Any]:
    """Return random logits and hard labels."""
    random = np.random.default_rng(0)
    logits = random.normal(0.0, 3.0, count).astype(dtype)
    return {"logits": logits, "labels": (random.random(count) < 0.5).astype(dtype)}


def classes(dtype: str, number: int) -> dict[str, Any]:
    """Return random rows of logits and class indices."""
    random = np.random.default_rng(0)
    rows = COUNT // number
    logits = random.normal(0.0, 3.0, (rows, number)).astype(dtype)
    return {"logits": logits, "labels": random.integers(0, number, rows), "reduction": "mean"}


def table(
    title: str, call: Callable[[], Any], workers: int, name: str, given: Iterable[int]
) -> None:
    """Print a line of what each size gives."""
    found: dict[int, list[float]] = {size: [] for size in given}
    with xent_api.execution(workers=workers):
        for _ in range(RUNS):
            for size, times in found.items():
                with limits(direct_elements=1, **{name: size}):
                    times.append(seconds(call))
    cells = (f"{size}: {statistics.median(t) / COUNT * 1e9:.2f}" for size, t in found.items())
    print(f"{title}, {workers} thread(s), {name} ", "  ".join(cells), flush=True)


def threshold(dtype: str) -> None:
    """Print whole arrays against tiles of the size in use, for growing arrays."""
    print(f"loss {dtype}: elements, microseconds whole and in tiles of {LIMITS.tile_elements}")
    for count in (2**k for k in range(14, 22)):
        call = partial(sigmoid_xent.loss, **elementwise(dtype, count))
        found: dict[int, list[float]] = {1: [], 2**40: []}
        for _ in range(RUNS):
            for direct, times in found.items():
                with limits(direct_elements=direct):
                    times.append(seconds(call, max(1, 2**20 // count)))
        whole, tiled = (statistics.median(found[d]) * 1e6 for d in (2**40, 1))
        print(f"  {count:8} {whole:9.1f} {tiled:9.1f}")


def main() -> None:
    """Print all tables."""
    for dtype in DTYPES:
        threshold(dtype)
        for name in CALLS:
            call = partial(getattr(sigmoid_xent, name), **elementwise(dtype, COUNT))
            table(f"{name} {dtype}", call, 1, "tile_elements", (2**k for k in range(12, 20)))
            table(f"{name} {dtype}", call, 2, "shared_tile_bytes", SHARED)
        for number in (10, 1000, 131_072):
            call = partial(sparse_softmax_xent.loss_and_gradient, **classes(dtype, number))
            for workers in (1, 2):
                title = f"{number} classes {dtype}"
                table(title, call, workers, "row_tile_elements", (2**k for k in range(16, 21)))


if __name__ == "__main__":
    main()
