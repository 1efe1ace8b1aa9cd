"""On what machine a figure was obtained."""

import os
import platform
from pathlib import Path
from typing import Any

WIDEST = {"avx512f": "AVX-512", "avx2": "AVX2"}
"""Flag in Linux's list → name, the widest first."""
FEATURES = (
    *("sse2", "sse4_1", "avx", "f16c", "fma", "avx2", "avx512f", "avx512dq", "avx512bw"),
    *("avx512vl", "avx512_bf16", "avx512_fp16", "amx_bf16", "asimd", "asimdhp", "bf16", "sve"),
)
"""Flags of what libraries choose their functions by."""


def describe_machine() -> str:
    """Return processor, number of cores, system and Python in a line."""
    cores = os.cpu_count()
    python = f"Python {platform.python_version()}"
    return f"{_processor()}, {cores} cores, {platform.system()}, {python}"


def describe() -> dict[str, Any]:
    """Return the same as data, with the processor's features, where Linux tells them."""
    known = _known()
    flags = f"{known.get('flags', '')} {known.get('Features', '')}".split()
    return {
        "processor": known.get("model name", platform.machine()),
        "features": [name for name in FEATURES if name in flags],
        "cores": os.cpu_count(),
        "system": platform.system(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def _known() -> dict[str, str]:
    """Return what Linux tells of the first processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    found = [line.partition(":") for line in reversed(lines)]
    return {name.strip(): text.strip() for name, _, text in found}


def _processor() -> str:
    """Return the processor's own name where Linux tells it, else the architecture.

    With its widest vectors, if it is an x86: one name is given to processors with AVX-512 and
    without, and libraries compute some functions by other instructions there.
    """
    known = _known()
    flags = known.get("flags", "").split()
    vectors = [kind for flag, kind in WIDEST.items() if flag in flags]
    name = known.get("model name", platform.machine())
    return f"{name} ({vectors[0]})" if vectors else name
