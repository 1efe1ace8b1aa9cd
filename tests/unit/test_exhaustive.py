"""The tool of the exhaustive sweeps: what it counts, and that it sees what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exhaustive import Line, Sweep, merge, resume
from exhaustive_table import _section

from xent_api._report.tables import WRONG
from xent_api.testing import find_target


def _worst(entry: dict[str, Any]) -> dict[str, float]:
    return {line.kind: line.worst for line in entry["lines"]}


def _sweep(dtype: str, change: Any = None, family: str = "sigmoid_xent") -> Sweep:
    sweep = Sweep(find_target("numpy"), dtype, family)
    if change is not None:
        right = sweep.call
        sweep.call = lambda z, x: tuple(change(x, value.copy()) for value in right(z, x))
    return sweep


@pytest.mark.parametrize("block", [0, 1016, 2047])  # subnormal, around 1, NaN
def test_a_block_of_float32(block: int) -> None:
    entry = _sweep("float32").run(block)
    assert entry["asymmetric"] == 0
    assert sum(line.points for line in entry["lines"]) == 3 * 2 * 2**21
    assert all(worst <= 4.0 for worst in _worst(entry).values())


def test_two_classes_are_held_to_the_same_values() -> None:
    family = "sparse_softmax_xent"
    entry = _sweep("float32", family=family).run(1016)
    assert entry["asymmetric"] == 0, "not compared"
    assert sum(line.points for line in entry["lines"]) == 3 * 2 * 2**21
    assert all(0.5 < worst <= 4.0 for worst in _worst(entry).values())
    narrow = _worst(_sweep("float16", family=family).run(0))
    for kind in ("loss", "gradient, hard labels", "hessian"):
        assert 0.49 < narrow[kind] <= 0.51
    wrong = _sweep("float32", lambda _, value: np.negative(value), family).run(1016)
    assert min(_worst(wrong).values()) > 1e6


def test_wrong_float32_results_are_seen() -> None:
    def flush(x: Any, value: Any) -> Any:
        value[np.abs(value) < 1e-9] = 0.0
        return value

    def one_nan(x: Any, value: Any) -> Any:
        value[x == 1.5] = np.nan
        return value

    flushed = _worst(_sweep("float32", flush).run(1055))  # from 30 to 32
    assert flushed["loss, z = 1"] > 1e6
    assert flushed["hessian, z = 0"] > 1e6
    spoilt = _sweep("float32", one_nan).run(1020)  # from 1.5 to 1.625
    assert set(_worst(spoilt).values()) == {np.inf}
    assert spoilt["asymmetric"] > 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_wrong_narrow_results_are_seen(dtype: str) -> None:
    def flush(x: Any, value: Any) -> Any:
        value[np.abs(value) < 2.0**-14] = 0.0
        return value

    def finite(x: Any, value: Any) -> Any:
        value[np.isnan(x)] = 1.0
        return value

    block = 400  # of soft labels that are no subnormal numbers
    right = _worst(_sweep(dtype).run(block))
    assert max(right["loss"], right["hessian"]) < 0.51
    assert right["gradient, soft labels (eps)"] < 4
    assert _worst(_sweep(dtype, flush).run(block))["hessian"] > 100
    assert _worst(_sweep(dtype, finite).run(block))["gradient, soft labels (eps)"] == np.inf


def test_lines_are_merged() -> None:
    lines = [Line("a", 5, 1.0, 2.0, 0.0, 3), Line("b", 1, 0.0, 0.0, 0.0, 0)]
    found = list(merge([*lines, Line("a", 2, 3.5, 7.0, 1.0, 1)]))
    assert found == [Line("a", 7, 3.5, 7.0, 1.0, 4), lines[1]]


def test_a_sweep_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state, identity = tmp_path / "folder" / "state.jsonl", {"backend": "numpy", "source": "1"}
    date, done = resume(state, identity)
    assert done == {}
    with state.open("a") as file:
        file.write('{"block": 3, "lines": []}\n{"block": 3, "lines": []}\n{"block": 4, "li')
    for _ in range(2):
        assert resume(state, identity) == (date, {3: {"block": 3, "lines": []}})
    assert resume(state, identity | {"source": "2"})[1] == {}
    assert resume(state, identity)[1] == {}


def test_points_that_are_missing_are_seen() -> None:
    sweep = _sweep("float16")
    entry = sweep.run(0)
    with pytest.raises(RuntimeError, match="points instead of 1006698496"):
        sweep.check(entry["lines"])


def test_what_is_outside_its_bar_is_marked() -> None:
    lines = [
        Line("loss", 5, 4.5, 2.0, 0.0, 3)._asdict(),
        Line("loss, subnormal exp", 5, 4.5, 2.0, 0.0, 3)._asdict(),
    ]
    names = ("backend", "version", "date", "machine", "source")
    result = dict.fromkeys(names, "") | {"dtype": "float32", "asymmetric": 0, "lines": lines}
    assert _section(result).count(WRONG) == 1
