"""What stands between a public signature and the rest of the package.

A public function is a signature with a docstring. The decorator fills in the defaults, makes one
dictionary of the arguments, and hands it on. Python itself complains about wrong arguments, by the
signature; what the field calls them is added to its message.
"""

from collections.abc import Callable, Collection
from functools import partial, wraps
from typing import Any, NoReturn, ParamSpec, Protocol, TypeVar

from ._backends.marks import as_it_is
from ._checks.checker import Family, check_total
from ._engine.call import call
from ._engine.count import total_weight

P = ParamSpec("P")
R = TypeVar("R")
Arguments = dict[str, Any]


class Decorator(Protocol):
    """From a signature with a docstring to the function, which looks the same to all tools."""

    def __call__(self, stub: Callable[P, R], /) -> Callable[P, R]:
        """Return the function."""


ELSEWHERE = {
    "dim": "axis",
    "class_weight": "class_weights",
    "ignore_class": "ignore_index",
    "input": "logits",
    "inputs": "logits",
    "label": "labels",
    "logit": "logits",
    "sample_weight": "weights",
    "target": "labels",
    "targets": "labels",
    "x": "logits",
    "y": "labels",
    "y_pred": "logits",
    "y_true": "labels",
}
"""Names of other libraries → ours."""
ADVICE = {
    "class_weights": "`pos_weight` is the weight of the positive term",
    "from_logits": "`logits` are always logits",
    "weight": "one for each position is called `weights` here, one for each class `class_weights`",
}
"""Names that need more words."""


def computes(family: Family, *outputs: str) -> Decorator:
    """Return the decorator of a function that returns these outputs of a family."""
    if len(outputs) == 1:
        return _decorated(lambda arguments: call(family, outputs, arguments)[0])
    return _decorated(partial(call, family, outputs))


def totals(family: Family) -> Decorator:
    """Return the decorator of a function that returns the total weight."""
    return _decorated(lambda arguments: total_weight(check_total(family, arguments)))


def _decorated(run: Callable[[Arguments], Any]) -> Decorator:
    def decorate(stub: Callable[P, R]) -> Callable[P, R]:
        names = stub.__code__.co_varnames[: stub.__code__.co_kwonlyargcount]
        # In the order of the signature, by which plans are remembered. Ellipsis: was not given.
        template: Arguments = dict.fromkeys(names, ...) | (stub.__kwdefaults__ or {})
        required = [name for name in names if template[name] is ...]

        @wraps(stub)
        def function(*args: P.args, **kwargs: P.kwargs) -> R:
            arguments = {**template, **kwargs}
            if args or len(arguments) > len(names):
                _complain(stub, names, args, kwargs)
            for name in required:
                if arguments[name] is ...:
                    _complain(stub, names, args, kwargs)
            found: R = run(arguments)
            return found

        return as_it_is(function)

    return decorate


def _complain(
    stub: Callable[..., object], names: Collection[str], args: tuple[Any, ...], kwargs: Arguments
) -> NoReturn:
    """Raise Python's own TypeError for these arguments, with a hint."""
    unknown = [name for name in kwargs if name not in names]
    try:
        stub(*args, **kwargs)
    except TypeError as error:
        hint = f" ({_hint(names, unknown, named=not args)})" if args or unknown else ""
        raise TypeError(f"{error}{hint}") from None
    raise TypeError("an argument must not be Ellipsis")


def _hint(names: Collection[str], unknown: list[str], *, named: bool) -> str:
    known = [(name, ELSEWHERE.get(name, "")) for name in unknown]
    parts = [f"`{name}` is called `{ours}` here" for name, ours in known if ours in names]
    parts += [ADVICE[name] for name in unknown if name in ADVICE]
    if not named or len(parts) < len(unknown):
        parts.append(f"the arguments are {', '.join(f'`{name}`' for name in names)}")
    return "; ".join(parts if named else [*parts, "all by keyword"])
