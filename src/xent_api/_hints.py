"""What the field calls the arguments: hints for calls that Python refuses."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

ELSEWHERE = {
    "dim": "axis",
    "from_logits": "logits",
    "ignore_class": "ignore_index",
    "input": "logits",
    "inputs": "logits",
    "label": "labels",
    "logit": "logits",
    "sample_weight": "weights",
    "target": "labels",
    "targets": "labels",
    "weight": "weights",
    "where": "mask",
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
            raise TypeError(f"{error}: {_hint(names, unknown)}") from None

    return hinting


def _hint(names: Collection[str], unknown: list[str]) -> str:
    known = [(name, ELSEWHERE.get(name, "")) for name in unknown]
    meant = [f"`{name}` is called `{ours}` here" for name, ours in known if ours in names]
    if "weight" in unknown:
        meant.append("and is one for each position, not for each class")
    every = ", ".join(f"`{name}`" for name in names)
    return ", ".join(meant) or f"all arguments are keywords: {every}"
