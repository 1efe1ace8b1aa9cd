"""How far the float32 results of a system are off, against the logit."""

import math
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .. import sigmoid_xent
from ..testing import Target
from ..testing.float64 import Numbers, sigmoid_values, ulp_errors
from .labels import label_derivative
from .peers import Call, Found, Single

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


class Special(NamedTuple):
    """A point of the matrix of special values."""

    logit: float
    label: float
    kept: bool = True


SPECIAL = (
    Special(-20.0, 0.0),
    Special(20.0, 1.0),
    Special(INF, 1.0),
    Special(INF, 0.5),
    Special(INF, 0.0),
    Special(-INF, 0.0),
    Special(-INF, 0.5),
    Special(-INF, 1.0),
    Special(0.0, 0.25),
    Special(-0.0, 0.25),
    Special(NAN, 0.0),
    Special(1.0, NAN),
    Special(NAN, 0.0, kept=False),
    Special(INF, NAN, kept=False),
)


Triple: TypeAlias = tuple[float, float, float | None]
"""Loss, gradient and the derivative in the label, None where a system has none."""


class Curve(NamedTuple):
    """Errors of one case, for each of `CENTRES`."""

    worst: tuple[float, ...]
    median: tuple[float, ...]


class Measured(NamedTuple):
    """What a system gave."""

    name: str
    version: str
    curves: dict[str, Curve]
    special: tuple[Triple, ...]
    """What it gave at each of `SPECIAL`."""

    def worst(self, case: str) -> float:
        """Return the largest error of a case."""
        return max(self.curves[case].worst)


def measure(name: str, version: str, call: Call) -> Measured:
    """Return the errors of a loss and its gradient."""
    logits, soft = points()
    curves = {}
    for kind, labels in (("z = 0", soft * 0), ("z = 1", soft * 0 + 1), ("soft z", soft)):
        found = call(logits, labels, None)[:2]
        loss, slope = (np.asarray(v).astype(np.float64) for v in found)
        x, z = logits.astype(np.float64), labels.astype(np.float64)
        exact = sigmoid_values(x, z)
        curves[f"loss, {kind}"] = curve(ulp_errors(loss, exact.loss, "float32"))
        if kind == "soft z":
            unit = 2.0**-23 * np.maximum(1.0 / (1.0 + np.exp(-x)), z)
            curves[f"gradient, {kind}"] = curve(np.abs(slope - exact.gradient) / unit)
        else:
            curves[f"gradient, {kind}"] = curve(ulp_errors(slope, exact.gradient, "float32"))
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

    def call(logits: Single, labels: Single, kept: Any) -> Found:
        with target.context():
            x, z = (target.asarray(values.tolist(), "float32") for values in (logits, labels))
            mask = None if kept is None else target.asarray(kept.tolist(), "bool")
            found = sigmoid_xent.loss_and_gradient(labels=z, logits=x, mask=mask)
            loss, slope = map(target.floats, found)
            return loss, slope, label_derivative(target, partial(_loss, x, mask), z)

    return call


def _loss(logits: Any, mask: Any, labels: Any) -> Any:
    return sigmoid_xent.loss(labels=labels, logits=logits, mask=mask)


def special_values() -> tuple[Triple, ...]:
    """Return the right values at `SPECIAL`, in float64.

    At a NaN label the derivative in it may be NaN or not, as the loss is linear in it: None.
    """
    logits, labels, kept = _special_points()
    exact = sigmoid_values(logits.astype(np.float64), labels.astype(np.float64))
    values = (exact.loss, exact.gradient, -logits)
    loss, slope, in_labels = (np.where(kept, v, 0.0).tolist() for v in values)
    unsaid = (kept & np.isnan(labels)).tolist()
    last = (None if u else v for u, v in zip(unsaid, in_labels, strict=True))
    return tuple(zip(loss, slope, last, strict=True))


def _special(call: Call) -> tuple[Triple, ...]:
    loss, slope, in_labels = call(*_special_points())
    found = [np.asarray(v).astype(np.float64).tolist() for v in (loss, slope)]
    none: list[float | None] = [None] * len(SPECIAL)
    last = none if in_labels is None else np.asarray(in_labels).astype(np.float64).tolist()
    return tuple(zip(*found, last, strict=True))


def _special_points() -> tuple[Single, Single, Any]:
    logits, labels, kept = zip(*SPECIAL, strict=True)
    return np.asarray(logits, np.float32), np.asarray(labels, np.float32), np.asarray(kept)


def curve(errors: Numbers, count: int = len(CENTRES)) -> Curve:
    """Return the worst and the median of each of `count` equal parts; NaN is infinitely wrong."""
    rows = np.where(np.isnan(errors), np.inf, errors).reshape(count, -1)
    worst, median = rows.max(axis=1), np.median(rows, axis=1)
    return Curve(tuple(worst.tolist()), tuple(median.tolist()))
