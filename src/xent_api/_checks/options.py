"""The options that are Python values: reduction, numbers, the ignored label."""

from numbers import Integral, Real

from .._typing import Array, Number
from .dtypes import FLOATING, INTEGRAL, is_finite, round_to

REDUCTIONS = ("none", "sum", "mean", "weighted_mean")


def as_number(name: str, value: object) -> float | None:
    """Return a factor or denominator that is a number as a float, else None.

    Array libraries' scalars are numbers too, so that a class count goes with arrays of any library.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"`{name}` must be a number that a float can hold; got more") from None


def check_finite(numbers: dict[str, float], compute: str) -> None:
    """Raise where a finite factor is infinite in the dtype named `compute`."""
    for name in ("weights", "pos_weight"):
        number = numbers.get(name, 0.0)
        if is_finite(number) and not is_finite(round_to(number, compute)):
            raise ValueError(f"`{name}` must be a number that {compute} can hold; got {number}")


def check_reduction(reduction: object, denominator: Array | Number | None) -> None:
    """Raise unless the reduction is known and the denominator goes with it."""
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        *others, last = (f'"{name}"' for name in REDUCTIONS)
        expected = f"{', '.join(others)} or {last}"
        raise ValueError(f"`reduction` must be {expected}; got {reduction!r}")
    if denominator is not None and reduction != "mean":
        raise ValueError(
            f'`denominator` must be None unless `reduction` is "mean"; got {denominator!r} with '
            f"`reduction` {reduction!r}"
        )


def check_smoothing(label_smoothing: object, compute: str) -> float:
    """Return `label_smoothing` rounded to the dtype named `compute`.

    Rounded once, here: 1 - a is then exact before its own rounding, and ``(1 - a) + a`` is 1 in
    that dtype, on which the formulas rely.
    """
    number = as_number("label_smoothing", label_smoothing)
    if number is None:
        raise TypeError(
            "`label_smoothing` must be a Python number, which a compiler has to be given as a "
            f"static one; got {type(label_smoothing).__name__}"
        )
    if not 0 <= number <= 1:
        raise ValueError(f"`label_smoothing` must lie in [0, 1]; got {label_smoothing!r}")
    return round_to(number, compute)


def check_ignored(ignore_index: object, labels: str) -> int | float | None:
    """Return the label to ignore as a number that the dtype named `labels` holds exactly.

    None means that no label can match: libraries wrap ``uint8 == -100`` around to 156 or raise, so
    it is decided here, without a comparison.
    """
    if ignore_index is None:
        return None
    if isinstance(ignore_index, bool) or not isinstance(ignore_index, Real):
        raise TypeError(
            "`ignore_index` must be a Python int or float, which a compiler has to be given as a "
            f"static one; got {type(ignore_index).__name__}"
        )
    number = int(ignore_index) if isinstance(ignore_index, Integral) else float(ignore_index)
    if labels in FLOATING:
        # An integer beyond the range is no label; rounding it to inf would ignore infinities.
        beyond = isinstance(number, int) and abs(number) > FLOATING[labels].largest
        return None if beyond else round_to(float(number), labels)
    if not is_finite(number) or number != int(number):
        return None
    value = int(number)
    if labels == "bool":
        return bool(value) if value in (0, 1) else None
    low, high = INTEGRAL[labels]
    return value if low <= value <= high else None
