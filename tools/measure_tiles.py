"""Measure what the tiles' size and the threshold below which there are none should be.

    python tools/measure_tiles.py

Prints, for the loss and for the loss with its gradient, nanoseconds an element on NumPy for several
sizes of tiles, and the size of array from which tiles are faster than whole arrays. Interleaved,
median of several runs, on an otherwise idle machine.
"""

import statistics
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from xent_api import sigmoid_xent
from xent_api._execution import numpy as backend

RUNS = 7
TILES = tuple(2**k for k in range(12, 20))
COUNT = 10_000_000


@contextmanager
def tiles(elements: int, direct: int) -> Iterator[None]:
    """Set the size of tiles and the threshold."""
    old = backend.TILE, backend.DIRECT
    backend.TILE, backend.DIRECT = elements, direct
    try:
        yield
    finally:
        backend.TILE, backend.DIRECT = old


def seconds(function: Callable[[], Any], number: int) -> float:
    """Return the time of one call, over `number` calls."""
    return timeit.timeit(function, number=number) / number


def arguments(dtype: str, count: int) -> dict[str, Any]:
    """Return random logits and hard labels."""
    random = np.random.default_rng(0)
    logits = random.normal(0.0, 3.0, count).astype(dtype)
    return {"logits": logits, "labels": (random.random(count) < 0.5).astype(dtype)}


def sizes(name: str, dtype: str) -> None:
    """Print a line for each size of tiles."""
    function, given = getattr(sigmoid_xent, name), arguments(dtype, COUNT)
    found: dict[int, list[float]] = {elements: [] for elements in TILES}
    for _ in range(RUNS):
        for elements, times in found.items():
            with tiles(elements, 1):
                times.append(seconds(partial(function, **given), 1))
    print(f"{name} {dtype}: elements in a tile, ns an element")
    for elements, times in found.items():
        print(f"  {elements:7} {statistics.median(times) / COUNT * 1e9:6.2f}")


def threshold(name: str, dtype: str) -> None:
    """Print whole arrays against tiles of the size in use, for growing arrays."""
    function = getattr(sigmoid_xent, name)
    print(f"{name} {dtype}: elements, microseconds whole and in tiles of {backend.TILE}")
    for count in (2**k for k in range(14, 22)):
        given = arguments(dtype, count)
        found: dict[int, list[float]] = {1: [], 2**40: []}
        for _ in range(RUNS):
            for direct, times in found.items():
                with tiles(backend.TILE, direct):
                    times.append(seconds(partial(function, **given), max(1, 2**20 // count)))
        whole, tiled = (statistics.median(found[d]) * 1e6 for d in (2**40, 1))
        print(f"  {count:8} {whole:9.1f} {tiled:9.1f}")


if __name__ == "__main__":
    for chosen in ("float32", "float64"):
        for call in ("loss", "loss_and_gradient"):
            sizes(call, chosen)
        threshold("loss", chosen)
