"""The documented signatures of other systems, on arrays of any namespace.

They only translate arguments. `torch`, `optax`, `tensorflow`, `tensorflow_v1` and `paddle` are
modules to import; none of them imports the system whose name it has.
"""

from . import optax, paddle, tensorflow, tensorflow_v1, torch

__all__ = ["optax", "paddle", "tensorflow", "tensorflow_v1", "torch"]
