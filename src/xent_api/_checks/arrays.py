"""One namespace and one device for all array arguments."""

from .._backends.base import Backend
from .._backends.registry import find_backend, name_of_library
from .._typing import Array

NUMBERS = frozenset({"weights", "pos_weight", "denominator"})
"""The arguments that may be numbers."""
ADVICE = {
    "__array_namespace__": ", whose namespace lacks `__array_namespace_info__` (2023.12)",
    "toarray": ": pass `{name}.toarray()`",  # sparse arrays of SciPy
    "to_numpy": ": pass `{name}.to_numpy()`",  # columns of data frames
    "to_tensor": ": pass `{name}.to_tensor()`",  # ragged tensors
    "dense_shape": ": convert it to a dense one",
    "value": ": pass `{name}.value`",  # variables that stand for an array, as those of Keras
    "numpy": ": these tensors follow no such namespace; pass `tensor.numpy()`",
}
"""What to do with an object that is no array, by an attribute of its class."""


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
        elif name_of_library(backend.xp) != name_of_library(first[1].xp):
            raise TypeError(
                f"`{name}` must be of the same array namespace as `{first[0]}`, "
                f"{name_of_library(first[1].xp)}; got one of {name_of_library(backend.xp)}: "
                f"convert it with {_converter(first[1])}"
            )
        else:
            _check_device(name, supported[name], first[0], supported[first[0]], first[1])
    assert first is not None
    return first[1], supported


def _converter(backend: Backend) -> str:
    return f"{name_of_library(backend.xp)}.{backend.converter}"


def _not_an_array(name: str, value: object, first: tuple[str, Backend] | None) -> str:
    kind = type(value)
    got = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    number = "a Python number or " if name in NUMBERS else ""
    text = f"`{name}` must be {number}an array of a namespace of the Array API standard; got {got}"
    if value is None:
        return text
    for attribute, advice in ADVICE.items():
        if hasattr(kind, attribute):
            return text + advice.format(name=name)
    owner = _converter(first[1]) if first else "the asarray of your array library"
    return f"{text}: convert it with {owner}"


def _check_device(name: str, value: Array, other: str, model: Array, backend: Backend) -> None:
    got, expected = backend.device(value), backend.device(model)
    if got is not None and expected is not None and got != expected:
        raise ValueError(
            f"`{name}` must be on the device of `{other}`, {expected}; got one on {got}"
        )
