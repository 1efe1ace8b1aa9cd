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
PROBE = """
import sys, time
{before}
start = time.process_time()
import xent_api
spent = time.process_time() - start
found = [name for name in {libraries!r} if name in sys.modules]
print(spent, *found)
"""


def _probe(before: str = "") -> list[str]:
    code = PROBE.format(before=before, libraries=LIBRARIES)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_no_array_library_is_imported() -> None:
    assert _probe()[1:] == []


def test_the_probe_sees_an_imported_library() -> None:
    assert _probe("import numpy")[1:] == ["numpy"]


def test_the_import_takes_less_than_50_ms() -> None:
    # Time on the processor, the best of many: the machine may be busy with something else.
    assert any(float(_probe()[0]) < 0.050 for _ in range(40))


def test_public_names() -> None:
    import xent_api

    assert xent_api.sigmoid_cross_entropy_with_logits is xent_api.sigmoid_xent.loss
    assert all(hasattr(xent_api, name) for name in xent_api.__all__)
    assert all(hasattr(xent_api.sigmoid_xent, name) for name in xent_api.sigmoid_xent.__all__)
