"""Tiles of other sizes than those that are in use, for tests and measurements."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import numpy as np

from xent_api._backends.numpy import NumpyBackend
from xent_api._backends.registry import find_backend
from xent_api._graph.executor import Executor


def numpy_backend() -> NumpyBackend:
    """Return what all calls on NumPy's arrays go through."""
    backend = find_backend(np.zeros(1))
    assert isinstance(backend, NumpyBackend)
    return backend


def executor_of(library: str) -> Executor:
    """Return what runs the graphs of NumPy or PyTorch."""
    if library == "torch":
        found: Executor = import_module("xent_api._backends.torch.eager").EXECUTOR
        return found
    return numpy_backend().executor


@contextmanager
def limits(library: str, **given: int) -> Iterator[None]:
    """Replace some of the library's `Limits`."""
    executor = executor_of(library)
    usual = executor.limits
    executor.limits = usual._replace(**given)
    try:
        yield
    finally:
        executor.limits = usual
