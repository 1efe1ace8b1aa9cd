"""Patches of the formulas, which NumPy's graphs would not see: they are traced once and kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def patched() -> Iterator[pytest.MonkeyPatch]:
    """Yield a MonkeyPatch; forget what was traced before and under it."""
    import numpy as np

    from xent_api._backends.numpy import NumpyBackend
    from xent_api._backends.registry import find_backend
    from xent_api._engine import call

    backend = find_backend(np.zeros(1))
    assert isinstance(backend, NumpyBackend)

    def forget() -> None:
        for executor in (backend.executor, backend.long_executor):
            executor.assignment.cache_clear()
            executor.ready.cache_clear()
        call._plans.clear()

    with pytest.MonkeyPatch.context() as patch:
        forget()
        yield patch
        forget()
