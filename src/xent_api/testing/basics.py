"""Each function of the standard that the losses call, on a few numbers whose results are exact.

What a function does, its shape and its dtype are seen here; how exact it is, in `primitives`. The
calls are those of the losses: a namespace that passes has all that they ask of it.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .._backends.names import name_of
from .._backends.registry import find_backend
from .._typing import Array, Namespace
from .carried import quiet
from .targets import Target

INF, NAN = math.inf, math.nan
ROWS = [[1.0, -2.5, 0.0], [3.0, -0.5, 4.0]]
FLAT = [x for row in ROWS for x in row]
SAME, ANY, WIDE = "same", "any", "wide"
"""In the place of a dtype: that of the argument, one that is not looked at, the widest there is."""
DTYPES = ("float32", "float64")
"""In which the losses are computed."""


class Right(NamedTuple):
    """What a call should give."""

    values: list[float]
    shape: tuple[int, ...]
    dtype: str = SAME


class Given(NamedTuple):
    """What calls are made of."""

    xp: Namespace
    array: Callable[[Any, str], Array]
    where: dict[str, Any]
    """The device, where one is chosen."""
    dtype: str
    wide: str
    """The widest floating dtype."""

    @property
    def x(self) -> Array:
        """Two rows of three numbers."""
        return self.array(ROWS, self.dtype)

    def row(self, *numbers: float) -> Array:
        """Return an array of one axis."""
        return self.array(list(numbers), self.dtype)

    @property
    def integer(self) -> str:
        """The name of the default integer dtype."""
        info = self.xp.__array_namespace_info__()
        return name_of(info.default_dtypes(**self.where)["integral"])

    def named(self, name: str) -> Any:
        """Return a dtype."""
        return getattr(self.xp, name)


Call = Callable[[Given], Array]
CALLS: dict[str, list[tuple[Call, Right]]] = {
    "abs": [(lambda g: g.xp.abs(g.x), Right([abs(x) for x in FLAT], (2, 3)))],
    "arange": [
        (
            lambda g: g.xp.arange(4, dtype=g.xp.int32, **g.where),
            Right([0, 1, 2, 3], (4,), "int32"),
        )
    ],
    "astype": [
        (lambda g: g.xp.astype(g.x > 0.0, g.xp.int8), Right([1, 0, 0, 1, 0, 1], (2, 3), "int8")),
        (lambda g: g.xp.astype(g.array([3, -2], "int32"), g.named(g.dtype)), Right([3, -2], (2,))),
        (
            lambda g: g.xp.astype(g.row(0.5, -INF), g.xp.float32),
            Right([0.5, -INF], (2,), "float32"),
        ),
    ],
    "clip": [
        (lambda g: g.xp.clip(g.array([-3, 2, 7], "int32"), 0, 4), Right([0, 2, 4], (3,), "int32"))
    ],
    "exp": [(lambda g: g.xp.exp(g.row(0.0, -INF, INF)), Right([1.0, 0.0, INF], (3,)))],
    "floor": [(lambda g: g.xp.floor(g.x), Right([1.0, -3.0, 0.0, 3.0, -1.0, 4.0], (2, 3)))],
    "full": [
        (
            lambda g: g.xp.full((2,), 2.5, dtype=g.named(g.dtype), **g.where),
            Right([2.5, 2.5], (2,)),
        )
    ],
    "full_like": [(lambda g: g.xp.full_like(g.x, 2.5), Right([2.5] * 6, (2, 3)))],
    "isnan": [(lambda g: g.xp.isnan(g.row(NAN, 1.0, INF)), Right([1, 0, 0], (3,), "bool"))],
    "log1p": [(lambda g: g.xp.log1p(g.row(0.0, INF, -1.0)), Right([0.0, INF, -INF], (3,)))],
    "max": [
        (lambda g: g.xp.max(g.x, axis=-1, keepdims=True), Right([1.0, 4.0], (2, 1))),
    ],
    "minimum": [
        (lambda g: g.xp.minimum(g.row(1.0, -2.0), g.row(-1.0, 5.0)), Right([-1.0, -2.0], (2,)))
    ],
    "moveaxis": [
        (lambda g: g.xp.moveaxis(g.x, 0, -1), Right([1.0, 3.0, -2.5, -0.5, 0.0, 4.0], (3, 2)))
    ],
    "ones_like": [(lambda g: g.xp.ones_like(g.x), Right([1.0] * 6, (2, 3)))],
    "reshape": [(lambda g: g.xp.reshape(g.x, (3, 2)), Right(FLAT, (3, 2)))],
    "squeeze": [(lambda g: g.xp.squeeze(g.x[:, :1], axis=-1), Right([1.0, 3.0], (2,)))],
    "sum": [
        (
            lambda g: g.xp.sum(g.x, axis=-1, keepdims=True, dtype=g.x.dtype),
            Right([-1.5, 6.5], (2, 1)),
        ),
        (lambda g: g.xp.sum(g.x, dtype=g.named(g.wide)), Right([5.0], (), WIDE)),
        (
            lambda g: g.xp.sum(g.array([100] * 3, "int8")),
            Right([300], (), ANY),
        ),
    ],
    "take_along_axis": [
        (
            lambda g: g.xp.take_along_axis(g.x, g.array([[2], [0]], g.integer), axis=-1),
            Right([0.0, 3.0], (2, 1)),
        )
    ],
    "where": [
        (
            lambda g: g.xp.where(g.x > 0.0, g.x, -g.x),
            Right([abs(x) for x in FLAT], (2, 3)),
        ),
        (lambda g: g.xp.where(g.x > 0.0, g.x, 0.0), Right([max(x, 0.0) for x in FLAT], (2, 3))),
    ],
    "zeros_like": [(lambda g: g.xp.zeros_like(g.x), Right([0.0] * 6, (2, 3)))],
    "arithmetic": [
        (
            lambda g: (2.0 * g.x + g.x[:, :1] - g.x / 2.0) * -g.x,
            Right([-x * (1.5 * x + row[0]) for row in ROWS for x in row], (2, 3)),
        ),
        (
            lambda g: ((g.x >= 0.0) & ~(g.x == 0.0)) | (g.x != g.x),
            Right([x > 0.0 for x in FLAT], (2, 3), "bool"),
        ),
    ],
}
"""Function → calls, with what they should give."""


class Basic(NamedTuple):
    """What one function does in one dtype."""

    dtype: str
    function: str
    problem: str = ""
    """What was wrong, if anything."""

    @property
    def passed(self) -> bool:
        """Whether all calls gave what they should."""
        return not self.problem


def basics(target: Target, dtype: str, names: Iterable[str] = tuple(CALLS)) -> Iterator[Basic]:
    """Yield what each function gives; those that the namespace lacks are left out."""
    with target.context(), quiet():
        backend = find_backend(target.asarray([0.0], dtype))
        xp = target.xp if backend is None else backend.xp
        where: dict[str, Any] = {} if target.device is None else {"device": target.device}
        wide = "float64" if "float64" in target.dtypes() else "float32"
        given = Given(xp, target.asarray, where, dtype, wide)
        for name in names:
            if name == "arithmetic" or hasattr(xp, name):
                found = (_problem(target, given, call, right) for call, right in CALLS[name])
                yield Basic(dtype, name, next(filter(None, found), ""))


def _problem(target: Target, given: Given, call: Call, right: Right) -> str:
    try:
        result = call(given)
        shape, dtype = tuple(result.shape), name_of(result.dtype)
        values = target.floats(result)
    except Exception as error:  # noqa: BLE001 - a namespace under test may raise anything
        return f"{type(error).__name__}: {error}"
    wanted = {SAME: given.dtype, WIDE: given.wide}.get(right.dtype, right.dtype)
    if wanted not in (dtype, ANY):
        return f"a result of dtype {dtype}, where {wanted} is right"
    if shape != right.shape:
        return f"a result of shape {shape}, where {right.shape} is right"
    if values != right.values:
        return f"{values}, where {[float(v) for v in right.values]} is right"
    return ""
