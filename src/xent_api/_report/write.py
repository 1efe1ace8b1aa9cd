"""The report as files: a page, and the pictures that are also in it."""

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from ..testing import Target
from ..testing.machine import describe_machine
from ..testing.targets import package_version
from .comparison import comparison, special
from .contents import Report
from .measure import Measured, call_target, measure
from .page import Part, page
from .peers import Call, installed_peers
from .pictures import draw_backends, draw_peers

SLOW = frozenset({"mparray"})
"""Multi-precision backends: so many points would take minutes, and show nothing."""

Outcome: TypeAlias = tuple[list[Measured], list[str]]
"""What was measured, and a line for each system that could not be."""


def write_report(folder: Path, title: str, report: Report, problems: Sequence[str]) -> Path:
    """Measure the backends and the peers that are here, write the files; return the page."""
    backends, unmeasured = measure_backends(report.targets)
    peers, uncalled = measure_peers()
    pictures = []
    if backends:
        pictures = [draw_backends(backends), draw_peers(backends[0], peers)]
    parts: list[Part] = [
        f"{dt.datetime.now(dt.UTC).date()}; {describe_machine()}.",
        *problems,
        *unmeasured,
        *uncalled,
        report.verdict(),
        *pictures,
        comparison([*backends, *peers]),
        special([*backends, *peers]),
        *report.tables(list(report.outcomes)),
    ]
    for name, picture in zip(("backends.png", "peers.png"), pictures, strict=False):
        (folder / name).write_bytes(picture)
    index = folder / "index.html"
    index.write_text(page(title, parts), encoding="utf-8")
    return index


def measure_backends(targets: Sequence[Target]) -> Outcome:
    """Measure this package on each target that has float32."""
    return _measured(
        (target.name, package_version(target.name), call_target(target))
        for target in targets
        if target.name not in SLOW and "float32" in target.dtypes()
    )


def measure_peers() -> Outcome:
    """Measure each peer that is installed."""
    return _measured((peer.name, peer.version, peer.call) for peer in installed_peers())


def _measured(systems: Iterable[tuple[str, str, Call]]) -> Outcome:
    found, problems = [], []
    for name, version, call in systems:
        try:
            found.append(measure(name, version, call))
        except Exception as error:  # noqa: BLE001 - what is installed may still raise anything
            problems.append(f"{name} cannot be measured: {type(error).__name__}: {error}")
    return found, problems
