"""Kernels of programs, each compiled once in a process."""

import ctypes
import re
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

from ..._forks import lock
from ..._typing import Program, Shape
from ..simplify import simplify
from ..trace import trace
from .compiler import Compiler, Library
from .emit import Body, Signature
from .module import Fields, module
from .ops import NAMES, NativeOps
from .rows import RowBody
from .strided import RowSignature

EXTRA, LOWEST_VERSION = "llvmlite, the extra xent-api[native],", (0, 45)
MAX_KERNELS = 256
SHAPES: dict[str, Shape] = {"uniform": (), "row": (2, 1), "class": (2, 3), "index": (1, 3)}
"""What an operand has a number for → a shape that tells."""
Run = Callable[[Any, bytes, int, int], None]
"""A kernel's `run`: arrays, layout, first chunk and the one after the last."""


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
        first = ctypes.c_void_p if fields is None else ctypes.py_object
        kinds = first, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64
        self.short, self.long = ctypes.PYFUNCTYPE(None, *kinds), ctypes.CFUNCTYPE(None, *kinds)
        self.found: dict[tuple[Program, Signature | RowSignature], Kernel] = {}

    def find(self, program: Program, signature: Signature | RowSignature) -> Kernel:
        """Return the kernel of a program. Threads that meet a new one wait for one compilation."""
        key = program, signature
        known = self.found.get(key)
        if known is not None:
            return known
        with lock:
            if key not in self.found:
                if len(self.found) >= MAX_KERNELS:
                    self.found.clear()
                self.found[key] = self._compile(program, signature)
            return self.found[key]

    def _compile(self, program: Program, signature: Signature | RowSignature) -> Kernel:
        made = text(program, signature, self.fields, fused=compiler().fused)
        library = compiler().compile(made)
        return Kernel(library, self.short(library.address), self.long(library.address))


def text(
    program: Any, signature: Signature | RowSignature, fields: Fields | None, *, fused: bool
) -> str:
    """Return the module of a program, the dtypes of which are names, in LLVM's assembly language.

    Shapes do not matter: the signature tells what an operand has a number for.
    """
    if isinstance(signature, Signature):
        kinds: tuple[str, ...] = ("uniform",) * len(signature.dtypes)
    else:
        kinds = signature.operands
    kinds += ("uniform",) * len(signature.numbers)
    names = (*signature.dtypes, *signature.numbers)
    spec = tuple([(name, SHAPES[kind]) for name, kind in zip(names, kinds, strict=True)])
    ops = partial(NativeOps, single=program.compute != "float64")
    graph = simplify(trace(program.results, spec, NAMES, ops=ops))
    if isinstance(signature, RowSignature):
        return RowBody(graph, signature, fused=fused).module(fields)
    return module(Body(graph, signature, fused=fused).text(), signature, fields)


@cache
def why_unusable() -> str | None:
    """Return why there can be no kernels here, or None where they can be."""
    if not is_installed():
        return f"{EXTRA} is not installed"
    try:
        compiler().compile("define void @run() {\n  ret void\n}")
    except Exception as error:  # noqa: BLE001 - whatever it is, there is another way
        return f"{EXTRA} cannot make machine code here: {error}"
    return None


@cache
def is_installed() -> bool:
    """Tell whether a tested version of llvmlite is there, without importing it."""
    with lock:  # a fork during an import would leave the module locked
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = re.match(r"(\d+)\.(\d+)", str(version("llvmlite")))
        except PackageNotFoundError:
            return False
    return found is not None and tuple(map(int, found.groups())) >= LOWEST_VERSION


def are_usable() -> bool:
    """Tell whether kernels can be had by default; warn once where only code cannot be made."""
    reason = why_unusable()
    if reason is not None and is_installed() and not _told:
        _told.append(reason)
        warnings.warn(f"xent_api goes on without compiled kernels: {reason}", RuntimeWarning, 2)
    return reason is None


def compiler() -> Compiler:
    """Return the one compiler of this process."""
    with lock:
        if not _compilers:
            _compilers.append(Compiler())
        return _compilers[0]


_compilers: list[Compiler] = []
_told: list[str] = []
"""What was warned of."""
