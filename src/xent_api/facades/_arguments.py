"""What the documented signatures ask of their arguments beyond the package's own checks."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from .._backends.names import name_of

CODE = re.compile("`[^`]*`")


def require(**arguments: object) -> None:
    """Raise ValueError for an argument that is None."""
    for name, value in arguments.items():
        if value is None:
            raise ValueError(f"`{name}` must be given; got None")


def require_same_dtype(**arguments: object) -> None:
    """Raise TypeError unless the two arguments have one dtype."""
    (first, a), (second, b) = arguments.items()
    if not hasattr(a, "dtype") or not hasattr(b, "dtype"):
        return  # no arrays: the family's own checks say so
    if name_of(a.dtype) != name_of(b.dtype):
        raise TypeError(f"`{first}` must have the dtype of `{second}`, {b.dtype}; got {a.dtype}")


@contextmanager
def own_names(**names: str) -> Iterator[None]:
    """Name arguments in errors as they are called here (the package's name → the one here)."""

    def renamed(code: re.Match[str]) -> str:
        text = code[0]
        for name, own in names.items():
            text = re.sub(rf"\b{name}\b", own, text)
        return text

    try:
        yield
    except (TypeError, ValueError) as error:
        text = CODE.sub(renamed, str(error))
        if text == str(error):
            raise
        raise (TypeError if isinstance(error, TypeError) else ValueError)(text) from None
