"""Patches of the formulas, which NumPy's graphs would not see: they are traced once and kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from limits import numpy_backend

from xent_api._engine import call


@contextmanager
def patched() -> Iterator[pytest.MonkeyPatch]:
    """Yield a MonkeyPatch; forget what was traced before and under it."""
    backend = numpy_backend()

    def forget() -> None:
        for executor in (backend.executor, backend.long_executor):
            executor.assignment.cache_clear()
            executor.ready.cache_clear()
        call._plans.clear()

    with pytest.MonkeyPatch.context() as patch:
        forget()
        yield patch
        forget()
