"""What the package needs, and what it is when it is someone else's."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import array_api_compat
import pytest

import xent_api

ROOT = Path(__file__).parents[2]
PACKAGE = Path(xent_api.__file__).parent
EXTRAS = ("testing", "_report", "__main__.py")
"""Not the core: the docs say that a vendored copy may leave them out."""


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def test_the_core_imports_one_dependency() -> None:
    """A library may be imported only in its own room."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [d.partition(">=")[0] for d in project["dependencies"]] == ["array-api-compat"]
    seen = set()
    for path in PACKAGE.rglob("*.py"):
        if not set(path.relative_to(PACKAGE).parts).isdisjoint(EXTRAS):
            continue
        foreign = set(_imports(path)) - sys.stdlib_module_names
        seen |= foreign
        room, *served = path.relative_to(PACKAGE).with_suffix("").parts
        if room == "_backends":
            foreign -= {"array_api_compat"} if served == ["compat"] else {served[0]}
        if served == ["codegen", "compiler"]:
            foreign -= {"llvmlite"}
        assert not foreign, path
    assert {"array_api_compat", "numpy", "torch", "jax"} <= seen


LIBRARIES = re.compile(
    "numpy|scipy|torch|jax|xla|cuda|cupy|dask|mlx|tensorflow|paddle|onnx|mparray|triton",
    re.IGNORECASE,
)


@pytest.mark.parametrize("room", ["_math", "_graph"])
def test_no_library_is_named_where_none_is_meant(room: str) -> None:
    """Not even in comments: what a line is good for is said without a name, or in another room."""
    paths = sorted((PACKAGE / room).rglob("*.py"))
    assert len(paths) > 7
    for path in paths:
        assert not LIBRARIES.findall(path.read_text(encoding="utf-8")), path


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
try:
    import torch
except ModuleNotFoundError:
    pass
else:
    x = torch.zeros(2, requires_grad=True)
    xa.sigmoid_xent.loss(labels=torch.ones(2), logits=x, reduction="sum").backward()
    assert x.grad.tolist() == [-0.5, -0.5]
tops = {name.partition(".")[0] for name in sys.modules}
print("xent_api" in tops, "array_api_compat" in tops)
"""
HOOK = "from .array_api_compat import *\n"
"""What array-api-extra tells projects that vendor both to write."""


SHORT = ("--dtypes", "float32", "--families", "sigmoid")


def _vendor(folder: Path, *left_out: str) -> Path:
    vendored = folder / "somebody" / "_vendored"
    ignored = shutil.ignore_patterns("__pycache__", *left_out)
    shutil.copytree(PACKAGE, vendored / "cross_entropy", ignore=ignored)
    return vendored


def _run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("left_out", [(), EXTRAS], ids=["whole", "core"])
def test_it_works_vendored_under_another_name(tmp_path: Path, left_out: tuple[str, ...]) -> None:
    _vendor(tmp_path, *left_out)
    assert _run(tmp_path, "-c", VENDORED) == "False True\n"
    main = ("-m", "somebody._vendored.cross_entropy", "--backend", "numpy", *SHORT)
    expected = "No module named" if left_out else "42 of 42 cases"
    assert expected in _run(tmp_path, *main)


def test_it_works_vendored_beside_its_dependency(tmp_path: Path) -> None:
    vendored = _vendor(tmp_path)
    shutil.copytree(Path(array_api_compat.__file__).parent, vendored / "array_api_compat")
    (vendored / "_array_api_compat_vendor.py").write_text(HOOK)
    assert _run(tmp_path, "-c", VENDORED) == "False False\n"
    main = ("-m", "somebody._vendored.cross_entropy", "--backend", "numpy", *SHORT)
    assert "42 of 42 cases" in _run(tmp_path, *main)


def test_a_broken_vendored_dependency_is_no_reason_to_take_another(tmp_path: Path) -> None:
    vendored = _vendor(tmp_path)
    (vendored / "_array_api_compat_vendor.py").write_text("from .no_such_copy import *\n")
    assert "No module named 'somebody._vendored.no_such_copy'" in _run(tmp_path, "-c", VENDORED)


def test_what_is_installed_has_its_data_and_its_types() -> None:
    for name in ("py.typed", "testing/data/sigmoid.csv", "testing/data/softmax.csv"):
        assert (PACKAGE / name).is_file(), name
