"""The check of a namespace tells right from wrong."""

from typing import Any

import pytest

from xent_api._formulas import sigmoid
from xent_api.testing import check_namespace


def _failed(dtype: str) -> list[str]:
    return [finding.quantity for finding in check_namespace("numpy", [dtype]) if not finding.passed]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_right_formulas_pass(dtype: str) -> None:
    findings = check_namespace("numpy", [dtype])
    assert all(finding.passed for finding in findings)
    # An error of 0 everywhere would mean that nothing was compared.
    assert all(0.0 < finding.median < finding.worst <= 4.0 for finding in findings)


def test_the_textbook_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = sigmoid.gradient

    def textbook(terms: Any) -> Any:
        # sigmoid(x) - z, whose digits are lost where the label is 1: add and take away 1.
        return (right(terms) + 1.0) - 1.0

    monkeypatch.setattr(sigmoid, "gradient", textbook)
    assert _failed("float32") == ["gradient"]


def test_log_for_log1p_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def textbook(xp: Any, x: Any, t: sigmoid.Terms) -> Any:
        softplus = xp.log(1.0 + t.decay)
        return (softplus if t.total is None else t.total * softplus) - x * t.residual

    monkeypatch.setattr(sigmoid, "loss", textbook)
    findings = check_namespace("numpy", ["float32"])
    (finding,) = [finding for finding in findings if not finding.passed]
    assert finding.quantity == "loss"
    assert "exact" in str(finding.misses[0])
