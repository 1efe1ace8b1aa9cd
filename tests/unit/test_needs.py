"""What the documentation says a namespace needs is what the losses ask for."""

import re
from pathlib import Path
from typing import Any

import pytest

from xent_api import sigmoid_xent, softmax_xent, sparse_softmax_xent
from xent_api._backends.registry import find_backend
from xent_api._math.ops import Ops
from xent_api.testing.targets import USED

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "your-array-library.md"
DTYPES = {"bool", "int8", "int16", "int32", "int64", "float32", "float64"}


class Recorder:
    """A namespace that notes which of its members are asked for."""

    def __init__(self, xp: Any) -> None:
        self.xp, self.names = xp, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self.xp, name)


def test_the_functions_that_a_namespace_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    xp = pytest.importorskip("array_api_strict")
    x = xp.asarray([[0.5, -1.0, 2.0], [1.0, 0.0, -3.0]])
    z, w = xp.asarray([[1.0, 0.0, 0.0], [0.25, 0.25, 0.5]]), xp.asarray([1.0, 2.0])
    mask = xp.asarray([True, False])
    backend, recorder = find_backend(x), Recorder(xp)
    monkeypatch.setattr(backend, "xp", recorder)
    monkeypatch.setattr(backend, "ops", Ops(recorder))
    mean: dict[str, Any] = {"reduction": "mean", "label_smoothing": 0.1}
    labels = xp.asarray([0, 2])
    for family, given in (
        (sigmoid_xent, {"labels": z, "mask": mask[:, None], "weights": w[:, None]}),
        (softmax_xent, {"labels": z, "mask": mask, "weights": w}),
        (softmax_xent, {"labels": z, "axis": 0}),
        (sparse_softmax_xent, {"labels": labels, "mask": mask, "weights": w}),
        (sparse_softmax_xent, {"labels": xp.asarray([0, 2**40]), "ignore_index": 2**40}),
    ):
        for name in ("loss", "loss_and_gradient", "gradient_and_hessian"):
            getattr(family, name)(logits=x, **given, **mean)
            getattr(family, name)(logits=x, **given)
    for missing in (None, float("nan")):
        sigmoid_xent.loss(labels=z, logits=x, pos_weight=3.0, ignore_index=missing)
        sigmoid_xent.total_weight(labels=z, ignore_index=missing)
    softmax_xent.total_weight(labels=z, weights=w)
    sparse_softmax_xent.total_weight(labels=labels, ignore_index=2, weights=2.0)
    text = PAGE.read_text(encoding="utf-8").partition("## What the namespace needs")[2]
    told = set(re.findall(r"`(\w+)`", text)) - {"asarray"}
    used = {name for name in recorder.names if hasattr(xp, name)} - DTYPES - {"__name__"}
    assert told == used == set(USED)
