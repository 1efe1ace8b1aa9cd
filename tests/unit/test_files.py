"""What the command writes for other programs: JSON and JUnit."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from xent_api._report.cases import Case
from xent_api._report.junit import junit
from xent_api._report.main import main
from xent_api._report.record import inputs
from xent_api.testing import VECTORS, check_namespace

SCHEMA = Path(__file__).parents[2] / "src/xent_api/testing/data/report.schema.json"


def _written(folder: Path, *arguments: str) -> dict[str, Any]:
    path = folder / "found.json"
    main([*arguments, "--json", str(path)], io.StringIO())
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_schema_describes_the_file(tmp_path: Path) -> None:
    pytest.importorskip("array_api_strict")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    names = ("numpy", "helpers.wrong:bad_exp", "helpers.wrong:no_exp", "no_such_library")
    chosen = [word for name in names for word in ("--backend", name)]
    found = _written(tmp_path, *chosen, "--dtypes", "float32", "--families", "sigmoid,special")
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found["vectors"] == VECTORS
    assert found["cannot_run"] == {"no_such_library": "no_such_library is not installed"}
    assert [one["backend"] for one in found["libraries"]] == list(names[:3])
    assert found["libraries"][2]["lacks"] == ["exp"]
    assert {r["state"] for r in found["results"]} == {"pass", "fail", "measured"}
    for field in ("state", "worst", "dtype"):
        broken = found | {"results": [found["results"][0] | {field: None}]}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate(broken)


def test_the_worst_input_gives_the_worst_error_again(tmp_path: Path) -> None:
    import numpy as np

    found = _written(tmp_path, "--backend", "numpy", "--dtypes", "float32")
    results = [r for r in found["results"] if r["kind"] == "primitive"]
    (exp,) = [r for r in results if r["what"] == "exp"]
    x = float.fromhex(exp["worst_input"]["x"][0])
    wide = np.exp(np.float64(x))
    got = float(np.exp(np.full(64, x, np.float32))[0])
    error = abs(got - wide) / np.spacing(np.float32(wide))
    assert got == float.fromhex(exp["worst_got"])
    assert wide == pytest.approx(float.fromhex(exp["worst_exact"]), rel=1e-15)
    assert error == pytest.approx(exp["worst"], rel=1e-6)


def test_inputs_are_hexadecimal() -> None:
    (finding, *_) = check_namespace("numpy", ["float32"], families=["softmax"])
    assert finding.largest is not None
    given = inputs(finding.largest.at)
    assert set(given) == {"logits", "labels", "smoothing", "weight"}
    assert all("0x" in number for numbers in given.values() for number in numbers)
    assert inputs((1.5, -2.0)) == {"x": ["0x1.8p+0"], "x1": ["-0x1p+1"]}
    assert inputs(None) == {}


TESTS = """
import pytest

def test_pass(): pass
def test_fail(): assert False, "wrong"
@pytest.mark.skip(reason="slow")
def test_skip(): pass
@pytest.mark.xfail(reason="known")
def test_xfail(): assert False
@pytest.mark.xfail(reason="known")
def test_xpass(): pass
"""


def _shape(element: ET.Element) -> tuple[Any, ...]:
    kind = element.attrib.get("type", "")
    return (element.tag, frozenset(element.attrib), kind, tuple(map(_shape, element)))


def test_junit_files_are_like_those_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--junitxml",
        "theirs.xml",
        "-pno:cacheprovider",
    ]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    theirs = ET.parse(tmp_path / "theirs.xml").getroot()
    states = ("pass", "FAIL", "skip", "xfail", "xpass")
    texts = ("", "wrong\x00 < & \u2713\nagain", "slow", "known", "known")
    cases = [Case(f"test_x.py::test_{s.lower()}", s, t) for s, t in zip(states, texts, strict=True)]
    ours = ET.fromstring(junit(cases, [], 2.5))
    assert _shape(ours) == _shape(theirs)
    for name in ("tests", "failures", "errors", "skipped"):
        assert ours[0].attrib[name] == theirs[0].attrib[name]
    assert [c.attrib["name"] for c in ours[0]] == [c.attrib["name"] for c in theirs[0]]
    failure = ours[0][1][0]
    assert failure.attrib["message"] == "wrong? < & \u2713"
    assert sum(float(case.attrib["time"]) for case in ours[0]) == pytest.approx(2.5)
