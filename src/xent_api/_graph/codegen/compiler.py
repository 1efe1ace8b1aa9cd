"""LLVM in this process: text in, functions out."""

from itertools import count
from typing import Any

from ..._forks import lock


class Compiler:
    """A just-in-time compiler for this processor, or one that it can stand for.

    By LLJIT: the older MCJIT ends the process where memory may not be made executable. Without the
    passes of an optimiser, which take as long as all else and gain nothing here.
    """

    def __init__(self, processor: str | None = None, *, fused: bool = True) -> None:
        with lock:
            from llvmlite import binding

            binding.initialize_native_target()
            binding.initialize_native_asmprinter()
            features = binding.get_host_cpu_features()
            name = processor or binding.get_host_cpu_name()
            target = binding.Target.from_default_triple()
            given = features.flatten() if processor is None else ""
            machine = target.create_target_machine(cpu=name, features=given, opt=2)
            self.binding: Any = binding
            self.jit = binding.create_lljit_compiler(machine, suppress_errors=True)
            # What llvmlite frees takes a lock of its own: not while another thread forks.
            self.kept = features, target, machine
            if processor is None:
                fused = features.get("fma", False) or _is_arm(target)
            self.fused = fused
            self.names = count()

    def compile(self, text: str) -> "Library":
        """Return the code of a module."""
        with lock:
            library = self.binding.JITLibraryBuilder().add_current_process()  # memcpy
            library.add_ir(text).export_symbol("run")
            return Library(library.link(self.jit, f"xent_api_{next(self.names)}"))


class Library:
    """Code in memory, for as long as this object lives."""

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker
        self.address: int = tracker["run"]
        """Where the function `run` is."""

    def __del__(self) -> None:
        with lock:
            self.tracker.close()


def _is_arm(target: Any) -> bool:
    return str(target.triple).startswith(("aarch64", "arm64"))
