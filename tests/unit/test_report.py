"""``python -m xent_api``: what it shows and how it exits."""

import io
import subprocess
import sys

import pytest
from helpers.caches import patched

from xent_api._math import sigmoid
from xent_api._report.main import main
from xent_api._report.tables import Table, plain, show
from xent_api._version import __version__

SHORT = ("--dtypes", "float32", "--families", "sigmoid")


def _run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(arguments, out), out.getvalue()


def test_numpy() -> None:
    status, text = _run("--backend", "numpy")
    assert status == 0
    assert "137 of 137 cases passed on 1 backend(s)." in text
    assert "Found 1 of 1 backends: numpy" in text
    assert "correct rounding has 0.5" in " ".join(text.split())
    assert "printed there" not in text
    for name in ("exp", "logaddexp", "sum long", "sum over the first axis", "cast to float64"):
        assert f"\n{name} " in text
    status, text = _run("--backend", "numpy", "--verbose", "--dtypes", "float32")
    assert status == 0
    for figure in ("tensorflow", "tutorial", "paddle", "1.3132617", "0.00671535"):
        assert figure in text


@pytest.mark.parametrize("rich", [True, False])
def test_every_line_fits_80_columns_and_no_cell_is_cut(
    rich: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not rich:
        monkeypatch.setitem(sys.modules, "rich", None)
    names = ("array_api_strict:no_float64", "numpy", "no_such_library")
    chosen = [argument for name in names for argument in ("--backend", name)]
    for options in ((), ("--verbose",)):
        _, text = _run(*chosen, *options, "--dtypes", "float32")
        lines = text.splitlines()
        assert max(map(len, lines)) <= 80
        assert "…" not in text
        assert any(line.startswith(f"{names[0]}  float32 ") for line in lines)
    for figure in ("0.313261688", "4.24835426e-18", "tensorflow-binary"):
        assert figure in text


def test_a_namespace_by_its_import_path() -> None:
    names = ("--backend", "numpy", "--backend", "array_api_compat.numpy")
    status, text = _run(*names, *SHORT)
    assert status == 0
    assert "84 of 84 cases passed on 2 backend(s)." in text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_such_library", "not installed"),
        ("math", "no array namespace"),
        ("numpy.ma", "no array namespace"),
        ("", "neither a known name"),
        (".numpy", "neither a known name"),
        ("numpy:foo", "has no attribute 'foo'"),
        ("numpy:linalg.", "neither a known name"),
        ("no.such.library", "not installed"),
    ],
)
def test_a_backend_that_was_asked_for_and_cannot_run_has_a_status_of_its_own(
    name: str, reason: str
) -> None:
    status, text = _run("--backend", name)
    assert status == 2
    assert f"FAIL {name} cannot run: " in text
    assert reason in " ".join(text.split())


def test_a_wrong_result_is_a_failure() -> None:
    right = sigmoid.loss
    with patched() as patch:
        patch.setattr(sigmoid, "loss", lambda xp, x, terms: right(xp, x, terms) + 1e-6)
        status, text = _run("--backend", "numpy", *SHORT)
    assert status == 1
    assert "FAIL" in text


def test_a_namespace_that_raises_is_a_failure_and_no_crash() -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken exp")

    with patched() as patch:
        patch.setattr(sigmoid, "loss", broken)
        names = ("--backend", "numpy", "--backend", "array_api_compat.numpy")
        status, text = _run(*names, *SHORT)
    assert status == 1
    assert "broken exp" in text


def test_version_and_exit_status_of_the_command() -> None:
    command = [sys.executable, "-m", "xent_api"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["xent_api", __version__]
    failed = subprocess.run(
        [*command, "--backend", "no_such_library"], capture_output=True, text=True, check=False
    )
    assert failed.returncode == 2


def test_plain_tables_are_aligned() -> None:
    table = Table("Title", ("name", "ulp"), [("a", "0.5"), ("long", "10.25")], frozenset({"ulp"}))
    assert plain(table) == ("Title\nname    ulp\n----  -----\na       0.5\nlong  10.25\n\n")


def test_without_rich_the_tables_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    out = io.StringIO()
    table = Table("Title", ("name",), [("[a]",)])
    show(table, out)
    assert out.getvalue() == plain(table)
