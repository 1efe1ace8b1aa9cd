"""Files of ids: what they match, and what they do in both runners."""

import io
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from xent_api._report.main import main
from xent_api.testing.listed import Listed

LOSS = "test_reference.py::test_reference[numpy-float32-sigmoid-loss]"
ALL = "test_reference.py::test_reference[numpy-float32-sigmoid-*]"


def test_ids_are_patterns_in_which_brackets_are_themselves() -> None:
    listed = Listed(f"# all\n\nsome/where/{LOSS}  # slow\ntest_*.py::*[x]\nnever\n")
    assert listed.reason(f"other/{LOSS}") == "slow"
    assert listed.reason("test_a.py::test_b[x]") == "no reason is given"
    assert listed.reason("test_a.py::test_bx") is None
    assert listed.reason(LOSS.replace("loss", "los")) is None
    assert listed.unused() == ["never"]


def _run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    chosen = ("--backend", "numpy", "--dtypes", "float32", "--families", "sigmoid")
    return main([*chosen, *arguments], out), " ".join(out.getvalue().split())


def test_the_command_knows_failures_and_skips(tmp_path: Path) -> None:
    xfails, skips, xml = (tmp_path / name for name in ("xfails", "skips", "out.xml"))
    xfails.write_text(f"{LOSS} # issue 1\ntest_reference.py::nothing\ntest_errors.py::*[numpy-*]\n")
    skips.write_text(f"{LOSS.replace('loss', 'mean')} # too long\n")
    files = ("--xfails-file", str(xfails), "--skips-file", str(skips), "--junitxml", str(xml))
    status, text = _run(*files)
    assert status == 0
    assert f"{LOSS} passes, and is listed as a failure: issue 1" in text
    assert f"{xfails}: no case of this run is test_reference.py::nothing" in text
    assert "test_errors" not in text
    assert "1 skipped" in text
    root = ET.parse(xml).getroot()
    suite = root[0]
    assert suite.attrib["tests"] == str(len(suite)) == "42"
    assert (suite.attrib["failures"], suite.attrib["skipped"]) == ("0", "1")


@pytest.mark.parametrize("option", ["--xfails-file", "--skips-file"])
def test_a_file_that_is_not_there_is_a_usage_error(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        _run(option, str(tmp_path / "absent"))
    assert caught.value.code == 2
    assert option in capsys.readouterr().err


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "check-in-ci.md"


def _project() -> str:
    """Return the module of the documentation, whose `exp` is off."""
    (block,) = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(block)


CHOSEN = "test_reference and (float32-sigmoid or float32-special)"


def _pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ppytest_xent_api"]
    chosen = ("--pyargs", "xent_api.testing", "--xent-dtypes", "float32", "-k", CHOSEN)
    return subprocess.run(
        [*command, *chosen, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_both_runners_have_the_same_ids(tmp_path: Path) -> None:
    """In an empty project, with a namespace of its own of which `exp` is 30 eps off."""
    pytest.importorskip("array_api_strict")
    (tmp_path / "mine.py").write_text(_project())
    chosen = ("--backend", "mine:xp", "--dtypes", "float32", "--families", "sigmoid,special")
    command = [sys.executable, "-m", "xent_api", *chosen, "--junitxml", "cases.xml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "cases miss by `exp`, which is " in done.stdout
    cases = [
        case
        for case in ET.parse(tmp_path / "cases.xml").iter("testcase")
        if case.attrib["name"].startswith("test_reference")
    ]
    failed = [case.attrib["name"] for case in cases if case.find("failure") is not None]
    assert 5 < len(failed) < len(cases)
    run = _pytest(tmp_path, "--xent-backend", "mine:xp", "--junitxml", "tests.xml", "-q")
    assert run.returncode == 1, run.stdout
    assert "caused by `exp`" in run.stdout
    tests = list(ET.parse(tmp_path / "tests.xml").iter("testcase"))
    assert {c.attrib["name"] for c in tests} == {c.attrib["name"] for c in cases}
    assert [c.attrib["name"] for c in tests if c.find("failure") is not None] == failed
    known = "".join(f"test_reference.py::{name}  # exp\n" for name in failed)
    (tmp_path / "known").write_text(f"{known}test_reference.py::test_gone\n")
    again = _pytest(tmp_path, "--xent-backend", "mine:xp", "--xent-xfails-file", "known", "-q")
    assert again.returncode == 0, again.stdout
    assert f"{len(failed)} xfailed" in again.stdout
    assert "--xent-xfails-file: no test of this run is test_reference.py::test_gone" in again.stdout


def test_the_suite_says_what_it_needs(tmp_path: Path) -> None:
    without = _pytest(tmp_path, "-q")
    assert without.returncode == 2
    assert "these tests need the option --xent-backend NAME" in without.stdout
    for wrong in (("--xent-backend", "cupy9"), ("--xent-backend", "numpy", "--xent-dtypes", "x")):
        run = _pytest(tmp_path, *wrong)
        assert run.returncode == 4
        assert "--xent-" in run.stderr
