"""The array namespaces that can be checked: the known ones by name, any other by import path."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

from .._backends.execution import execution
from .._backends.names import name_of
from .._backends.registry import find_backend, name_of_library
from .._typing import Array, Device, Namespace
from .carried import CarryingNamespace, quiet

USED = (
    *("__array_namespace_info__", "abs", "arange", "astype", "clip", "exp", "floor", "full"),
    *("full_like", "iinfo", "isdtype", "isnan", "log1p", "max", "minimum", "moveaxis"),
    *("ones_like", "reshape", "squeeze", "sum", "take_along_axis", "where", "zeros_like"),
)
"""The functions of a namespace that the losses call."""
MEASURED = ("exp", "log1p", "log", "expm1", "logaddexp", "sum", "astype")
"""Those that are measured."""


class Unavailable(Exception):  # noqa: N818 - a state with a reason, not an error
    """A namespace cannot run here; the text names what is missing."""


@dataclass(frozen=True)
class Target:
    """A namespace with the device and the mode in which it is checked."""

    name: str
    xp: Namespace
    device: Device | None = None
    context: Callable[[], AbstractContextManager[Any]] = field(default=nullcontext)
    """Enter this around every call, also around the making of arrays."""
    trace: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None
    """What turns a function of arrays into a traced one (jit, compile), where there is such."""

    functions: Namespace | None = None
    """The library's functions, where `xp` is this package's own and repairs some."""

    @property
    def own(self) -> Namespace:
        """The functions as the library has them."""
        return self.xp if self.functions is None else self.functions

    @property
    def library(self) -> str:
        """The name without what stands for a device or a mode."""
        return self.name.partition(":")[0]

    def asarray(self, values: Any, dtype: str) -> Array:
        """Return nested sequences of numbers as an array on the device."""
        where = {} if self.device is None else {"device": self.device}
        name = "bool_" if dtype == "bool" and not hasattr(self.xp, "bool") else dtype
        return self.xp.asarray(values, dtype=getattr(self.xp, name), **where)

    def floats(self, array: Array) -> list[float]:
        """Return the elements in row-major order, as Python floats.

        By `tolist` or `numpy` where there is one, else by DLPack, else by `float()` of single
        elements, which takes up to 25 µs each (array-api-strict), but every array has it.
        """
        flat = self.xp.reshape(self.xp.asarray(array), (-1,))
        for concrete in ("compute", "unwrap_numpy"):  # Dask's and ndonnx's
            if hasattr(flat, concrete):
                flat = getattr(flat, concrete)()
        if name_of(flat.dtype) == "bfloat16":  # what has no name in Python may come as its bits
            flat = self.xp.astype(flat, self.xp.float32)
        return [float(element) for element in _elements(flat)]

    def dtypes(self) -> tuple[str, ...]:
        """Return the names of the floating dtypes that the namespace has on the device."""
        with self.context():
            info = self.xp.__array_namespace_info__()
            standard = info.dtypes(device=self.device, kind="real floating")
        extra = (name for name in ("float16", "bfloat16") if hasattr(self.xp, name))
        return (*(name for name in ("float32", "float64") if name in standard), *extra)


def _elements(flat: Array) -> Iterable[Any]:
    if not hasattr(flat, "tolist") and hasattr(flat, "numpy"):
        flat = flat.numpy()
    if hasattr(flat, "tolist"):
        return flat.tolist()  # type: ignore[no-any-return]
    try:
        return import_module("numpy").from_dlpack(flat).tolist()  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 - no NumPy, another device, a dtype that it lacks, …
        return (flat[i] for i in range(flat.shape[0]))


def _torch_compile(function: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    torch.compiler.reset()  # functions from one place in the code count as one that recompiles
    compiled: Callable[..., Any] = torch.compile(function, fullgraph=True, backend="eager")
    return compiled


def _jax_jit(function: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    jitted: Callable[..., Any] = jax.jit(function)
    return jitted


def _simple(name: str, module: str) -> Target:
    return Target(name, _import(module))


def _wrapped(name: str, module: str) -> Target:
    return Target(name, _namespace(_import(module)))


def _native(name: str) -> bool:
    """Tell whether a target has compiled kernels; they must be had then."""
    if not name.endswith(":native"):
        return False
    try:
        execution(native=True)
    except ImportError as error:
        raise Unavailable(str(error)) from None
    return True


def _numpy(name: str) -> Target:
    native = _native(name)
    xp = _namespace(_import("numpy"))
    return Target(name, xp, context=lambda: execution(native=native))


def _strict(name: str) -> Target:
    xp = _import("array_api_strict")
    if name == "array_api_strict:strictest":
        # Nothing optional: no extensions, no shapes that depend on values, no boolean indexing.
        flags = xp.ArrayAPIStrictFlags
        return Target(
            name,
            xp,
            context=lambda: flags(
                boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=()
            ),
        )
    device = name.partition(":")[2]
    return Target(name, xp, xp.Device(device) if device else None)


def _torch(name: str) -> Target:
    xp = _import("torch")
    if name == "torch:cuda" and not xp.cuda.is_available():
        raise Unavailable("torch.cuda.is_available() is False: no CUDA device")
    device = xp.device("cuda", 0) if name == "torch:cuda" else xp.device("cpu")
    native = _native(name)
    return Target(
        name,
        _namespace(xp),
        device,
        lambda: execution(native=native),
        None if native else _torch_compile,  # what compiles does not ask for kernels
    )


def _jax(name: str) -> Target:
    jax = _import("jax")
    kind = "cuda" if name == "jax:cuda" else "cpu"
    try:
        device = jax.devices(kind)[0]
    except RuntimeError as error:
        raise Unavailable(f"jax.devices({kind!r}) fails: no such device") from error
    wide = name != "jax:x32"
    from .._backends.jax import enable_x64

    @contextmanager
    def precision() -> Iterator[None]:
        with enable_x64(wide):
            yield

    return Target(name, _import("jax.numpy"), device, precision, _jax_jit)


def _cupy(name: str) -> Target:
    cupy = _import("cupy")
    if not cupy.cuda.is_available():
        raise Unavailable("cupy.cuda.is_available() is False: no CUDA device")
    return Target(name, _namespace(cupy))


def _tensorflow(name: str) -> Target:
    tf = _import("tensorflow")
    xp = _namespace_of(tf.constant(0.0))
    wanted = ("exp", "expm1", "log", "log1p")
    functions = {name: getattr(tf.math, name) for name in wanted}
    functions["logaddexp"] = tf.experimental.numpy.logaddexp
    return Target(name, xp, trace=tf.function, functions=_with(xp, functions))


def _cubed(name: str) -> Target:
    # It computes by NumPy, when the results are asked for.
    xp = _namespace_of(_import("cubed").asarray([0.0]))
    return Target(name, xp, context=lambda: _import("numpy").errstate(all="ignore"))


def _paddle(name: str) -> Target:
    paddle = _import("paddle")
    xp = _namespace_of(paddle.to_tensor([0.0]))
    wanted = ("exp", "expm1", "log", "log1p", "logaddexp", "sum")
    functions = {name: getattr(paddle, name) for name in wanted if hasattr(paddle, name)}
    return Target(name, xp, functions=_with(xp, functions | {"astype": paddle.cast}))


def _with(xp: Namespace, functions: dict[str, Any]) -> Namespace:
    """Return a namespace with other functions."""
    return SimpleNamespace(**{n: getattr(xp, n) for n in USED if hasattr(xp, n)} | functions)


KNOWN: dict[str, Callable[[str], Target]] = {
    "numpy": _numpy,
    "numpy:native": _numpy,
    "array_api_strict": _strict,
    "array_api_strict:strictest": _strict,
    "array_api_strict:device1": _strict,
    "array_api_strict:no_float64": _strict,
    "torch": _torch,
    "torch:native": _torch,
    "torch:cuda": _torch,
    "jax": _jax,
    "jax:x32": _jax,
    "jax:cuda": _jax,
    "dask": lambda name: _wrapped(name, "dask.array"),
    "ndonnx": lambda name: _simple(name, "ndonnx"),
    "mparray": lambda name: _simple(name, "mparray"),
    "mlx": lambda name: _simple(name, "mlx.core"),
    "paddle": _paddle,
    "tensorflow": _tensorflow,
    "dpnp": lambda name: _simple(name, "dpnp"),
    "cubed": _cubed,
    "sparse": lambda name: _simple(name, "sparse"),
    "cupy": _cupy,
}
"""What makes the target of each known name. "jax" has float64 switched on, "jax:x32" off."""


def find_target(name: str) -> Target:
    """Return the target of a known name, or of any array namespace.

    Parameters
    ----------
    name : str
        A known name, the import path of a namespace, or ``module:attribute``, an object that has
        the functions of one.

    Raises
    ------
    Unavailable
        Where it cannot run here, with the reason.

    Examples
    --------
    >>> find_target("array_api_strict").dtypes()
    ('float32', 'float64')
    """
    if name in KNOWN:
        return KNOWN[name](name)
    module, separator, attribute = name.partition(":")
    paths = [module, attribute] if separator else [module]
    if not all(part.isidentifier() for path in paths for part in path.split(".")):
        other = name.replace("-", "_")
        hint = f" ({other}?)" if other in KNOWN else ""
        raise Unavailable(f"neither a known name, an import path nor module:attribute{hint}")
    found = _import(module)
    if separator:
        try:
            found = attrgetter(attribute)(found)
        except AttributeError as error:
            raise Unavailable(str(error)) from None
    return target_of(found, name)


def target_of(namespace: Namespace, name: str = "") -> Target:
    """Return the target of a namespace, whose own functions are called in any case."""
    name = name or getattr(namespace, "__name__", "") or type(namespace).__name__
    xp = _namespace(namespace, name)
    return Target(name, xp, context=quiet if isinstance(xp, CarryingNamespace) else nullcontext)


def _namespace(module: Any, name: str = "") -> Namespace:
    """Return the standard's namespace of a module or object.

    That is what its arrays say; and where these would have other functions called than its own, a
    namespace that calls its own.
    """
    try:
        array = module.asarray([0.0])
        if _is_nameless(array):
            module.__array_namespace_info__().dtypes(kind="real floating")
            return CarryingNamespace(name, module)
        backend = find_backend(array)
        xp = module if backend is None else backend.xp
        same = backend is not None and type(xp.asarray([0.0])) is type(array)
        if same and _has_others(module, xp):
            inspection = "__array_namespace_info__"  # which `import *` leaves out
            own = {} if hasattr(module, inspection) else {inspection: getattr(xp, inspection)}
            return CarryingNamespace(name, module, own)
    except (Exception, SystemExit) as error:
        raise Unavailable(f"no array namespace: {type(error).__name__}: {error}") from error
    if not same:
        raise Unavailable("no array namespace: its arrays are of another kind")
    return xp


def _is_nameless(array: Any) -> bool:
    """Tell whether an array has a namespace without a name, which array-api-compat does not take.

    Any object can be one, a ``types.SimpleNamespace`` for instance.
    """
    own = getattr(array, "__array_namespace__", None)
    return own is not None and not hasattr(own(), "__name__")


def _has_others(module: Any, xp: Namespace) -> bool:
    """Tell whether a module has other functions than the namespace of its arrays."""
    names = (*USED, *MEASURED)
    return not _is_the_library(module, xp) and any(
        getattr(module, name, None) is not getattr(xp, name, None) for name in names
    )


def _is_the_library(module: Any, xp: Namespace) -> bool:
    """Tell whether a module is the library that `xp` stands for: NumPy, of array-api-compat's."""
    if module is xp:
        return True
    own = getattr(module, "__name__", "")
    return sys.modules.get(own) is module and name_of_library(module) == name_of_library(xp)


def _namespace_of(array: Array) -> Namespace:
    """Return what serves as the namespace of an array that has none."""
    backend = find_backend(array)
    assert backend is not None
    return backend.xp


def package_version(target: str) -> str:
    """Return the version of the distribution behind a target's name, or "?"."""
    package = target.partition(":")[0].partition(".")[0]
    try:
        return version(package.replace("_", "-"))
    except PackageNotFoundError:  # a distribution of another name, or a module of no distribution
        names = packages_distributions().get(package, ())
        return version(names[0]) if names else getattr(sys.modules.get(package), "__version__", "?")


def nested(values: Sequence[float], shape: tuple[int, ...]) -> Any:
    """Return a flat sequence as nested lists of the given shape."""
    if not shape:
        return values[0]
    step = math.prod(shape[1:])
    return [nested(values[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def _import(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise Unavailable(f"{error.name} is not installed") from error
    except (Exception, SystemExit) as error:
        raise Unavailable(f"importing it raises {type(error).__name__}: {error}") from error
