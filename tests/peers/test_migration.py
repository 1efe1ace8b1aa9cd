"""Every row of the tables in docs/migration.md: both sides run, and give the same."""

import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xent_api as xa

os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported
PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
CALL = re.compile(r"^\| `([^`]*)`.* \| `([^`]*)` \|$", re.MULTILINE)
"""A row: code, perhaps with words behind it, and code."""
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
ROWS = [
    (title, there, here)
    for title, text in SECTIONS.items()
    if "| there | here |" in text
    for there, here in CALL.findall(text)
]


def _arrays() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    z = rng.random((6, 4)).astype(np.float32)
    return {
        "x": rng.normal(size=(6, 4)).astype(np.float32),
        "z": z,
        "p": z / z.sum(axis=1, keepdims=True),
        "w": rng.integers(0, 3, size=(6, 4)).astype(np.float32),
        "r": rng.random(6).astype(np.float32),
        "y": np.asarray([0, 3, 1, 2, 2, 0]),
        "i": np.asarray([0, 3, 1, -100, 2, -100]),
        "q": np.asarray([1.0, 2.0, 0.5, 3.0], np.float32),
        "c": np.asarray([1.0, 2.0, 0.5, 3.0], np.float32),
    }


def _torch() -> tuple[dict[str, Any], dict[str, Any]]:
    torch = import_module("torch")
    given = {name: torch.from_numpy(value) for name, value in _arrays().items()}
    given["images"] = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    given["pixels"] = torch.arange(40).reshape(2, 4, 5) % 3
    given["masks"] = torch.where(given["pixels"] == 2, 255, given["pixels"]).to(torch.uint8)
    given |= {"torch": torch, "F": torch.nn.functional}
    return given, given


def _tensorflow() -> tuple[dict[str, Any], dict[str, Any]]:
    given = _arrays() | {"tf": pytest.importorskip("tensorflow")}
    return given, given


def _keras() -> tuple[dict[str, Any], dict[str, Any]]:
    given = _arrays() | {"keras": import_module("keras")}
    return given, given


def _optax() -> tuple[dict[str, Any], dict[str, Any]]:
    jnp = import_module("jax.numpy")
    given = {name: jnp.asarray(value) for name, value in _arrays().items()}
    given["some"] = jnp.asarray([[True, True, False, True]] * 6)
    given |= {"optax": import_module("optax"), "jnp": jnp}
    return given, given


def _scikit_learn() -> tuple[dict[str, Any], dict[str, Any]]:
    arrays, losses = _arrays(), import_module("sklearn._loss.loss")
    given = {name: arrays[name][:, 0].copy() for name in ("x", "z", "w")}
    given |= {"y": arrays["y"], "rows": arrays["x"], "t": np.asarray([0, 1, 1, 0, 1, 0])}
    given |= {name: getattr(losses, name) for name in ("HalfBinomialLoss", "HalfMultinomialLoss")}
    given |= {"log_loss": import_module("sklearn.metrics").log_loss, "np": np}
    given["sigmoid"] = lambda x: 1 / (1 + np.exp(-x.astype(np.float64)))
    return given, given


def _scipy() -> tuple[dict[str, Any], dict[str, Any]]:
    given = _arrays() | {"special": import_module("scipy.special")}
    return given, given


def _paddle() -> tuple[dict[str, Any], dict[str, Any]]:
    paddle = pytest.importorskip("paddle")
    there = {name: paddle.to_tensor(value) for name, value in _arrays().items()}
    return there | {"F": paddle.nn.functional}, _arrays()


LIBRARIES: dict[str, tuple[str, Callable[[], tuple[dict[str, Any], dict[str, Any]]]]] = {
    "PyTorch": ("torch", _torch),
    "TensorFlow": ("tensorflow", _tensorflow),
    "Keras": ("keras", _keras),
    "optax": ("optax", _optax),
    "scikit-learn": ("sklearn", _scikit_learn),
    "SciPy": ("scipy", _scipy),
    "Paddle": ("paddle", _paddle),
}
"""Section → the module, and the letters of both sides."""


def test_every_line_of_the_tables_is_a_row_that_runs() -> None:
    assert {title for title, _, _ in ROWS} == set(LIBRARIES)
    lines = [line for title in LIBRARIES for line in SECTIONS[title].splitlines()]
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(ROWS)


def _numbers(value: Any) -> list[Any]:
    several = value if isinstance(value, tuple) else (value,)
    return [np.asarray(v) for v in several]


@pytest.mark.parametrize(("title", "there", "here"), ROWS)
def test_a_row(title: str, there: str, here: str) -> None:
    module, letters = LIBRARIES[title]
    pytest.importorskip(module, reason=f"{module} is not installed here")
    theirs, ours = letters()
    wanted = _numbers(eval(there, theirs | {"a": 0.1}))
    found = _numbers(eval(here, ours | {"a": 0.1, "xa": xa}))
    for got, value in zip(found, wanted, strict=True):
        assert got.shape == value.shape
        np.testing.assert_allclose(got, value, rtol=2e-6, atol=2e-7)
