"""What the libraries call a dtype."""

import sys

from .._typing import DType, Namespace

ORDER = "<" if sys.byteorder == "little" else ">"
CODES = {
    "|b1": "bool",
    "|i1": "int8",
    "|u1": "uint8",
    **{f"{ORDER}f{size}": f"float{8 * size}" for size in (2, 4, 8)},
    **{f"{ORDER}{k}{n}": f"{'u' * (k == 'u')}int{8 * n}" for k in "iu" for n in (2, 4, 8)},
}
"""The codes of NumPy's dtypes in native byte order."""
STANDARD = frozenset([*CODES.values(), "bfloat16"])
_names: dict[type, list[tuple[DType, str]]] = {}
"""What namespaces say of dtypes that write themselves in other ways, by type. (The standard has
dtypes compared, but not hashed.)"""


def learn_names(xp: Namespace) -> None:
    """Remember the names of those dtypes of a namespace that do not tell them themselves."""
    beyond = {name: getattr(xp, name) for name in ("float16", "bfloat16") if hasattr(xp, name)}
    for name, dtype in (xp.__array_namespace_info__().dtypes(kind=None) | beyond).items():
        if name_of(dtype) not in STANDARD:
            _names.setdefault(type(dtype), []).append((dtype, name))


def name_of(dtype: DType) -> str:
    """Return the standard's name of a dtype: "float32" for ``torch.float32`` and NumPy's alike.

    Names are all that is common to every library: bfloat16 is no dtype of NumPy's namespace, though
    its arrays can have it, and a byte-swapped or extended NumPy dtype has a name of its own, which
    is then in no table.
    """
    # What NumPy's dtypes call themselves takes 5 µs to make, their code nothing.
    known = CODES.get(getattr(dtype, "str", ""))
    if known is not None:
        return known
    name = str(dtype).rpartition(".")[2].lower().rstrip("_'>")  # bool_, or a class
    if name in STANDARD:
        return name
    return next((given for other, given in _names.get(type(dtype), ()) if other == dtype), name)


def native_name(dtype: DType) -> str | None:
    """Return the name in native byte order of a dtype of NumPy's in the other one, else None."""
    swapped = getattr(dtype, "isnative", True) is False
    return name_of(dtype.newbyteorder("=")) if swapped else None
