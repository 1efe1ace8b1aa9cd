"""The dtypes that each argument may have."""

from collections.abc import Collection

from .._backends.base import Backend
from .._backends.names import name_of, native_name
from .._typing import Array, DType
from .dtypes import FLOATING, INTEGRAL, compute_name


def check_floating(name: str, value: Array) -> str:
    """Return the name of the dtype to compute in; raise unless an array is real floating."""
    found = name_of(value.dtype)
    if found not in FLOATING:
        kind = native_name(value.dtype) or found
        advice = ": cast it to float32" if kind in INTEGRAL else ""
        got = _got(name, value, accepted=FLOATING)
        raise TypeError(f"`{name}` must have dtype {', '.join(FLOATING)}; got {got}{advice}")
    return compute_name(found)


RESULTS = {
    "float16": ("float16", "float32", "float64"),
    "bfloat16": ("bfloat16", "float32", "float64"),
    "float32": ("float32", "float64"),
    "float64": ("float64",),
}
"""The dtypes that a loss may have, by that of the logits."""


def check_dtype(dtype: DType, logits: Array, backend: Backend) -> DType:
    """Return the dtype of the loss; raise unless it is one that it may have on that device."""
    if dtype is None:
        return backend.loss_dtype(logits)
    name, found = name_of(logits.dtype), {}
    for other in RESULTS[name]:
        if other == name:
            found[other] = logits.dtype
        elif other != "float64" or backend.accumulator(logits) is not None:
            found[other] = getattr(backend.xp, other)
    wanted = None if isinstance(dtype, str) else found.get(name_of(dtype))
    # The names of two libraries' dtypes are the same.
    if wanted is None or not (dtype == wanted or dtype == getattr(backend.xp, name_of(dtype))):
        raise TypeError(
            f"`dtype` must be {' or '.join(found)}, of the namespace of `logits`, for logits of "
            f"{name}; got {dtype!r}"
        )
    return wanted


def check_factor(
    name: str, value: Array, compute: str, *, boolean: bool = False, weak: bool = False
) -> None:
    """Raise unless an array of real numbers can be cast to the dtype `compute` without loss.

    Integers are taken as they are, whatever their width, and so is a `weak` number; booleans only
    where they mean a number.
    """
    kind = name_of(value.dtype)
    if kind == "bool":
        if not boolean:
            masks = name in ("weights", "pos_weight")
            hint = ": what is to be left out goes into `mask`" if masks else ""
            raise TypeError(f"`{name}` must be real; got bool{hint}")
    elif kind not in INTEGRAL and (kind not in FLOATING or _is_wider(kind, compute, weak)):
        if kind not in FLOATING:
            expected = f"`{name}` must be real, of a dtype of the standard or bfloat16"
            taken = [kind for kind in FLOATING if not _is_wider(kind, compute, weak)]
            raise TypeError(f"{expected}; got {_got(name, value, accepted=[*taken, *INTEGRAL])}")
        raise TypeError(
            f"`{name}` must be real and no wider than {compute}, in which logits of this dtype "
            f"are computed; got {value.dtype}: cast it to {compute}"
        )


def _is_wider(kind: str, compute: str, weak: bool) -> bool:  # noqa: FBT001
    return kind == "float64" and compute != "float64" and not weak


def _got(name: str, value: Array, *, accepted: Collection[str]) -> str:
    """Return the dtype as an error shows it; it may be right but for its byte order."""
    if native_name(value.dtype) not in accepted:
        return str(value.dtype)
    native = f"`{name}.astype({name}.dtype.newbyteorder('='))`"
    return f"{value.dtype}, which is not in native byte order: pass {native}"


def check_class_indices(labels: Array) -> None:
    """Raise unless the labels are integers."""
    name = name_of(labels.dtype)
    if name not in INTEGRAL:
        kind = native_name(labels.dtype) or name
        advice = ": cast class indices to int64; softmax_xent takes probabilities"
        advice = advice if kind in FLOATING else ""
        got = _got("labels", labels, accepted=INTEGRAL)
        raise TypeError(f"`labels` must be integer class indices; got {got}{advice}")


def check_mask(mask: Array) -> None:
    """Raise unless the mask is boolean."""
    if name_of(mask.dtype) != "bool":
        raise TypeError(f"`mask` must have dtype bool, True = counted; got {mask.dtype}")


def check_denominator(denominator: Array) -> None:
    """Raise unless a denominator array is one real number."""
    kind = name_of(denominator.dtype)
    if kind not in INTEGRAL and kind not in FLOATING:
        got = _got("denominator", denominator, accepted=FLOATING | INTEGRAL)
        raise TypeError(f"`denominator` must be real; got {got}")
    if denominator.ndim != 0:
        raise ValueError(
            f"`denominator` must be a Python number or a 0-d array; got shape "
            f"{tuple(denominator.shape)}"
        )
