"""Several devices and processes: each script of ``tests/devices`` runs its cases."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "devices"
SETS = ["small", pytest.param("all", marks=pytest.mark.nightly)]


def _run(*command: str) -> list[str]:
    """Return what a script prints: the names of the cases that hold."""
    path = [str(SCRIPTS.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *command],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.split()


@pytest.mark.parametrize("cases", SETS)
def test_eight_devices_of_jax(cases: str) -> None:
    jax = pytest.importorskip("jax")
    if not hasattr(jax, "set_mesh"):
        pytest.skip("JAX 0.5 has no `set_mesh`")
    found = _run(str(SCRIPTS / "on_jax.py"), cases)
    assert len(found) == {"small": 5, "all": 12}[cases]


@pytest.mark.parametrize("cases", SETS)
def test_four_processes_of_torch(cases: str) -> None:
    version = pytest.importorskip("torch").torch_version.TorchVersion
    if version(pytest.importorskip("torch").__version__) < "2.13":
        pytest.skip("2.8's distributed tensors cannot compare labels with the numbers of classes")
    processes = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "4")
    found = _run(*processes, str(SCRIPTS / "on_torch.py"), cases)
    assert len(found) == {"small": 3, "all": 10}[cases]


@pytest.mark.parametrize("cases", SETS)
def test_two_workers_of_dask(cases: str) -> None:
    pytest.importorskip("distributed")
    found = _run(str(SCRIPTS / "on_dask.py"), cases)
    assert len(found) == {"small": 2, "all": 5}[cases]


@pytest.mark.nightly
def test_executors_of_cubed() -> None:
    pytest.importorskip("cubed")
    if pytest.importorskip("distributed").__version__ >= "2026.2":
        pytest.skip("Cubed 0.27 finds no workers by the clients of Distributed 2026.8")
    found = _run(str(SCRIPTS / "on_cubed.py"))
    assert found == ["means[processes]", "means[dask]"]


@pytest.mark.nightly
def test_a_process_that_is_missing() -> None:
    """The others raise within the time-out of their group, and say what they waited for."""
    pytest.importorskip("torch")
    found = _run(str(SCRIPTS / "missing.py"))
    assert found == ["told"] * 2
