"""`set_workers`: what it takes, and for whom it holds."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from xent_api import set_workers
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
