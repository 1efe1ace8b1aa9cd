"""The check of a namespace tells right from wrong."""

from typing import Any

import numpy as np
import pytest
from helpers.caches import patched

from xent_api._backends.numpy.kernels import KERNELS
from xent_api._math import sigmoid
from xent_api.testing import Finding, Unavailable, check_namespace
from xent_api.testing.families import FAMILIES


def _failed(dtype: str) -> list[str]:
    found = check_namespace("numpy", [dtype], families=["sigmoid"])
    return [finding.quantity for finding in found if not finding.passed]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_right_formulas_pass(dtype: str) -> None:
    findings = check_namespace("numpy", [dtype])
    assert all(finding.passed for finding in findings)
    assert list(dict.fromkeys(finding.family for finding in findings)) == list(FAMILIES)
    for finding in findings:  # an error of 0 everywhere would mean that nothing was compared
        if finding.quantity != "product" or dtype == "float16":  # of which the bar is not in ulp
            assert 0.0 < finding.mean < finding.worst <= 4.0
            assert finding.mean < finding.p99 <= finding.worst
        assert 0.0 < finding.worst_of_bar <= 1.0


def test_the_textbook_gradient_is_found() -> None:
    right = sigmoid.gradient

    def textbook(ops: Any, terms: Any) -> Any:
        # sigmoid(x) - z, whose digits are lost where the label is 1: add and take away 1.
        return (right(ops, terms) + 1.0) - 1.0

    with patched() as patch:
        patch.setattr(sigmoid, "gradient", textbook)
        assert _failed("float32") == ["gradient"]


def test_log_for_log1p_is_found() -> None:
    def textbook(xp: Any, x: Any, t: sigmoid.Terms) -> Any:
        softplus = xp.log1p((1.0 + t.decay) - 1.0)
        return (softplus if t.coefficients is None else t.coefficients * softplus) - x * t.residual

    with patched() as patch:
        patch.setattr(sigmoid, "loss", textbook)
        findings = check_namespace("numpy", ["float32"])
    finding, *others = [finding for finding in findings if not finding.passed]
    assert (finding.family, finding.quantity) == ("sigmoid", "loss")
    assert {f.quantity for f in others} <= {"mean", "softplus", "log_sigmoid"}
    assert "exact" in str(finding.misses[0])


def test_a_bad_function_that_is_called_is_found() -> None:
    def log1p(value: Any, *, out: Any) -> Any:
        return np.multiply(np.log1p(value), 1 + 2.0**-20, out=out)

    with patched() as patch:
        patch.setitem(KERNELS.kernels, "log1p", log1p)
        findings = check_namespace("numpy", ["float32"])
    wrong = {finding.quantity for finding in findings if not finding.passed}
    assert wrong == {"loss", "mean", "log_sigmoid", "softplus", "log_softmax", "logsumexp"}
    assert all(miss.excess > 1.0 for miss in findings[0].misses)


def test_nothing_checked_is_no_pass() -> None:
    assert not Finding("float32", "loss").passed
    with pytest.raises(TypeError, match="the single name 'float32'"):
        check_namespace("numpy", "float32")
    with pytest.raises(ValueError, match="got float31"):
        check_namespace("numpy", ["float32", "float31"])
    with pytest.raises(ValueError, match="got softmix"):
        check_namespace("numpy", families=["softmix"])
    with pytest.raises(Unavailable, match="has no attribute 'asarray'"):
        check_namespace(pytest)


def test_a_namespace_is_a_target() -> None:
    findings = check_namespace(np, ["float32"], families=["sigmoid"])
    assert all(finding.passed for finding in findings)
