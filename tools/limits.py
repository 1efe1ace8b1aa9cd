"""Tiles of other sizes than those that are in use, for tests and measurements."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from xent_api._backends.registry import find_backend
from xent_api._graph.executor import Executor


def executor_of(library: str) -> Executor:
    """Return what runs the graphs of NumPy or PyTorch."""
    if library == "torch":
        found: Executor = import_module("xent_api._backends.torch.eager").EXECUTOR
        return found
    backend = find_backend(import_module("numpy").zeros(1))
    return backend.executor  # type: ignore[union-attr,no-any-return]


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
