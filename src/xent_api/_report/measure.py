"""How far the float32 results of a system are off, against the logit."""

import math
from typing import Any, NamedTuple

import numpy as np

from .. import sigmoid_xent
from ..testing import Target
from ..testing.float64 import Numbers, sigmoid_values, ulp_errors
from .peers import Call, Single

EDGE = 87
"""Logits up to here are measured: beyond it exp(-abs(x)) is subnormal in float32."""
EACH = 500
"""Points for each logit from one whole number to the next."""
CENTRES = tuple(k + 0.5 for k in range(-EDGE, EDGE))
CASES = (
    "loss, z = 0",
    "loss, z = 1",
    "loss, soft z",
    "gradient, z = 0",
    "gradient, z = 1",
    "gradient, soft z",
)
"""All in ulp but the last, which is in eps*max(sigmoid(x), z)."""
INF, NAN = math.inf, math.nan
SPECIAL = ((-20.0, 0.0), (20.0, 1.0), (INF, 1.0), (-INF, 0.0), (INF, 0.0), (NAN, 0.0))
"""Logits and labels; the NaN is masked."""


class Curve(NamedTuple):
    """Errors of one case, for each of `CENTRES`."""

    worst: tuple[float, ...]
    median: tuple[float, ...]


class Measured(NamedTuple):
    """What a system gave."""

    name: str
    version: str
    curves: dict[str, Curve]
    special: tuple[tuple[float, float], ...]
    """Loss and gradient at each of `SPECIAL`."""

    def worst(self, case: str) -> float:
        """Return the largest error of a case."""
        return max(self.curves[case].worst)


def measure(name: str, version: str, call: Call) -> Measured:
    """Return the errors of a loss and its gradient."""
    logits, soft = points()
    curves = {}
    for kind, labels in (("z = 0", soft * 0), ("z = 1", soft * 0 + 1), ("soft z", soft)):
        loss, slope = (np.asarray(v).astype(np.float64) for v in call(logits, labels, None))
        x, z = logits.astype(np.float64), labels.astype(np.float64)
        exact = sigmoid_values(x, z)
        curves[f"loss, {kind}"] = _curve(ulp_errors(loss, exact.loss, "float32"))
        if kind == "soft z":
            unit = 2.0**-23 * np.maximum(1.0 / (1.0 + np.exp(-x)), z)
            curves[f"gradient, {kind}"] = _curve(np.abs(slope - exact.gradient) / unit)
        else:
            curves[f"gradient, {kind}"] = _curve(ulp_errors(slope, exact.gradient, "float32"))
    return Measured(name, version, curves, _special(call))


def points() -> tuple[Single, Single]:
    """Return logits, in the order of `CENTRES`, and soft labels of every distance from 0 and 1."""
    random = np.random.default_rng(20261122)
    shape = (len(CENTRES), EACH)
    logits = np.asarray(CENTRES)[:, np.newaxis] + random.uniform(-0.5, 0.5, shape)
    far = 10.0 ** -random.uniform(0.0, 7.0, shape)
    labels = np.choose(random.integers(0, 3, shape), [random.uniform(size=shape), far, 1.0 - far])
    return logits.ravel().astype(np.float32), labels.ravel().astype(np.float32)


def call_target(target: Target) -> Call:
    """Return this package's loss and gradient on a target as those of a peer."""

    def call(logits: Single, labels: Single, kept: Any) -> tuple[Any, Any]:
        with target.context():
            arrays = {
                "logits": target.asarray(logits.tolist(), "float32"),
                "labels": target.asarray(labels.tolist(), "float32"),
            }
            if kept is not None:
                arrays["mask"] = target.asarray(kept.tolist(), "bool")
            loss, slope = sigmoid_xent.loss_and_gradient(**arrays)
            return target.floats(loss), target.floats(slope)

    return call


def special_values() -> tuple[tuple[float, float], ...]:
    """Return the right values at `SPECIAL`, in float64."""
    logits, labels, kept = _special_points()
    exact = sigmoid_values(logits.astype(np.float64), labels.astype(np.float64))
    right = (np.where(kept, values, 0.0).tolist() for values in exact[:2])
    return tuple(zip(*right, strict=True))


def _special(call: Call) -> tuple[tuple[float, float], ...]:
    loss, slope = (np.asarray(v).astype(np.float64).tolist() for v in call(*_special_points()))
    return tuple(zip(loss, slope, strict=True))


def _special_points() -> tuple[Single, Single, Any]:
    logits, labels = np.asarray(SPECIAL, dtype=np.float32).T.copy()
    return logits, labels, ~np.isnan(logits)


def _curve(errors: Numbers) -> Curve:
    rows = np.where(np.isnan(errors), np.inf, errors).reshape(len(CENTRES), EACH)
    worst, median = rows.max(axis=1), np.median(rows, axis=1)
    return Curve(tuple(worst.tolist()), tuple(median.tolist()))
