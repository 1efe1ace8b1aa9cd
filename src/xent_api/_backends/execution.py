"""How calls are run: threads and fused kernels, for the thread or task that asks for them."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from numbers import Integral
from typing import NamedTuple


class Setting(NamedTuple):
    """What `execution` sets."""

    workers: int
    fuse: bool


DEFAULT = Setting(workers=1, fuse=False)
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
        Threads that share the tiles of large NumPy arrays; by default 1. A negative number counts
        down from the number of processors, -1 being all of them, as in ``scipy.fft.set_workers``.
        Tiles are larger with several threads, so that sums may differ in the last bit of float64.
        PyTorch, JAX and Dask use their own thread pools.
    native : bool, optional
        Compiled kernels. This version has none: True raises ImportError.
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
        For ``native=True``.

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
    if _switch("native", native):
        raise ImportError(
            "`native` must be False or None: this version has no compiled kernels; the extra "
            "xent-api[native] is to bring them"
        )
    return _within(count, fuse=fused)


@contextmanager
def _within(workers: int | None, *, fuse: bool | None) -> Iterator[None]:
    around = current.get()
    setting = Setting(
        around.workers if workers is None else workers, around.fuse if fuse is None else fuse
    )
    token = current.set(setting)
    try:
        yield
    finally:
        current.reset(token)


def _switch(name: str, given: object) -> bool | None:
    if given is not None and not isinstance(given, bool):
        raise TypeError(f"`{name}` must be a bool or None; got {type(given).__name__}")
    return given


def _number(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise TypeError(f"`workers` must be an int or None; got {type(given).__name__}")
    workers = int(given)
    count = os.cpu_count() or 1
    if workers == 0 or workers < -count:
        raise ValueError(f"`workers` must be positive, or from -{count} to -1; got {workers}")
    return workers if workers > 0 else count + 1 + workers
