"""`set_workers`: what it takes, and for whom it holds."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread
from time import sleep
from typing import Any

import numpy as np
import pytest

from xent_api import set_workers
from xent_api._execution.tiles import Place, in_threads
from xent_api._execution.workers import DEFAULT, Setting, current


def test_it_nests_and_ends() -> None:
    with set_workers(3):
        with set_workers(np.int64(2), compile=True):  # type: ignore[arg-type]
            assert current.get() == Setting(2, compile=True)
        assert current.get() == Setting(3, compile=False)
        with set_workers(-1):
            assert current.get().workers == os.cpu_count()
    assert current.get() == DEFAULT


def test_it_holds_for_its_own_thread() -> None:
    with set_workers(2), ThreadPoolExecutor(1) as pool:
        assert pool.submit(current.get).result() == DEFAULT


@pytest.mark.parametrize("workers", [2.0, True, "2", None])
def test_workers_are_an_int(workers: Any) -> None:
    with pytest.raises(TypeError, match="`workers` must be an int; got"):
        set_workers(workers)


def test_workers_are_not_0_and_not_fewer() -> None:
    for workers in (0, -1 - (os.cpu_count() or 1)):
        with pytest.raises(ValueError, match=f"`workers` must be positive, or .*; got {workers}"):
            set_workers(workers)


def test_compile_is_a_bool() -> None:
    with pytest.raises(TypeError, match="`compile` must be a bool; got int"):
        set_workers(1, compile=1)  # type: ignore[arg-type]


SPOTS: list[Place] = [(slice(k, k + 1),) for k in range(20)]


@pytest.mark.parametrize("workers", [1, 2, 3, 50])
def test_results_come_in_order_from_all_threads(workers: int) -> None:
    busy = Barrier(min(workers, len(SPOTS)), timeout=60)
    threads = set()

    def work(spots: Iterable[Place]) -> list[int]:
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

    def work(spots: Iterable[Place]) -> list[int]:
        found = []
        for (spot,) in spots:
            if spot.start in (0, 19):  # the first place of each thread
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
