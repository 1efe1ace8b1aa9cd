"""Namespaces made at run time: what is wrong with them is found, and named."""

import io
import json
from typing import Any

import pytest

pytest.importorskip("array_api_strict")

from helpers import wrong

from xent_api import sigmoid_xent
from xent_api._report.main import main
from xent_api.testing import Miss, Unavailable, check_namespace, find_target, sigmoid_vectors
from xent_api.testing.causes import explain
from xent_api.testing.primitives import lacking, measure


def _run(name: str, *more: str) -> tuple[int, str]:
    out = io.StringIO()
    status = main(["--backend", f"helpers.wrong:{name}", *more], out)
    return status, " ".join(out.getvalue().split())


def _causes(name: str, *families: str) -> dict[tuple[str, str], str]:
    target = find_target(f"helpers.wrong:{name}")
    findings = check_namespace(target, families=families or ("sigmoid",))
    explain(target, findings)
    return {(f.dtype, f"{f.family} {f.quantity}"): f.cause for f in findings if not f.passed}


@pytest.mark.parametrize(
    "name", ["right", "nameless", "no_info", "no_expm1", "no_take", "bad_expm1"]
)
def test_what_the_losses_do_not_need_may_be_wrong_or_missing(name: str) -> None:
    assert _causes(name) == {}


def test_a_namespace_made_at_run_time_passes_where_it_is_right() -> None:
    status, text = _run("right")
    assert status == 0
    assert "111 of 111 cases passed" in text
    assert "lacks" not in text


@pytest.mark.parametrize("name", ["exp", "log1p"])
def test_a_function_that_is_30_ulp_off_is_the_cause(name: str) -> None:
    found = _causes(f"bad_{name}")
    assert {("float32", "sigmoid loss"), ("float64", "sigmoid loss")} <= found.keys()
    assert set(found.values()) == {name}
    (measured,) = [
        m
        for m in measure(find_target(f"helpers.wrong:bad_{name}"), ["float32"])
        if m.function == name
    ]
    assert 29.0 < measured.worst < 64.0  # 30 eps are up to 60 ulp
    status, text = _run(f"bad_{name}", "--dtypes", "float32", "--families", "sigmoid")
    assert status == 1
    assert f"cases miss by `{name}`, which is " in text
    assert " ulp off at " in text


def test_a_sum_of_one_after_the_other_is_the_cause() -> None:
    # Rows of classes are added up in two parts; float32 in float64.
    found = _causes("naive", "sigmoid", "special")
    assert found == {("float64", "sigmoid mean"): "sum"}
    status, text = _run("naive", "--families", "sigmoid")
    assert status == 1
    assert "1 case misses by `sum`, of which the sum of equal numbers is 6.9e+03 ulp off" in text


def test_a_function_that_is_missing_is_named_once() -> None:
    status, text = _run("no_exp", "--families", "sigmoid")
    assert status == 1
    assert text.count("'exp'") == 1
    assert "lacks" not in text
    status, text = _run("no_expm1", "--families", "sigmoid")
    assert status == 0
    assert text.count("expm1") == 1 + text.count("no_expm1")
    assert "helpers.wrong:no_expm1 lacks expm1, logaddexp." in text
    assert lacking(find_target("helpers.wrong:no_take")) == ["take_along_axis"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nameless_no_info", "__array_namespace_info__"),
        ("nothing", "asarray"),
        ("absent", "absent"),
    ],
)
def test_what_is_no_namespace_is_refused(name: str, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        find_target(f"helpers.wrong:{name}")
    status, text = _run(name)
    assert status == 2
    assert "cannot run" in text


def test_carried_arrays_are_arrays_of_their_namespace() -> None:
    target = find_target("helpers.wrong:right")
    x = target.asarray([[1.0, -2.0], [0.5, 4.0]], "float32")
    assert x.__array_namespace__() is target.xp
    assert (x.ndim, x.shape, x.dtype) == (2, (2, 2), wrong.right.float32)
    assert target.floats(2.0 * x[0, :] - -x[1, :] / 2.0) == [2.25, -2.0]
    assert target.floats((x > 0.0) & (x < 4.0)) == [1.0, 0.0, 1.0, 0.0]
    assert target.floats(x.T) == [1.0, 0.5, -2.0, 4.0]
    assert float(x[1, 1]) == 4.0
    assert bool(x[0, 0] == 1.0)
    many = target.xp.broadcast_arrays(x, x[0, :])
    assert [target.floats(array) for array in many] == [[1.0, -2.0, 0.5, 4.0], [1.0, -2.0] * 2]
    other = find_target("helpers.wrong:bad_exp").asarray([1.0], "float32")
    with pytest.raises(TypeError, match="same array namespace"):
        sigmoid_xent.loss(labels=other, logits=x[0, :1])


def test_json_says_which_function_it_is(tmp_path: Any) -> None:
    path = tmp_path / "found.json"
    assert _run("bad_exp", "--dtypes", "float32", "--json", str(path))[0] == 1
    results = json.loads(path.read_text())["results"]
    wrong_ones = [r for r in results if r["state"] == "fail" and r["kind"] == "loss"]
    assert {r["cause"] for r in wrong_ones} == {"exp"}
    (exp,) = [r for r in results if r["what"] == "exp" and r["kind"] == "primitive"]
    assert exp["wrong"] == [
        "exp(0.0) is 1.0000035762786865 and not 1.0",
        "exp(-0.0) is 1.0000035762786865 and not 1.0",
    ]


@pytest.mark.parametrize(
    "name", ["where", "clip", "full_like", "sum", "astype", "squeeze", "moveaxis", "max", "exp"]
)
def test_a_function_that_does_something_else_is_named(name: str) -> None:
    status, text = _run(f"other_{name}", "--families", "special", "--dtypes", "float32")
    assert status == 1
    assert (
        f"FAIL test_namespace.py::test_function[helpers.wrong:other_{name}-float32-{name}]" in text
    )


def test_a_miss_of_something_else_has_no_cause() -> None:
    # The kernels of NumPy are not in the plain formula, and no function of the namespace is wrong.
    target = find_target("numpy")
    findings = check_namespace(target, ["float32"], families=["sigmoid"])
    (loss, *_) = findings
    (vector, *_) = [v for v in sigmoid_vectors("float32") if v.logit == 1.0]
    loss.misses.append(Miss(vector, "loss", vector.loss, 2.0, 9.9, 2.5))
    explain(target, findings)
    assert loss.cause == ""


def test_what_cannot_be_asked_or_was_not_run_is_no_pass(tmp_path: Any) -> None:
    for name in ("exiting", "no_dtypes"):
        status, text = _run(name)
        assert (status, "passed" in text and "cannot" not in text) == (2, name == "no_dtypes"), text
    skips = tmp_path / "skips"
    skips.write_text("test_*\n")
    status, text = _run("right", "--skips-file", str(skips))
    assert status == 2
    assert " pass " not in text
    status, text = _run("huge", "--dtypes", "float64", "--families", "special")
    assert status == 1
    assert "exact -inf" in text
