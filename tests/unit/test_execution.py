"""`execution`: what it takes, and for whom it holds."""

import asyncio
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread
from time import sleep
from typing import Any

import numpy as np
import pytest

from xent_api import execution, sigmoid_xent
from xent_api._backends.execution import DEFAULT, Setting, current
from xent_api._backends.numpy import NumpyBackend, QuietBackend
from xent_api._graph.tiles import Tile, in_threads


def test_it_nests_and_ends() -> None:
    with execution(workers=3):
        with execution(workers=np.int64(2), fuse=True):  # type: ignore[arg-type]
            assert current.get() == Setting(2, fuse=True)
            with execution(fuse=False, native=False):
                assert current.get() == Setting(2, fuse=False, native=False)
        assert current.get() == Setting(3, fuse=False)
        with execution(workers=-1):
            assert current.get().workers == os.cpu_count()
        with execution():
            assert current.get() == Setting(3, fuse=False)
    assert current.get() == DEFAULT


def test_it_is_set_by_the_block_and_not_by_the_call() -> None:
    execution(workers=3)
    assert current.get() == DEFAULT


def test_tasks_inherit_it_and_threads_do_not() -> None:
    async def main() -> list[Setting]:
        with execution(workers=2):
            task = asyncio.create_task(asyncio.to_thread(current.get))
        return [await task, current.get()]

    assert asyncio.run(main()) == [Setting(2, fuse=False), DEFAULT]
    with execution(workers=2), ThreadPoolExecutor(1) as pool:
        assert pool.submit(current.get).result() == DEFAULT


@pytest.mark.parametrize("workers", [2.0, True, "2"])
def test_workers_are_an_int(workers: Any) -> None:
    with pytest.raises(TypeError, match="`workers` must be an int or None; got"):
        execution(workers=workers)


def test_workers_are_not_0_and_not_fewer() -> None:
    for workers in (0, -1 - (os.cpu_count() or 1)):
        with pytest.raises(ValueError, match=f"`workers` must be positive, or .*; got {workers}"):
            execution(workers=workers)


@pytest.mark.parametrize("name", ["native", "fuse"])
def test_switches_are_bools(name: str) -> None:
    with pytest.raises(TypeError, match=f"`{name}` must be a bool or None; got int"):
        execution(**{name: 1})  # type: ignore[arg-type]


def test_dask_tasks_start_with_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    da = pytest.importorskip("dask.array")
    found = []

    def evaluate(self: Any, *arguments: Any) -> Any:
        found.append(current.get())
        return QuietBackend.evaluate(self, *arguments)

    x = da.zeros(4, chunks=2)
    with execution(workers=2):
        loss = sigmoid_xent.loss(labels=x, logits=x)
        monkeypatch.setattr(NumpyBackend, "evaluate", evaluate)
        loss.compute(scheduler="synchronous")
    assert found == [DEFAULT] * 2


SPOTS: list[Tile] = [(slice(k, k + 1),) for k in range(20)]


@pytest.mark.parametrize("workers", [1, 2, 3, 50])
def test_results_come_in_order_from_all_threads(workers: int) -> None:
    busy = Barrier(min(workers, len(SPOTS)), timeout=60)
    threads = set()

    def work(spots: Iterable[Tile]) -> list[int]:
        found: list[int] = []
        for (spot,) in spots:
            if not found:
                busy.wait()  # which nobody passes before all threads have a place
                threads.add(current_thread())
            found.append(spot.start)
        return found

    assert in_threads(work, SPOTS, workers) == list(range(20))
    assert len(threads) == min(workers, len(SPOTS))
    assert current_thread() in threads


@pytest.mark.parametrize("fails", [True, False], ids=["caller", "other"])
def test_the_error_of_any_thread_ends_all(fails: bool) -> None:
    caller, busy = current_thread(), Barrier(2, timeout=60)
    done: list[int] = []

    def work(spots: Iterable[Tile]) -> list[int]:
        found: list[int] = []
        for (spot,) in spots:
            if not found:  # the first tile of each thread
                busy.wait()
            if (current_thread() is caller) == fails:
                raise ZeroDivisionError
            sleep(0.01)
            done.append(spot.start)
            found.append(spot.start)
        return found

    with pytest.raises(ZeroDivisionError):
        in_threads(work, SPOTS, 2)
    assert len(done) < len(SPOTS) - 1
