"""Arrays of NumPy, or of a library that shares their memory, as compiled kernels take them."""

import ctypes
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..._graph.codegen.module import CHUNK, Fields
from ..._graph.tiles import in_threads
from ..._typing import Array, DType, Shape
from ..execution import current

S = TypeVar("S")
BLOCK = 128 * CHUNK
"""Elements that a thread takes at once."""
MIN_SHARED_ELEMENTS = 3 * 10**5
"""Below, threads take longer to meet than one takes to compute."""
MIN_UNLOCKED_ELEMENTS = 2**14
"""From so many elements on, some 10 us, other threads may run meanwhile."""


class Memory(NamedTuple):
    """A library whose arrays are views of the same memory as NumPy's."""

    view: Callable[[Any], Array]
    """From its array to NumPy's."""
    empty: Callable[[Shape, DType], Any]
    empty_like: Callable[[Any, DType], Any]
    """An array laid out like another one."""
    permuted: Callable[[Any, Sequence[int]], Any]
    workers: Callable[[], int]
    """The threads that share a large call."""


def _view(array: Any) -> Array:
    # A kernel reads the memory of what it is given: of no scalar.
    return array if type(array) is np.ndarray else np.asarray(array)


NUMPY = Memory(
    _view, np.empty, np.empty_like, np.ndarray.transpose, lambda: current.get().workers or 1
)


def share(compute: Callable[[S], None], blocks: list[S], workers: int) -> None:
    """Have threads compute blocks."""

    def work(todo: Iterable[S]) -> list[S]:
        done = []
        for block in todo:
            compute(block)
            done.append(block)
        return done

    in_threads(work, blocks, workers)


def total(parts: Array) -> Array:
    """Return the sum of parts, which does not depend on who has computed them."""
    if parts.size == 1:
        return parts[0]
    with np.errstate(all="ignore"):
        return parts.sum()


def _fields() -> Fields | None:
    """Return where NumPy's arrays have the address of their data; None if it is not there.

    To read it there takes a tenth of the time of asking for it.
    """
    if sys.implementation.name != "cpython":
        return None
    array = np.empty(1)
    both, word = (array, array), ctypes.sizeof(ctypes.c_void_p)
    fields = Fields(tuple.__basicsize__, object.__basicsize__)
    items = [ctypes.c_void_p.from_address(id(both) + fields.items + k * word) for k in (0, 1)]
    data = ctypes.c_void_p.from_address(id(array) + fields.data)
    found = [item.value == id(array) for item in items] + [data.value == array.ctypes.data]
    return fields if all(found) else None


FIELDS = _fields()


def arrays_of(arrays: tuple[Array, ...]) -> object:
    """Return arrays as a kernel takes them."""
    if FIELDS is not None:
        return arrays
    return (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
