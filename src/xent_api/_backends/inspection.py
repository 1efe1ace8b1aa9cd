"""The standard's inspection, for libraries that have none."""

from typing import Any

from .._typing import DType, Namespace

KINDS = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}
GROUPS = {
    "integral": ("signed integer", "unsigned integer"),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
    None: tuple(KINDS),
}


class Inspection:
    """What `__array_namespace_info__` returns, of a library whose dtypes have the names here."""

    def __init__(self, library: Namespace, *, integral: str, lacks: tuple[str, ...] = ()) -> None:
        self._library, self._integral, self._lacks = library, integral, lacks

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, DType]:
        """Return the dtypes of a kind, or of several, by name."""
        kinds = kind if isinstance(kind, tuple) else (kind,)
        chosen = [name for one in kinds for part in GROUPS.get(one, (one,)) for name in KINDS[part]]
        return {name: getattr(self._library, name) for name in chosen if name not in self._lacks}

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """Return the dtypes that the library makes of Python's numbers."""
        return {
            "real floating": self._library.float32,
            "integral": getattr(self._library, self._integral),
        }

    def isdtype(self, dtype: DType, kind: Any) -> bool:
        """Tell whether a dtype is of a kind."""
        return dtype in self.dtypes(kind=kind).values()
