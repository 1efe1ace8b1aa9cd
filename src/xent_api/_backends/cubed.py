"""Cubed: the direct way; all arrays of a computation have one specification of its resources."""

from typing import Any

from .._typing import Array
from .base import Backend


class CubedBackend(Backend):
    """Arrays that are made beside others have theirs."""

    def creation(self, like: Array) -> dict[str, Any]:
        """Return the keywords that make a new array beside `like`."""
        return super().creation(like) | {"spec": like.spec}
