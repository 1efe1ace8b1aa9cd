"""What the package needs, and what it is when it is someone else's."""

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import xent_api

ROOT = Path(__file__).parents[2]
PACKAGE = Path(xent_api.__file__).parent
EXTRAS = {"testing", "_report"}
"""Not the core: they are there for whoever has the libraries."""
OWN = {"compiled": "torch"}
"""Modules of `_execution` whose name does not begin with that of the library they serve."""


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def test_the_core_imports_one_dependency() -> None:
    """A library may be imported only in the module of its own way of running programs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [d.partition(">=")[0] for d in project["dependencies"]] == ["array-api-compat"]
    seen = set()
    for path in PACKAGE.rglob("*.py"):
        if EXTRAS & set(path.relative_to(PACKAGE).parts):
            continue
        foreign = set(_imports(path)) - sys.stdlib_module_names
        seen |= foreign
        served = OWN.get(path.stem, path.stem.partition("_")[0])
        if path.parent.name == "_execution":
            foreign -= {served, "array_api_compat"}
        assert not foreign, path
    assert {"array_api_compat", "numpy", "torch", "jax"} <= seen


VENDORED = """
import sys
import numpy as np
from somebody._vendored import cross_entropy as xa
from somebody._vendored.cross_entropy.facades import tensorflow

logits, labels = np.asarray([-20.0, 20.0], dtype="f"), np.asarray([0, 1])
loss, slope = xa.sigmoid_xent.loss_and_gradient(labels=labels, logits=logits)
assert np.allclose([loss, abs(slope)], 2.0611537e-09, rtol=1e-6, atol=0)
large = np.zeros(300_000, dtype="f")
assert abs(xa.sigmoid_xent.loss(labels=large, logits=large, reduction="mean") - np.log(2)) < 1e-7
assert tensorflow.sigmoid_cross_entropy_with_logits(logits, logits).shape == (2,)
assert not [name for name in sys.modules if name.split(".")[0] == "xent_api"]
print("right")
"""


def test_it_works_vendored_under_another_name(tmp_path: Path) -> None:
    target = tmp_path / "somebody" / "_vendored" / "cross_entropy"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-c", VENDORED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "right\n", done.stderr
    command = [sys.executable, "-m", "somebody._vendored.cross_entropy", "--backend", "numpy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "17 of 17 examples" in done.stdout, done.stderr


def test_what_is_installed_has_its_data_and_its_types() -> None:
    for name in ("py.typed", "testing/data/sigmoid.csv", "testing/data/softmax.csv"):
        assert (PACKAGE / name).is_file(), name
