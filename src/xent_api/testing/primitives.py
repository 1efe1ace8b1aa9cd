"""How far the elementary functions, sums and casts of a namespace are off.

A loss is as exact as the functions that it is made of. They are measured, and not judged: the
standard asks for no accuracy. Special values and missing functions are told apart.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from .._backends.names import name_of
from .._checks.dtypes import FLOATING, round_to
from .._typing import Array
from . import exact, points
from .carried import quiet
from .errors import Errors
from .targets import MEASURED, USED, Target
from .ulp import smallest_normal, spacing

INF, NAN = math.inf, math.nan
SOME = 200
"""How many results are asked whether they are numbers of the dtype."""
LANES = 17
"""How often a special value is asked for in one call: vector instructions, and a remainder."""
SUM_OVER_FIRST = "over the first axis"
Takes = Callable[[float], bool]
"""Whether a namespace does not take a number for 0."""


class Function(NamedTuple):
    """A function of numbers, and where it is measured."""

    name: str
    narrow: Callable[..., float]
    """In float64, for narrower dtypes."""
    sample: Callable[[str], list[points.Point]]
    """From a dtype to arguments."""
    special: tuple[tuple[float, ...], ...]
    """Arguments and the value that the standard asks for."""

    def yardstick(self, at: points.Point, got: float, dtype: str) -> float | Decimal:
        """Return the value to as many digits as `error_of` needs."""
        if dtype != "float64":
            value = self.narrow(*at)
            # Just below a power of 2 an ulp is half of what it is above: digits tell which it is.
            if got == value or abs(math.frexp(value)[0]) != 0.5:
                return value
        return exact.FUNCTIONS[self.name](*at)


def _limited(function: Callable[..., float], low: float, limit: float) -> Callable[..., float]:
    """Return a function of `math` with its limit at `low`, NaN below, and infinity beyond."""

    def limited(x: float) -> float:
        if x <= low:
            return limit if x == low else NAN
        try:
            return function(x)
        except OverflowError:
            return INF

    return limited


def _logaddexp(x: float, y: float) -> float:
    return max(x, y) + math.log1p(math.exp(-abs(x - y)))


FUNCTIONS = (
    Function(
        "exp",
        _limited(math.exp, -INF, 0.0),
        points.exp_points,
        ((NAN, NAN), (0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0)),
    ),
    Function(
        "log1p",
        _limited(math.log1p, -1.0, -INF),
        points.log1p_points,
        ((NAN, NAN), (-2.0, NAN), (-1.0, -INF), (0.0, 0.0), (-0.0, -0.0), (INF, INF)),
    ),
    Function(
        "log",
        _limited(math.log, 0.0, -INF),
        points.log_points,
        ((NAN, NAN), (-1.0, NAN), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF)),
    ),
    Function(
        "expm1",
        _limited(math.expm1, -INF, -1.0),
        points.exp_points,
        ((NAN, NAN), (0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0)),
    ),
    Function(
        "logaddexp",
        _logaddexp,
        points.logaddexp_points,
        (
            *((NAN, 1.0, NAN), (1.0, NAN, NAN), (-INF, -INF, -INF), (-INF, 1.0, 1.0)),
            *((INF, 1.0, INF), (1.0, INF, INF), (INF, -INF, INF), (INF, INF, INF)),
        ),
    ),
)
SUMS = (((INF, 1.0), INF), ((INF, -INF), NAN), ((NAN, 1.0), NAN), ((-INF, 1.0), -INF), ((), 0.0))
CASTS = (NAN, INF, -INF, 0.0, -0.0)


@dataclass
class Measurement(Errors):
    """What one function of a namespace gave in one dtype.

    `largest.at` are the arguments of the largest error; of a sum the first number.
    """

    function: str
    """The name of the function in the standard."""
    detail: str = ""
    """What was added up, or the dtype of a cast."""
    exhaustive: bool = False
    """Whether the points are all numbers of the dtype."""
    flushed: int = 0
    """How many results are 0 where a subnormal number is right; they have no error."""
    wrong: list[str] = field(default_factory=list)
    """The special values that are others than the standard's, and results of another dtype."""
    problem: str = ""
    """What was raised, if anything."""

    @property
    def what(self) -> str:
        """The function with its detail."""
        return f"{self.function} {self.detail}".rstrip()

    def compare(self, got: float, right: float | Decimal, at: points.Point, dtype: str) -> None:
        """Count a result where a number is right, or none is there that should be."""
        if got == right and abs(got) != INF and self.largest is not None:
            self.errors.append(0.0)
            return
        near = float(right)
        _, least, largest = FLOATING[dtype]
        if near != near or abs(near) > largest:
            limit = round_to(near, dtype)
            if got == limit or (got != got and limit != limit):
                return  # no number is right
        elif got == 0.0 and math.ldexp(1.0, least) <= abs(near) < smallest_normal(dtype):
            self.flushed += 1
            return
        self.add(error_of(got, right, dtype), at, got, near)


class Flushed(NamedTuple):
    """Whether subnormal numbers are 0 in a dtype."""

    dtype: str
    arguments: bool
    results: bool

    def takes(self, x: float) -> bool:
        """Tell whether a number is not taken for 0."""
        return not self.arguments or x == 0.0 or abs(x) >= smallest_normal(self.dtype)


def lacking(target: Target) -> list[str]:
    """Return the functions that a namespace lacks, of those that are used or measured."""
    return [name for name in dict.fromkeys((*USED, *MEASURED)) if not hasattr(target.own, name)]


def measure(target: Target, dtypes: Sequence[str]) -> list[Measurement]:
    """Measure the functions of a namespace.

    Parameters
    ----------
    target : Target
        What to measure: its library's own functions, also where this package repairs them.
    dtypes : sequence of str
        Names of floating dtypes that the namespace has.

    Returns
    -------
    list of Measurement
        For each dtype, in ulp: `exp`, `log1p`, `log`, `expm1`, `logaddexp`, sums of 65536 numbers,
        and casts to each other dtype. Functions that the namespace lacks are left out, and so are
        subnormal arguments where it takes them for 0 (see `flushed`).

    Examples
    --------
    >>> from xent_api.testing import find_target
    >>> found = measure(find_target("array_api_strict"), ["float32"])
    >>> [m.what for m in found][:3], found[0].worst < 4, found[0].wrong
    (['exp', 'log1p', 'log'], True, [])
    """
    with target.context(), quiet():
        return [m for dtype in dtypes for m in _of_dtype(target, dtype, dtypes)]


def _of_dtype(target: Target, dtype: str, dtypes: Sequence[str]) -> Iterator[Measurement]:
    takes = flushed(target, dtype).takes
    for function in FUNCTIONS:
        if hasattr(target.own, function.name):
            found = Measurement(dtype, function.name)
            yield _guarded(_measure_function, found, target, function, takes)
    if hasattr(target.own, "sum"):
        for detail, arrays in points.sums(dtype).items():
            yield _guarded(_measure_sum, Measurement(dtype, "sum", detail), target, arrays)
        yield _guarded(_measure_columns, Measurement(dtype, "sum", SUM_OVER_FIRST), target)
    if hasattr(target.own, "astype"):
        for other in dtypes:
            if other != dtype:
                yield _guarded(_measure_cast, Measurement(dtype, "astype", other), target, takes)


def _guarded(how: Callable[..., None], found: Measurement, *arguments: Any) -> Measurement:
    try:
        how(found, *arguments)
    except Exception as error:  # noqa: BLE001 - a namespace under test may raise anything
        found.problem = f"{type(error).__name__}: {error}"
    return found


def _measure_function(found: Measurement, target: Target, function: Function, takes: Takes) -> None:
    dtype = found.dtype
    arguments = function.sample(dtype)
    if dtype in ("float16", "bfloat16") and len(arguments[0]) == 1:
        found.exhaustive, arguments = True, [(x,) for x in points.every(dtype)]
    arguments = [at for at in arguments if all(map(takes, at))]
    got = _called(found, target, function.name, arguments)
    for at, value in zip(arguments, got, strict=True):
        found.compare(value, function.yardstick(at, value, dtype), at, dtype)
    special = [(tuple(at), right) for *at, right in function.special for _ in range(LANES)]
    got = _called(found, target, function.name, [at for at, _ in special])
    _note(found, ((at, right, v) for (at, right), v in zip(special, got, strict=True)))


def _called(
    found: Measurement, target: Target, name: str, arguments: Sequence[points.Point]
) -> list[float]:
    columns = zip(*arguments, strict=True)
    arrays = [target.asarray(list(column), found.dtype) for column in columns]
    return _read(found, target, getattr(target.own, name)(*arrays), found.dtype)


def _read(found: Measurement, target: Target, array: Array, dtype: str) -> list[float]:
    """Return the elements of a result; note where it is of another dtype than it should be."""
    given = name_of(array.dtype)
    values = target.floats(array)
    line = f"{found.what} of {found.dtype} "
    if given != dtype:
        line += f"is {given} and not {dtype}"
    elif all(round_to(x, dtype) == x or x != x for x in values[:SOME]):
        return values
    else:
        line += f"gives numbers that are none of {dtype}"
    if line not in found.wrong:
        found.wrong.append(line)
    return values


def error_of(got: float, right: float | Decimal, dtype: str) -> float:
    """Return an error in ulp, for a yardstick of more digits than the dtype has.

    As `ulp_error`, in a tenth of its time, where a number is right; but a result of 0 is not taken
    for a flushed number. A `right` that is a power of 2 has to be a decimal: the exact value may be
    just below it.
    """
    digits, least, largest = FLOATING[dtype]
    if not math.isfinite(got):
        return INF
    near = float(right)
    size = abs(near)
    exponent = math.frexp(min(size, largest))[1]
    if isinstance(right, Decimal):
        if size == math.ldexp(0.5, exponent) and abs(right) < size:
            exponent -= 1
        step = math.ldexp(1.0, max(exponent - digits, least))
        return abs(float(exact.difference(got, right) / Decimal(step)))
    step = math.ldexp(1.0, max(exponent - digits, least)) if size else math.ldexp(1.0, least)
    return abs(got - right) / step


def _note(found: Measurement, values: Iterable[tuple[Any, float, float]]) -> None:
    """Note the special values that are wrong, each once."""
    for at, right, got in values:
        same = got == right and math.copysign(1.0, got) == math.copysign(1.0, right)
        if not (same or (right != right and got != got)):
            line = f"{found.what}({', '.join(map(repr, at))}) is {got!r} and not {right!r}"
            if line not in found.wrong:
                found.wrong.append(line)


def _measure_sum(found: Measurement, target: Target, arrays: Sequence[Sequence[float]]) -> None:
    def total(values: Sequence[float]) -> float:
        array = target.own.sum(target.asarray(list(values), found.dtype))
        (got,) = _read(found, target, array, found.dtype)
        return got

    for values in arrays:
        _add_sum(found, total(values), values)
    for values, right in SUMS:
        _note(found, [(values, right, total(values))])


def _measure_columns(found: Measurement, target: Target) -> None:
    arrays = points.sums(found.dtype)["of positive numbers"]
    columns = [values[: points.LONG // 2] for values in arrays]  # more is too much for Cubed
    array = target.asarray([list(row) for row in zip(*columns, strict=True)], found.dtype)
    got = _read(found, target, target.own.sum(array, axis=0), found.dtype)
    for column, value in zip(columns, got, strict=True):
        _add_sum(found, value, column)


def _add_sum(found: Measurement, got: float, values: Sequence[float]) -> None:
    """Count the error of a sum, in ulp of the sum of the absolute values."""
    total = math.fsum(values)
    rest = math.fsum((*values, -total))  # what rounding to float64 took
    step = spacing(Fraction(math.fsum(map(abs, values))), found.dtype)
    off = abs(Fraction(got) - Fraction(total) - Fraction(rest)) if math.isfinite(got) else INF
    found.add(float(off / step), tuple(values[:1]), got, total)


def _measure_cast(found: Measurement, target: Target, takes: Takes) -> None:
    source, dtype = found.dtype, found.detail
    numbers = list(filter(takes, points.cast_points(source, dtype)))
    found.exhaustive = source in ("float16", "bfloat16")
    got = _cast(found, target, numbers)
    # From the rounded numbers, as what is in the middle must go to the even one of its two.
    wider = all(map(operator.ge, FLOATING[dtype][::2], FLOATING[source][::2]))
    right = numbers if wider else [round_to(x, dtype) for x in numbers]
    for x, value, wanted in zip(numbers, got, right, strict=True):
        found.compare(value, wanted, (x,), dtype)
    special = [x for x in CASTS for _ in range(LANES)]
    got = _cast(found, target, special)
    _note(found, (((x,), x, value) for x, value in zip(special, got, strict=True)))


def _cast(found: Measurement, target: Target, numbers: list[float]) -> list[float]:
    array = target.asarray(numbers, found.dtype)
    result = target.own.astype(array, getattr(target.xp, found.detail))
    return _read(found, target, result, found.detail)


def flushed(target: Target, dtype: str) -> Flushed:
    """Tell whether a product takes subnormal arguments, and gives subnormal results, for 0."""
    normal = smallest_normal(dtype)
    small, large = ([x] * LANES for x in (normal / 4, normal))
    try:
        with target.context(), quiet():
            up = target.asarray(small, dtype) * 8.0
            down = target.asarray(large, dtype) * 0.25
            return Flushed(dtype, 0.0 in target.floats(up), 0.0 in target.floats(down))
    except Exception:  # noqa: BLE001 - the losses, which multiply too, tell what was raised
        return Flushed(dtype, arguments=False, results=False)
