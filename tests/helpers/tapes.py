"""Patches of the formulas, which NumPy's tapes would not see: they are recorded once and kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def patched() -> Iterator[pytest.MonkeyPatch]:
    """Yield a MonkeyPatch; forget what was recorded before and under it."""
    import numpy as np

    from xent_api._engine import call
    from xent_api._backends.numpy import NumpyBackend
    from xent_api._backends.registry import find_backend

    backend = find_backend(np.zeros(1))
    assert isinstance(backend, NumpyBackend)

    def forget() -> None:
        for runner in (backend.runner, backend.long_runner):
            runner.layout.cache_clear()
            runner.ready.cache_clear()
        call._plans.clear()

    with pytest.MonkeyPatch.context() as patch:
        forget()
        yield patch
        forget()
