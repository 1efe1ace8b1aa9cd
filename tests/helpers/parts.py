"""Calls whose classes are those of several devices, for the check of reference values.

A call is split into one for each part, and its results are put together again. So every reference
value that the whole rows are held to is one of the parts, with the same bar.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier
from typing import Any

import xent_api as xa
from xent_api.testing import check_namespace

OF_CLASSES = ("logits", "class_weights", "vector", "x")
"""The arguments that are local, besides the labels of each class."""
ROWS = ("softmax", "sparse_softmax", "weighted_softmax", "weighted_sparse_softmax", "special")
"""The families of reference values that have classes."""


def is_local(name: str, arrays: dict[str, Any]) -> bool:
    """Tell whether an argument has an element for each class."""
    return name in OF_CLASSES or (name == "labels" and arrays["labels"].ndim == 2)


def uneven(size: int, count: int) -> list[tuple[int, int]]:
    """Return where the parts begin and end: the second one is empty, the others uneven."""
    others = [size * (i + 1) * (i + 2) // (count * (count - 1)) for i in range(count - 1)]
    ends = [others[0], others[0], *others[1:]]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def local(arrays: dict[str, Any], begin: int, end: int) -> dict[str, Any]:
    """Return the arrays of the device that has these classes."""
    return {
        name: value[..., begin:end] if is_local(name, arrays) else value
        for name, value in arrays.items()
    }


def size_of(arrays: dict[str, Any]) -> int:
    """Return the number of all classes."""
    size: int = arrays["logits" if "logits" in arrays else "x"].shape[-1]
    return size


def whole(parts: Sequence[Any], concat: Callable[..., Any], size: int) -> Any:
    """Return results of all classes from those of the parts."""
    if isinstance(parts[0], tuple):
        return tuple(whole(found, concat, size) for found in zip(*parts, strict=True))
    if parts[0].ndim < 2:
        return parts[0]
    found = concat(list(parts), -1)
    assert found.shape[-1] == size
    return found


class Threads:
    """Devices that are threads of this process, and what they have sent each other."""

    def __init__(self, count: int, xp: Any) -> None:
        self.count, self.sent, self.dtypes = count, list[tuple[int, ...]](), list[Any]()
        self._barrier, self._values = Barrier(count, timeout=60), [None] * count
        self._xp = xp

    def shard(self, rank: int, first: int, size: int) -> xa.ClassShard:
        """Return what one device has."""
        return xa.ClassShard(
            first=first,
            size=size,
            max=lambda value: self._all(rank, self._xp.max, value),
            sum=lambda value: self._all(rank, self._xp.sum, value),
        )

    def run(self, function: Callable[[int], Any]) -> list[Any]:
        """Return what the function gives on each device."""

        def one(rank: int) -> Any:
            try:
                return function(rank)
            except BaseException:
                self._barrier.abort()
                raise

        with ThreadPoolExecutor(self.count) as pool:
            return list(pool.map(one, range(self.count)))

    def call(self, function: Callable[..., Any], arrays: dict[str, Any], **options: Any) -> Any:
        """Call a function of rows over the devices, and one of elements as it is."""
        if "x" in arrays and arrays["x"].ndim < 2:
            return function(**arrays, **options)
        size = size_of(arrays)
        ends = uneven(size, self.count)

        def part(rank: int) -> Any:
            shard = self.shard(rank, ends[rank][0], size)
            return function(**local(arrays, *ends[rank]), **options, shard=shard)

        return whole(self.run(part), self._concat, size)

    def _concat(self, arrays: list[Any], axis: int) -> Any:
        return self._xp.concat(arrays, axis=axis)

    def _all(self, rank: int, reduce: Callable[..., Any], value: Any) -> Any:
        if rank == 0:
            self.sent.append(tuple(value.shape))
            self.dtypes.append(value.dtype)
        self._values[rank] = value
        self._barrier.wait()
        found = reduce(self._xp.stack(self._values, axis=0), axis=0)
        self._barrier.wait()
        return self._xp.astype(found, value.dtype)


def families() -> Iterator[tuple[Any, bool, dict[str, Any]]]:
    """Yield a family, whether it has a label for each class, and options."""
    for module, smoothing in product((xa.sparse_softmax_xent, xa.softmax_xent), (0.0, 0.1)):
        dense = module is xa.softmax_xent
        options: dict[str, Any] = {} if dense else {"ignore_index": -100}
        yield module, dense, options | {"label_smoothing": smoothing}


def check_references(
    target: Any, dtypes: list[str], call: Any, families: Sequence[str] = ROWS
) -> int:
    """Assert that every reference value is within its bar; return how many there are."""
    findings = check_namespace(target, dtypes, call=call, families=families)
    wrong = [
        f"{finding.family} {finding.dtype} {finding.quantity}: {finding.told()[0]}"
        for finding in findings
        if not finding.passed
    ]
    assert findings
    assert not wrong, "\n".join(wrong)
    return sum(finding.points for finding in findings)
