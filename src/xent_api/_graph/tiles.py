"""Tiles of aligned arrays, and threads that share them.

A *broadcast signature* is a shape with 1 where an axis broadcasts, and else a number that tells the
axis. What is made for signatures serves arrays of any sizes.
"""

from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from math import ceil, prod
from typing import Generic, TypeVar

from .._typing import Shape

Tile = tuple[slice, ...]
S = TypeVar("S")
T = TypeVar("T")


def tiles(shape: tuple[int, ...], size: int, workers: int = 1) -> Iterator[Tile]:
    """Yield tiles of at most about `size` elements, in row-major order.

    A tile is whole in the last axes, one slice wide in the axis before them, and single in the
    first ones. The slices of several workers are equally many, and equally wide: of 39 tiles one
    of two threads would have 20.
    """
    axis, inner = len(shape), 1
    while axis > 0 and inner * shape[axis - 1] <= size:
        axis -= 1
        inner *= shape[axis]
    if axis == 0:
        yield (slice(None),) * len(shape)
        return
    step = max(1, size // inner)
    if workers > 1:
        count = ceil(shape[axis - 1] / step / workers) * workers
        step = ceil(shape[axis - 1] / count)
    rest = (slice(None),) * (len(shape) - axis)
    length = shape[axis - 1]
    for number in range(prod(shape[: axis - 1])):
        first = _unravel(number, shape[: axis - 1])
        for start in range(0, length, step):
            yield (*first, slice(start, min(start + step, length)), *rest)


def _unravel(number: int, shape: tuple[int, ...]) -> Tile:
    found = []
    for length in reversed(shape):
        number, index = divmod(number, length)
        found.append(slice(index, index + 1))
    return tuple(reversed(found))


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that arrays of these shapes have together."""
    last = max(map(len, shapes))
    sizes = zip(*((1,) * (last - len(shape)) + tuple(shape) for shape in shapes), strict=True)
    return tuple(next((n for n in axis if n != 1), 1) for axis in sizes)


def signature(shape: Shape) -> Shape:
    """Return the signature of a shape: 1 or, at the k-th axis from the end, k + 2."""
    if len(shape) == 1:
        return (1,) if shape[0] == 1 else (2,)
    last = len(shape) + 1
    return tuple([1 if n == 1 else last - k for k, n in enumerate(shape)])


def sized(signature: Shape, shape: Shape) -> Shape:
    """Return the shape of what has a signature beside others that together have this shape."""
    return tuple([1 if n == 1 else shape[1 - n] for n in signature])


def in_threads(work: Callable[[Iterable[S]], list[T]], todo: list[S], workers: int) -> list[T]:
    """Return what `work` makes of all tiles, or other parts, in their order.

    Each thread, the caller's among them, takes another tile when it is done with one: what else a
    machine does holds up one thread only. (With a third of one processor taken, two threads are 1.4
    to 1.9 times as fast as one so, and 1.1 to 1.3 with a half of the tiles each.)
    """
    workers = min(workers, len(todo))
    if workers <= 1:
        return work(todo)
    team = Team(work, todo)
    helpers = [allocate_lock() for _ in range(1, workers)]
    for helper in helpers:
        # A thread of `threading`, or a pool, would be waited for until it runs: 0.2 ms. Where no
        # thread can be had the caller does all of the work.
        with suppress(RuntimeError):
            start_new_thread(team.help, (helper,))
    team.take()
    for helper in helpers:
        # At once where it has not begun: then it will not. (An exception of a signal may end this;
        # so `work` has to hold what a thread writes to.)
        helper.acquire()
    if team.errors:
        raise team.errors[0]
    return [team.found[number] for number in range(len(todo))]


class Team(Generic[S, T]):
    """Threads at the same work."""

    def __init__(self, work: Callable[[Iterable[S]], list[T]], todo: list[S]) -> None:
        self.work = work
        self.waiting = list(enumerate(todo))[::-1]
        self.found: dict[int, T] = {}
        self.errors: list[BaseException] = []

    def help(self, busy: LockType) -> None:
        """Do a share of the work, unless the caller is done with it."""
        if busy.acquire(blocking=False):
            try:
                self.take()
            finally:
                busy.release()

    def take(self) -> None:
        """Work on one tile after the other."""
        taken: list[int] = []

        def others() -> Iterator[S]:
            while self.waiting:
                try:
                    number, tile = self.waiting.pop()
                except IndexError:  # another thread has taken the last one
                    return
                taken.append(number)
                yield tile

        try:
            self.found.update(zip(taken, self.work(others()), strict=True))
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            self.waiting.clear()  # the others need not go on
            self.errors.append(error)
