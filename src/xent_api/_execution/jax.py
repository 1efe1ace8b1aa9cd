"""JAX."""

from .._typing import Array, Device
from .direct import Backend


class JaxBackend(Backend):
    """Plain programs, which JAX's transformations see through."""

    def device(self, array: Array) -> Device | None:
        """Return the device of an array that lives on one.

        A tracer has none yet, and a sharded array has many: JAX itself checks those.
        """
        device = getattr(array, "device", None)
        return None if hasattr(device, "device_set") else device
