"""Tables that set systems side by side."""

import math
from collections.abc import Sequence

from ..testing import BAR, ulp_error
from . import softmax
from .measure import (
    CASES,
    EACH,
    EDGE,
    SPECIAL,
    Measured,
    Special,
    Triple,
    special_values,
)
from .tables import WRONG, Table

SPECIAL_BAR = 16.0
"""An error in ulp above which a special value counts as wrong: far more than any rounding."""


def comparison(systems: Sequence[Measured]) -> Table:
    """Return the worst errors of each system."""
    rows = [
        (system.name, system.version, *(_error(system.worst(case)) for case in CASES))
        for system in systems
    ]
    count = 2 * EDGE * EACH
    title = (
        f"Worst error of loss and gradient, float32, in a sample of {count} logits from -{EDGE} "
        f"to {EDGE}, in ulp (the gradient at soft labels in eps*max(sigmoid(x), z)); "
        f"{WRONG}: more than {BAR:g}"
    )
    return Table(title, ("system", "version", *CASES), rows, frozenset(CASES))


def softmax_comparison(systems: Sequence[Measured]) -> Table:
    """Return the worst errors of the softmax loss of each system."""
    rows = [
        (system.name, system.version, *(_error(system.worst(case)) for case in softmax.CASES))
        for system in systems
    ]
    first, last = softmax.MARGINS[0] - 0.5, softmax.MARGINS[-1] + 0.5
    title = (
        f"Worst error of softmax losses with class indices, float32, {softmax.CLASSES} classes, in "
        f"a sample of {len(softmax.MARGINS) * softmax.EACH} rows with a logit from {first:g} to "
        f"{last:g} at the label and the others around 0, in ulp; {WRONG}: more than {BAR:g}"
    )
    return Table(title, ("system", "version", *softmax.CASES), rows, frozenset(softmax.CASES))


def special(systems: Sequence[Measured]) -> Table:
    """Return what each system gives at special points."""
    right = special_values()
    columns = (
        "x",
        "z",
        "",
        "exact",
        *(f"{s.name} {s.version}".removesuffix(" ?") for s in systems),
    )
    given = zip(*(system.special for system in systems), strict=True)
    rows = [
        (
            f"{point.logit:g}",
            f"{point.label:g}",
            "" if point.kept else "masked",
            _shown(exact),
            *(_judged(point, got, exact) for got in found),
        )
        for point, exact, found in zip(SPECIAL, right, given, strict=True)
    ]
    title = (
        "Special values, float32: loss, gradient, derivative in the label (- where a system has "
        f"none; at infinite logits any number is right); {WRONG}: wrong"
    )
    return Table(title, columns, rows)


def _error(error: float) -> str:
    shown = f"{error:.2f}" if error < 100 else f"{error:.1e}"
    return shown if error <= BAR else f"{shown} {WRONG}"


def _judged(point: Special, got: Triple, exact: Triple) -> str:
    errors = []
    for i, (value, right) in enumerate(zip(got, exact, strict=True)):
        if value is None or right is None:
            continue
        if i == 2 and point.kept and math.isinf(point.logit):
            errors.append(math.inf if math.isnan(value) else 0.0)
        else:
            errors.append(ulp_error(value, right, "float32"))
    return _shown(got) if max(errors) <= SPECIAL_BAR else f"{_shown(got)} {WRONG}"


def _shown(values: Triple) -> str:
    # A zero has no sign in this table: that of a loss or a slope of 0 means nothing.
    return ", ".join("-" if value is None else f"{value + 0.0:.4g}" for value in values)
