"""The documented signatures of other systems, on arrays of any namespace.

They only translate arguments. `tensorflow`, `tensorflow_v1` and `paddle` are modules to import;
none of them imports the system whose name it has.
"""

from . import paddle, tensorflow, tensorflow_v1

__all__ = ["paddle", "tensorflow", "tensorflow_v1"]
