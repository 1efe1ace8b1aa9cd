"""What the field calls the arguments: hints for calls that Python refuses."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

ELSEWHERE = {
    "dim": "axis",
    "ignore_class": "ignore_index",
    "input": "logits",
    "inputs": "logits",
    "label": "labels",
    "logit": "logits",
    "sample_weight": "weights",
    "target": "labels",
    "targets": "labels",
    "weight": "weights",
    "x": "logits",
    "y": "labels",
    "y_pred": "logits",
    "y_true": "labels",
}
"""Names of other libraries → ours."""


def with_hints(function: Callable[P, R]) -> Callable[P, R]:
    """Add a hint to Python's own message about an argument that is misnamed or has no name."""
    code = function.__code__
    names = code.co_varnames[: code.co_kwonlyargcount]

    @wraps(function)
    def hinting(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            unknown = [name for name in kwargs if name not in names]
            if not args and not unknown:
                raise
            raise TypeError(f"{error} ({_hint(names, unknown, named=not args)})") from None

    return hinting


def _hint(names: Collection[str], unknown: list[str], *, named: bool) -> str:
    known = [(name, ELSEWHERE.get(name, "")) for name in unknown]
    parts = [_renamed(name, ours) for name, ours in known if ours in names]
    if not named or len(parts) < len(unknown):
        parts.append(f"the arguments are {', '.join(f'`{name}`' for name in names)}")
    return "; ".join(parts if named else [*parts, "all by keyword"])


def _renamed(name: str, ours: str) -> str:
    what = ", one for each position and not for each class" if name == "weight" else ""
    return f"`{name}` is called `{ours}` here{what}"
