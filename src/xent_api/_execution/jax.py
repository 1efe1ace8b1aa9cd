"""JAX."""

from .._typing import Array, Device
from .direct import Backend


class JaxBackend(Backend):
    """Plain programs, which JAX's transformations see through."""

    def is_weak(self, array: Array) -> bool:
        """Tell whether an array is weakly typed, as ``jax.jit`` traces a Python number."""
        return bool(array.weak_type) and array.dtype != bool

    def device(self, array: Array) -> Device | None:
        """Return the device of an array that lives on one.

        A tracer has none yet, and a sharded array has many: JAX itself checks those.
        """
        device = getattr(array, "device", None)
        return None if hasattr(device, "device_set") else device
