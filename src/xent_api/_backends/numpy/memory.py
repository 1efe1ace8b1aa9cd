"""Arrays of NumPy, or of a library that shares their memory, as compiled kernels take them."""

import ctypes
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, TypeVar

import numpy as np

from ..._graph.codegen.module import CHUNK, Fields
from ..._graph.tiles import in_threads
from ..._typing import Array, DType, Shape
from ..execution import current

S = TypeVar("S")
BLOCK = 128 * CHUNK
"""Elements that a thread takes at once."""
MIN_SHARED_ELEMENTS = 5 * 10**5
"""Below, threads take longer to meet than one takes to compute."""
MAX_FEW_PARTS = 32
"""Up to so many numbers Python's exact sum takes less time than NumPy's."""
MIN_UNLOCKED_ELEMENTS = 2**14
"""From so many elements on, some 10 us, other threads may run meanwhile."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A library's arrays in this machine's memory, as kernels take them."""

    fields: Fields | None
    """Where its arrays have their addresses; None where kernels are given these."""
    taken: Callable[[tuple[Any, ...]], tuple[tuple[Any, ...], bool]]
    """From operands to arrays of the library, and whether all are contiguous."""
    view: Callable[[Any], Array]
    """NumPy's array of the same memory."""
    pointers: Callable[[tuple[Any, ...]], object]
    """What a kernel takes for its arrays and `parts`, which are to be held until it returns."""
    strides: Callable[[Any], tuple[int, ...]]
    """In bytes, or in elements."""
    in_bytes: bool
    parts: Callable[[int], Any]
    """So many numbers of float64, for kernels to write to."""
    scratch: Callable[[int], Any]
    """The same, which nobody else reads."""
    contiguous: Callable[[Any, Shape, DType], Any]
    """An array like a contiguous one, of its shape."""
    empty: Callable[[Shape, DType], Any]
    empty_like: Callable[[Any, DType], Any]
    """An array laid out like another one."""
    ordered: Callable[[Shape, Sequence[int], DType], Any]
    """An array whose axes lie in memory in an order."""
    workers: Callable[[], int]
    """The threads that share a large call."""

    def threads(self, size: int) -> int:
        """Return how many threads share a call of so many logits."""
        return self.workers() if size >= MIN_SHARED_ELEMENTS else 1

    def of_views(self, arrays: tuple[Array, ...]) -> object:
        """Return what a kernel takes for NumPy's arrays."""
        return arrays if self.fields else addresses(arrays)


def share(compute: Callable[[S], None], blocks: list[S], workers: int) -> None:
    """Have threads compute blocks."""
    in_threads(lambda todo: list(map(compute, todo)), blocks, workers)


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


def total(parts: Any) -> Any:
    """Return the sum of parts, which does not depend on who has computed them."""
    if len(parts) == 1:
        return parts[0]
    if len(parts) <= MAX_FEW_PARTS:
        try:
            return fsum(parts)
        except (OverflowError, ValueError):  # of infinite ones
            pass
    with np.errstate(all="ignore"):
        return of_buffer(parts).sum()


def of_buffer(buffer: Any) -> Array:
    """Return the numbers of float64 in a buffer."""
    return np.frombuffer(buffer)


def packed(addresses: list[int]) -> bytes:
    """Return addresses as kernels take them."""
    return struct.pack(f"{len(addresses)}P", *addresses)


def addresses(arrays: tuple[Array, ...]) -> object:
    """Return the addresses of arrays as kernels take them."""
    return packed([array.ctypes.data for array in arrays])


def _arrays(arrays: tuple[Array, ...]) -> object:
    return arrays


def _taken(operands: tuple[Any, ...]) -> tuple[tuple[Array, ...], bool]:
    contiguous = True
    for array in operands:
        if type(array) is not np.ndarray:  # a kernel reads the memory of what it is given
            return _taken(tuple(map(np.asarray, operands)))
        if not array.flags.c_contiguous:
            contiguous = False
    return operands, contiguous


def _ordered(shape: Shape, order: Sequence[int], dtype: DType) -> Array:
    moved = np.empty([shape[k] for k in order], dtype)
    return moved.transpose([order.index(k) for k in range(len(order))])


NUMPY = Memory(
    FIELDS,
    taken=_taken,
    view=np.asarray,
    pointers=_arrays if FIELDS else addresses,
    strides=lambda array: array.strides,
    in_bytes=True,
    parts=np.empty,
    scratch=np.empty,
    contiguous=lambda _, shape, dtype: np.empty(shape, dtype),
    empty=np.empty,
    empty_like=np.empty_like,
    ordered=_ordered,
    workers=lambda: current.get().workers or 1,
)
