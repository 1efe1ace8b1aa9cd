"""The reference values of `xent_api.special`, and the error that each may have.

``data/special.csv`` says in its first lines how it is made and read: by ball arithmetic, from the
definitions, by ``tools/make_special_references.py``.
"""

import math
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from .._checks.dtypes import FLOATING, compute_name
from .bars import ROUNDING
from .ulp import Exact, power, spacing
from .vectors import exact_number, rows_of

ELEMENTS = ("sigmoid", "log_sigmoid", "softplus")
ROWS = ("softmax", "log_softmax", "logsumexp")


class FunctionVector(NamedTuple):
    """A number, or a row of numbers, and the exact value of a function there."""

    dtype: str
    function: str
    x: tuple[float, ...]
    value: tuple[Exact, ...]

    def __str__(self) -> str:
        return f"x={self.x[0] if self.function in ELEMENTS else list(self.x)}"


@cache
def function_vectors(dtype: str, function: str) -> tuple[FunctionVector, ...]:
    """Return the reference values of a function for arrays of the dtype of that name.

    Examples
    --------
    >>> vector = function_vectors("float32", "sigmoid")[0]
    >>> vector.x, float(vector.value[0])
    ((0.0,), 0.5)
    """
    return tuple(_vector(*cells) for cells in rows_of("special", dtype, function))


def _vector(dtype: str, function: str, x: str, value: str) -> FunctionVector:
    exact = tuple(map(exact_number, value.split()))
    return FunctionVector(dtype, function, tuple(map(float.fromhex, x.split())), exact)


def allowed(vector: FunctionVector, place: int) -> Fraction:
    """Return the largest error that is within the bar, as an absolute number.

    That of the public contract: 4 ulp, 0.51 in half precision; of rows besides what the rounding of
    the differences x - max x does; of logsumexp 4 eps*(abs(max x) + log(sum exp(x - max x))).
    """
    exact = vector.value[place]
    if not isinstance(exact, Fraction):
        return Fraction(0)
    compute = compute_name(vector.dtype)
    digits, least, _ = FLOATING[compute]
    eps, smallest = power(1 - digits), power(least + digits - 1)
    bound = 4 * spacing(exact, compute)
    if vector.function in ROWS:
        top = max(vector.x)
        steps = [min(top - x, 1e300) if math.isfinite(x) else 0.0 for x in vector.x]
        e = [math.exp(x - top) for x in vector.x]
        mean = math.fsum(n * u for n, u in zip(e, steps, strict=True)) / math.fsum(e)
        if vector.function == "logsumexp":
            bound = 4 * eps * (Fraction(abs(top)) + Fraction(math.log(math.fsum(e))))
        elif vector.function == "softmax":
            bound += eps / 2 * abs(exact) * Fraction(steps[place] + mean)
        else:
            bound += eps / 2 * Fraction(steps[place] + mean)
    if abs(exact) < smallest * len(vector.x):
        bound += smallest  # a subnormal number on the way may be flushed to 0
    if vector.dtype in ("float16", "bfloat16"):
        return ROUNDING * spacing(exact, vector.dtype) + bound
    return bound
