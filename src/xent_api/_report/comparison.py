"""Tables that set systems side by side."""

from collections.abc import Sequence

from ..testing import BAR, ulp_error
from .measure import CASES, EACH, EDGE, SPECIAL, Measured, special_values
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


def special(systems: Sequence[Measured]) -> Table:
    """Return loss and gradient at special points."""
    names = [
        f"x = {x:g}, z = {z:g}" if x == x else "x = nan, masked"  # NaN differs from itself
        for x, z in SPECIAL
    ]
    right = special_values()
    rows = [("exact", "", *(_pair(pair) for pair in right))]
    for system in systems:
        cells = (_judged(got, exact) for got, exact in zip(system.special, right, strict=True))
        rows.append((system.name, system.version, *cells))
    title = f"Special values, float32: loss, gradient; {WRONG}: wrong"
    return Table(title, ("system", "version", *names), rows)


def _error(error: float) -> str:
    shown = f"{error:.2f}" if error < 100 else f"{error:.1e}"
    return shown if error <= BAR else f"{shown} {WRONG}"


def _judged(got: tuple[float, float], exact: tuple[float, float]) -> str:
    errors = (ulp_error(g, e, "float32") for g, e in zip(got, exact, strict=True))
    return _pair(got) if max(errors) <= SPECIAL_BAR else f"{_pair(got)} {WRONG}"


def _pair(values: tuple[float, float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
