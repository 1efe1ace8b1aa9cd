"""Kernels of programs, each compiled once in a process."""

import ctypes
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

from ..._typing import Program
from ..simplify import simplify
from ..trace import trace
from .compiler import Compiler, Library, lock
from .emit import Body, Signature
from .module import Fields, module
from .ops import NAMES, NativeOps

LOWEST_VERSION = (0, 45)
MAX_KERNELS = 256
Run = Callable[[Any, bytes, int, int], None]
"""A kernel's `run`: arrays, layout, first block and the one after the last."""


class Kernel(NamedTuple):
    """A compiled program."""

    library: Library
    """What keeps the code in memory."""
    short: Run
    """To be called with Python's global lock held, which saves time on few elements."""
    long: Run


class Kernels:
    """The kernels of one kind of arrays, which have what they hold at `fields`; None: addresses."""

    def __init__(self, fields: Fields | None) -> None:
        self.fields = fields
        self.found: dict[tuple[Program, Signature], Kernel] = {}

    def find(self, program: Program, signature: Signature, compute: str) -> Kernel:
        """Return the kernel of a program. Threads that meet a new one wait for one compilation."""
        key = program, signature
        known = self.found.get(key)
        if known is not None:
            return known
        with lock:
            if key not in self.found:
                if len(self.found) >= MAX_KERNELS:
                    self.found.clear()
                self.found[key] = self._compile(program, signature, compute)
            return self.found[key]

    def _compile(self, program: Program, signature: Signature, compute: str) -> Kernel:
        made = text(program, signature, compute, self.fields, fused=compiler().fused)
        library = compiler().compile(made)
        first = ctypes.c_void_p if self.fields is None else ctypes.py_object
        kinds = first, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64
        short = ctypes.PYFUNCTYPE(None, *kinds)(library.address)
        return Kernel(library, short, ctypes.CFUNCTYPE(None, *kinds)(library.address))


def text(
    program: Program, signature: Signature, compute: str, fields: Fields | None, *, fused: bool
) -> str:
    """Return the module of a program in LLVM's assembly language."""
    spec = [(d, () if one else (2,)) for d, one in zip(*signature[:2], strict=True)]
    spec += [(dtype, ()) for dtype in signature.numbers]
    ops = partial(NativeOps, single=compute != "float64")
    graph = simplify(trace(program.results, tuple(spec), NAMES, ops=ops))
    return module(Body(graph, signature, fused=fused).text(), signature, fields)


@cache
def is_installed() -> bool:
    """Tell whether a tested version of llvmlite is there, without importing it."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        numbers = version("llvmlite").split(".")[:2]
    except PackageNotFoundError:
        return False
    return tuple(map(int, numbers)) >= LOWEST_VERSION


@cache
def why_unusable() -> str | None:
    """Return why there can be no kernels here, or None where they can be."""
    if not is_installed():
        return "the extra xent-api[native] is not installed"
    try:
        compiler().compile("define void @run() {\n  ret void\n}")
    except Exception as error:  # noqa: BLE001 - whatever it is, there is another way
        return f"llvmlite cannot make machine code here: {error}"
    return None


@cache
def are_usable() -> bool:
    """Tell whether kernels can be had by default; warn once where only code cannot be made."""
    if not is_installed():
        return False
    reason = why_unusable()
    if reason is not None:
        warnings.warn(f"xent_api goes on without compiled kernels: {reason}", RuntimeWarning, 2)
    return reason is None


@cache
def compiler() -> Compiler:
    """Return the one compiler of this process."""
    return Compiler()
