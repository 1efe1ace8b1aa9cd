"""A namespace whose own functions are called though its arrays belong to another one.

The losses take the namespace from the array. One that was put together at run time, of a library's
functions and some others, has arrays that know nothing of it: here they are carried by arrays that
do, and each function gets what is carried.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar
from warnings import catch_warnings, simplefilter

from .._backends.registry import find_backend
from .._typing import Array, Namespace

UNARY = ("abs", "neg", "pos", "invert")
BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
COMPARING = ("eq", "ne", "lt", "le", "gt", "ge")
CONVERTING = ("bool", "float", "int", "index", "complex")


class Carrier:
    """An array of another namespace than its own."""

    namespace: ClassVar[Any]

    def __init__(self, inner: Array) -> None:
        self.inner = inner

    def __array_namespace__(self, *, api_version: str | None = None) -> Namespace:
        return self.namespace

    def __getattr__(self, name: str) -> Any:
        if name == "inner":  # asked for by what copies objects, before it is there
            raise AttributeError(name)
        return self.namespace.carrying(getattr(self.inner, name))

    def __getitem__(self, key: Any) -> Any:
        return self.namespace.carried(self.inner[unpacked(key)])


def _method(name: str) -> Callable[..., Any]:
    def method(self: Carrier, *others: Any) -> Any:
        return self.namespace.carried(getattr(self.inner, name)(*map(unpacked, others)))

    return method


for _name in (*UNARY, *BINARY, *(f"r{name}" for name in BINARY), *COMPARING, *CONVERTING):
    setattr(Carrier, f"__{_name}__", _method(f"__{_name}__"))


class CarryingNamespace:
    """The functions of a namespace, for arrays that have it as theirs.

    Parameters
    ----------
    name : str
        What it is called.
    functions : namespace
        Whose functions are called.
    replaced : mapping, optional
        Functions that are called instead, of arrays as `functions` has them.
    """

    def __init__(
        self, name: str, functions: Namespace, replaced: Mapping[str, Callable[..., Any]] = {}
    ) -> None:
        # No library's name, by which a room would be found: these are no arrays of JAX's.
        self.__name__ = f"carried:{name}"
        self._functions, self._replaced = functions, dict(replaced)
        # A class of its own, as a backend is looked up by it.
        self._kind = type("Array", (Carrier,), {"namespace": self, "__module__": name})

    def __getattr__(self, name: str) -> Any:
        return self.carrying(self._replaced.get(name) or getattr(self._functions, name))

    def carrying(self, value: Any) -> Any:
        """Return a function that takes and gives carried arrays; anything else as `carried`."""
        if not callable(value) or isinstance(value, type):  # NumPy's dtypes are classes
            return self.carried(value)

        def function(*arguments: Any, **options: Any) -> Any:
            return self.carried(value(*unpacked(arguments), **unpacked(options)))

        return function

    def carried(self, value: Any) -> Any:
        """Return an array, or those in a tuple or list, carried; anything else as it is."""
        if type(value) in (tuple, list):
            return type(value)(map(self.carried, value))
        return self._kind(value) if _is_array(value) else value


def _is_array(value: Any) -> bool:
    if isinstance(value, type):  # the class of an array, or a dtype
        return False
    return hasattr(value, "__array_namespace__") or find_backend(value) is not None


def unpacked(value: Any) -> Any:
    """Return what is carried, also in tuples, lists and dictionaries."""
    if isinstance(value, Carrier):
        return value.inner
    if type(value) in (tuple, list):
        return type(value)(map(unpacked, value))
    if type(value) is dict:
        return {name: unpacked(one) for name, one in value.items()}
    return value


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore the warnings of floating-point errors that a library's functions may give."""
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)
        yield
