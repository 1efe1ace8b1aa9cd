"""Arrays as they may lie in memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np


def laid_out(array: Any) -> Iterator[Any]:
    """Yield the array in Fortran order, with gaps, backwards, and aligned to nothing."""
    array = np.asarray(array)
    yield np.asfortranarray(array)
    twice = np.zeros([2 * n for n in array.shape], array.dtype)
    view = twice[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    yield view
    yield np.flip(np.flip(array).copy())
    memory = np.zeros(array.nbytes + 1, np.uint8)
    odd = memory[1:].view(array.dtype).reshape(array.shape)
    odd[...] = array
    odd.flags.writeable = False
    yield odd
