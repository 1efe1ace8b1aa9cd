"""How calls are run: threads and kernels, for the thread or task that asks for them."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from numbers import Integral
from types import ModuleType
from typing import Any, NamedTuple

from .._forks import lock


class Setting(NamedTuple):
    """What `execution` sets."""

    workers: int | None
    """None is for what is usual for a library."""
    fuse: bool
    native: bool | None = None

    def is_native(self) -> bool:
        """Tell whether compiled kernels are to be used: None is for where they can be."""
        return _codegen().are_usable() if self.native is None else self.native


DEFAULT = Setting(workers=None, fuse=False)
current: ContextVar[Setting] = ContextVar("xent_api_execution", default=DEFAULT)
"""Of this thread or task alone: there is no global state."""


def execution(
    *, workers: int | None = None, native: bool | None = None, fuse: bool | None = None
) -> AbstractContextManager[None]:
    """Set how the calls in a ``with`` block are run; results stay within the same bars.

    The setting belongs to the thread or asyncio task that makes it. Tasks and
    ``asyncio.to_thread`` inherit it; new threads, Dask tasks and processes start with the defaults.
    Where a library traces (``jax.jit``, ``torch.compile``) it is not read.

    Parameters
    ----------
    workers : int, optional
        Threads that share large NumPy arrays, and large PyTorch tensors where compiled kernels
        serve them; by default 1 for NumPy and ``torch.get_num_threads()`` for PyTorch. A negative
        number counts down from the number of processors, -1 being all of them, as in
        ``scipy.fft.set_workers``. Results of compiled kernels do not depend on it; without them
        tiles are larger with several threads, so that sums may differ in the last bit of float64.
        JAX and Dask, and PyTorch without kernels, use their own thread pools.
    native : bool, optional
        Compiled kernels for NumPy arrays and PyTorch tensors on CPUs, by llvmlite (the extra
        ``xent-api[native]``); by default True where it is installed. The first call with new
        dtypes or options takes 15 to 60 ms longer, and the first one of all another 60 ms. A
        backward pass has the setting of its forward pass.
    fuse : bool, optional
        One kernel for each call on eager PyTorch tensors (by ``torch.compile``, PyTorch 2.13) and
        CuPy arrays (by ``cupy.fuse``); by default False. It is meant for large arrays on GPUs and
        has not been tested on one. The first call with new dtypes, options or ranks takes seconds,
        and needs a C++ compiler or Triton. Results have first derivatives only.

    None leaves the surrounding setting as it is.

    Raises
    ------
    TypeError
        For `workers` that is no int, and `native` or `fuse` that is no bool.
    ValueError
        For 0 workers, or a negative number below the number of processors.
    ImportError
        For ``native=True`` where llvmlite is not installed, or cannot make machine code.

    Examples
    --------
    >>> import numpy as np
    >>> import xent_api as xa
    >>> logits = np.zeros(1_000_000, dtype=np.float32)
    >>> with xa.execution(workers=2):
    ...     mean = xa.sigmoid_xent.loss(labels=logits, logits=logits, reduction="mean")
    >>> print(mean)
    0.6931472
    """
    count = None if workers is None else _number(workers)
    fused = _switch("fuse", fuse)
    if _switch("native", native) and (reason := _codegen().why_unusable()):
        raise ImportError(f"`native` must be False or None: {reason}")
    return _within(workers=count, fuse=fused, native=native)


def _within(**changes: Any) -> AbstractContextManager[None]:
    given = {name: value for name, value in changes.items() if value is not None}
    return set_to(lambda: current.get()._replace(**given))


@contextmanager
def set_to(setting: Callable[[], Setting]) -> Iterator[None]:
    """Run the calls of a ``with`` block by a setting, which is asked for where the block begins."""
    token = current.set(setting())
    try:
        yield
    finally:
        current.reset(token)


@cache
def _codegen() -> ModuleType:
    """Return the module of kernels, the import of which takes as long as that of this package."""
    with lock:
        from .._graph.codegen import kernels

    return kernels


def _switch(name: str, given: object) -> bool | None:
    if given is not None and not isinstance(given, bool):
        raise TypeError(f"`{name}` must be a bool or None; got {type(given).__name__}")
    return given


def _number(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise TypeError(f"`workers` must be an int or None; got {type(given).__name__}")
    workers = int(given)
    if workers > 0:  # nothing else is asked for: compilers do not know how
        return workers
    count = os.cpu_count() or 1
    if workers == 0 or workers < -count:
        raise ValueError(f"`workers` must be positive, or from -{count} to -1; got {workers}")
    return count + 1 + workers
