"""How many threads may work on one call, and whether torch may compile it."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from numbers import Integral
from typing import NamedTuple


class Setting(NamedTuple):
    """What `set_workers` sets."""

    workers: int
    compile: bool


DEFAULT = Setting(workers=1, compile=False)
current: ContextVar[Setting] = ContextVar("xent_api_workers", default=DEFAULT)
"""Of this thread or task alone: no global state, and none that a Dask worker would inherit."""


def set_workers(workers: int, *, compile: bool = False) -> AbstractContextManager[None]:
    """Set how many threads the calls in a ``with`` block may use.

    Large NumPy arrays are computed in tiles, which the threads share. The tiles are larger then, so
    that sums in float64 may differ in their last bits. PyTorch, JAX and Dask have thread pools of
    their own, which they look after. The setting holds for the thread (or task) that makes it; one
    that works for it has to make its own.

    Parameters
    ----------
    workers : int
        Number of threads; a negative one counts down from the number of processors, -1 being all
        of them, as in ``scipy.fft.set_workers``.
    compile : bool, default False
        Make one kernel of each call on PyTorch tensors (by ``torch.compile``, of PyTorch 2.13) and
        CuPy arrays (by ``cupy.fuse``): for large arrays, above all on a GPU. The first call with
        new dtypes, options or ranks takes seconds, and needs a C++ compiler or Triton. The results
        have first derivatives only, like all that ``torch.compile`` makes.

    Raises
    ------
    TypeError
        For `workers` that is no int, or `compile` that is no bool.
    ValueError
        For 0 workers, or a negative number below the number of processors.

    Examples
    --------
    >>> import numpy as np
    >>> import xent_api as xa
    >>> logits = np.zeros(1_000_000, dtype=np.float32)
    >>> with xa.set_workers(2):
    ...     mean = xa.sigmoid_xent.loss(labels=logits, logits=logits, reduction="mean")
    >>> print(mean)
    0.6931472
    """
    if not isinstance(compile, bool):
        raise TypeError(f"`compile` must be a bool; got {type(compile).__name__}")
    return _within(Setting(_number(workers), compile))


@contextmanager
def _within(setting: Setting) -> Iterator[None]:
    token = current.set(setting)
    try:
        yield
    finally:
        current.reset(token)


def _number(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise TypeError(f"`workers` must be an int; got {type(given).__name__}")
    workers = int(given)
    count = os.cpu_count() or 1
    if workers == 0 or workers < -count:
        raise ValueError(f"`workers` must be positive, or from -{count} to -1; got {workers}")
    return workers if workers > 0 else count + 1 + workers
