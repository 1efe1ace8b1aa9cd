"""From an array to the backend that owns it."""

import sys
from importlib import import_module

from .._typing import Array
from .direct import Backend

ROOMS = {
    "array_api_strict": ("numpy", "QuietBackend"),
    "dask": ("dask", "DaskBackend"),
    "jax": ("jax", "JaxBackend"),
    "mlx": ("mlx", "MlxBackend"),
    "mparray": ("numpy", "QuietBackend"),
    "numpy": ("numpy", "NumpyBackend"),
}
"""Library → module and class, for those that need more than the direct way."""


def find_backend(array: Array) -> Backend | None:
    """Return the backend of an array, or None where it is no array of the standard.

    torch comes first and by itself: what the other lookups remember between calls (`lru_cache`) is
    a warning under ``torch.compile``.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        from .torch import TorchBackend

        return TorchBackend()
    # Here and not above: the first call can wait for it, importing this package need not.
    import array_api_compat

    if not array_api_compat.is_array_api_obj(array):
        return None
    xp = array_api_compat.array_namespace(array)
    # "array_api_compat.numpy" and "jax.numpy" are rooms "numpy" and "jax", also when vendored.
    name: str = xp.__name__.rpartition("array_api_compat.")[2].partition(".")[0]
    if name not in ROOMS:
        return Backend(xp)
    module, kind = ROOMS[name]
    backend: Backend = getattr(import_module(f"{__package__}.{module}"), kind)(xp)
    return backend
