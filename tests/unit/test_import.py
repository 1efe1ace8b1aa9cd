"""Importing the package imports no array library, in little time."""

import subprocess
import sys

LIBRARIES = (
    "numpy",
    "torch",
    "jax",
    "cupy",
    "dask",
    "ndonnx",
    "mlx",
    "mparray",
    "array_api_strict",
    "tensorflow",
    "paddle",
)
SLOW = (
    "asyncio",
    "concurrent.futures",
    "ctypes",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "llvmlite",
    "xent_api._graph",
    "xent_api.testing",
)
PROBE = """
import sys
{before}
import xent_api
print(*[name for name in {names!r} if name in sys.modules])
"""


def _probe(before: str = "") -> list[str]:
    code = PROBE.format(before=before, names=LIBRARIES + SLOW)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_no_array_library_is_imported() -> None:
    assert set(_probe()).isdisjoint(LIBRARIES)


def test_the_probe_sees_an_imported_library() -> None:
    assert "numpy" in _probe("import numpy")


def test_it_imports_nothing_slow() -> None:
    # No time is measured: 30 ms on one machine are 60 on a busy one. These take 3 to 100 ms each.
    assert not set(_probe()).intersection(SLOW)
    assert {"inspect", "ctypes"}.issubset(_probe("import ctypes, inspect"))


def test_public_names() -> None:
    import xent_api

    assert xent_api.sigmoid_cross_entropy_with_logits is xent_api.sigmoid_xent.loss
    assert all(hasattr(xent_api, name) for name in xent_api.__all__)
    assert all(hasattr(xent_api.sigmoid_xent, name) for name in xent_api.sigmoid_xent.__all__)


PLUGIN = """
import sys
import pytest
before = set(sys.modules)
import pytest_xent_api
print(*sorted(set(sys.modules) - before))
"""


def test_the_entry_point_of_pytest_imports_nothing_but_pytest() -> None:
    command = [sys.executable, "-c", PLUGIN]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pytest_xent_api"]
