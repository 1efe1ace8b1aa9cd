"""On what machine a figure was obtained."""

import os
import platform
from pathlib import Path

VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}
"""Flag in Linux's list → name, the widest first."""


def describe_machine() -> str:
    """Return processor, number of cores, system and Python in a line."""
    cores = os.cpu_count()
    python = f"Python {platform.python_version()}"
    return f"{_processor()}, {cores} cores, {platform.system()}, {python}"


def _processor() -> str:
    """Return the processor's own name where Linux tells it, else the architecture.

    With its widest vectors, if it is an x86: one name is given to processors with AVX-512 and
    without, and libraries compute some functions by other instructions there.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    found = [line.partition(":") for line in reversed(lines)]
    known = {name.strip(): text.strip() for name, _, text in found}
    flags = known.get("flags", "").split()
    vectors = [kind for flag, kind in VECTORS.items() if flag in flags]
    name = known.get("model name", platform.machine())
    return f"{name} ({vectors[0]})" if vectors else name
