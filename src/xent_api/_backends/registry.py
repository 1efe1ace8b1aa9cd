"""From an array to the backend that owns it."""

import sys
from importlib import import_module
from operator import attrgetter
from typing import Any

from .._forks import lock
from .._typing import Array, Namespace
from .base import Backend
from .names import learn_names

ROOMS = {
    "array_api_strict": ("numpy", "QuietBackend"),
    "cubed": ("cubed", "CubedBackend"),
    "cupy": ("cupy", "CupyBackend"),
    "dask": ("dask", "DaskBackend"),
    "jax": ("jax", "JaxBackend"),
    "mlx": ("mlx", "MlxBackend"),
    "mparray": ("numpy", "QuietBackend"),
    "numpy": ("numpy", "NumpyBackend"),
    "sparse": ("numpy", "QuietBackend"),
}
"""Library → module and class, for those that need more than the direct way."""
OWNERLESS = {
    "paddle": ("PaddleBackend", ("Tensor", "pir.Value")),
    "tensorflow": ("TensorflowBackend", ("Tensor", "Variable")),
}
"""Library whose arrays have no namespace → class, in the module of that name, and their classes."""
_found: dict[type, Backend] = {}
"""What was found for the arrays of a type: a look-up of 0.1 µs instead of 5, three times a call."""


def find_backend(array: Array) -> Backend | None:
    """Return the backend of an array, or None where it is no array of the standard.

    torch comes first and by itself: what the other lookups remember between calls (`lru_cache`) is
    a warning under ``torch.compile``.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        if torch.compiler.is_compiling():  # which knows no other way to import
            from .torch import BACKEND

            return BACKEND
        # An import statement takes 1 us also where everything is there.
        room = sys.modules.get(f"{__package__}.torch") or import_module(".torch", __package__)
        return room.BACKEND  # type: ignore[no-any-return]
    known = _found.get(type(array))
    if known is not None:
        return known
    with lock:
        return _new_backend(array)


def _new_backend(array: Array) -> Backend | None:
    # Here and not above: the first call can wait for it, importing this package need not.
    from .compat import array_namespace, is_array_api_obj

    if is_array_api_obj(array):
        xp = array_namespace(array)
        if not hasattr(xp, "__array_namespace_info__"):
            return None
        # "array_api_compat.numpy" and "jax.numpy" are rooms "numpy" and "jax", also when vendored.
        name = name_of_library(xp).partition(".")[0]
        module, kind = ROOMS.get(name, ("base", "Backend"))
        backend: Backend = _room(module, kind)(xp)
    else:
        owner = _owner(array)
        if owner is None:
            return None
        backend = _room(owner, OWNERLESS[owner][0])()
    learn_names(backend.xp)
    _found[type(array)] = backend
    return backend


def name_of_library(xp: Namespace) -> str:
    """Return the name by which users import a namespace."""
    name: str = xp.__name__
    return name.rpartition("array_api_compat.")[2]


def _owner(array: Array) -> str | None:
    """Return the library of an array that has no namespace."""
    for name, (_, kinds) in OWNERLESS.items():
        library = sys.modules.get(name)
        if library is not None and isinstance(array, attrgetter(*kinds)(library)):
            return name
    return None


def _room(module: str, kind: str) -> type[Any]:
    found: type[Any] = getattr(import_module(f"{__package__}.{module}"), kind)
    return found
