"""The reference values that come with the package.

``data/sigmoid.csv`` says in its first lines how it is made and read: by ball arithmetic, from the
definition of the loss, by ``tools/make_references.py``.
"""

from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from .ulp import Exact, power

VECTORS = "2026.11.29"
"""The version of the reference values, the day of their last change: two files with one version are
the same, byte by byte. ``data/SHA256SUMS`` has their checksums."""


class Vector(NamedTuple):
    """The inputs of a point and its exact values."""

    dtype: str
    stratum: str
    logit: float
    label: float
    smoothing: float
    pos_weight: float
    weight: float
    loss: Exact
    gradient: Exact
    hessian: Exact

    @property
    def plain(self) -> bool:
        """Whether no option is used."""
        return self.smoothing == 0.0 and self.pos_weight == 1.0 and self.weight == 1.0

    @property
    def hard(self) -> bool:
        """Whether the label, smoothed, is 0 or 1."""
        return self.label in (0.0, 1.0) and self.smoothing == 0.0

    def __str__(self) -> str:
        options = f", a={self.smoothing}, q={self.pos_weight}, w={self.weight}"
        plain = f"x={self.logit!r}, z={self.label!r}"
        return f"{plain}{'' if self.plain else options} ({self.stratum})"


@cache
def sigmoid_vectors(dtype: str) -> tuple[Vector, ...]:
    """Return the reference values for logits and labels of the dtype of that name.

    Examples
    --------
    >>> first = sigmoid_vectors("float32")[0]
    >>> first.logit, first.label, float(first.gradient)
    (0.0, 0.0, 0.5)
    """
    return tuple(map(_vector, rows_of("sigmoid", dtype)))


def rows_of(name: str, *first: str) -> list[list[str]]:
    """Return the cells of those rows of a file of reference values that begin with these cells."""
    return [cells for cells in _rows(name) if cells[: len(first)] == list(first)]


@cache
def _rows(name: str) -> list[list[str]]:
    text = (files(__package__) / "data" / f"{name}.csv").read_text(encoding="ascii")
    lines = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return lines[1:]


def _vector(cells: list[str]) -> Vector:
    dtype, stratum, *numbers = cells
    logit, label, smoothing, pos_weight, weight = map(_input, numbers[:5])
    return Vector(
        dtype,
        stratum,
        logit,
        label,
        smoothing,
        pos_weight,
        weight,
        *(exact_number(cell) for cell in numbers[5:]),
    )


def _input(cell: str) -> float:
    return float.fromhex(cell)


def exact_number(cell: str) -> Exact:
    """Return a hexadecimal float of any length exactly; "inf", "-inf" and "nan" as floats.

    Examples
    --------
    >>> exact_number("-0x3p-1")
    Fraction(-3, 2)
    """
    sign, _, rest = cell.partition("0x")
    if not rest:
        return float(cell)
    mantissa, exponent = rest.split("p")
    value = Fraction(int(mantissa, 16)) * power(int(exponent))
    return -value if sign == "-" else value
