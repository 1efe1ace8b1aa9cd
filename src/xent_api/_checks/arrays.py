"""One namespace and one device for all array arguments."""

from .._backends.base import Backend
from .._backends.registry import find_backend
from .._typing import Array

NUMBERS = frozenset({"weights", "pos_weight", "denominator"})
"""The arguments that may be numbers."""


def check_arrays(arrays: dict[str, object]) -> tuple[Backend, dict[str, Array]]:
    """Return the backend that owns all `arrays` (name → argument), and the arrays it works on.

    Raises TypeError for an argument that is no array and for one of another namespace, ValueError
    for one on another device.
    """
    first: tuple[str, Backend] | None = None
    supported: dict[str, Array] = {}
    for name, value in arrays.items():
        backend = find_backend(value)
        if backend is None:
            raise TypeError(_not_an_array(name, value, first))
        try:
            supported[name] = backend.as_supported(value)
        except TypeError as error:
            raise TypeError(f"`{name}` must be {error}") from None
        if first is None:
            first = name, backend
        elif library(backend) != library(first[1]):
            raise TypeError(
                f"`{name}` must be of the same array namespace as `{first[0]}`, "
                f"{library(first[1])}; got one of {library(backend)}: convert it with "
                f"{_converter(first[1])}"
            )
        else:
            _check_device(name, supported[name], first[0], supported[first[0]], first[1])
    assert first is not None
    return first[1], supported


def library(backend: Backend) -> str:
    """Return the name by which users import the library."""
    name: str = backend.xp.__name__
    return name.rpartition("array_api_compat.")[2]


def _converter(backend: Backend) -> str:
    return f"{library(backend)}.{backend.converter}"


def _not_an_array(name: str, value: object, first: tuple[str, Backend] | None) -> str:
    kind = type(value)
    got = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    number = "a Python number or " if name in NUMBERS else ""
    text = f"`{name}` must be {number}an array of a namespace of the Array API standard; got {got}"
    if value is None:
        return text
    for method in ("toarray", "to_numpy", "to_tensor"):  # sparse, columns of data frames, ragged
        if hasattr(kind, method):
            return f"{text}: pass `{name}.{method}()`"
    if hasattr(kind, "dense_shape"):
        return f"{text}: convert it to a dense one"
    if hasattr(kind, "value"):  # a variable that stands for an array, as Keras' does
        return f"{text}: pass `{name}.value`"
    if hasattr(kind, "numpy"):  # as the tensors of libraries have that are no such namespace
        return f"{text}: these tensors follow no such namespace; pass `tensor.numpy()`"
    owner = _converter(first[1]) if first else "the asarray of your array library"
    return f"{text}: convert it with {owner}"


def _check_device(name: str, value: Array, other: str, model: Array, backend: Backend) -> None:
    got, expected = backend.device(value), backend.device(model)
    if got is not None and expected is not None and got != expected:
        raise ValueError(
            f"`{name}` must be on the device of `{other}`, {expected}; got one on {got}"
        )
