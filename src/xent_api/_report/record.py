"""The report as data: the JSON file, whose schema is ``testing/data/report.schema.json``."""

import datetime as dt
import json
import math
from collections.abc import Iterator
from typing import Any

from .._version import __version__
from ..testing import VECTORS, Outcome
from ..testing.errors import Errors, hexadecimal
from ..testing.families import Mean
from ..testing.machine import describe
from .cases import Case, basic_id, example_id, reference_id
from .contents import Report
from .examined import Examined

SCHEMA = 1
"""The version of the format: another one where a reader would misunderstand the file."""
INPUTS = (
    *("logit", "label", "logits", "labels", "smoothing", "pos_weight", "weight"),
    *("class_weights", "vector", "x"),
)
"""The fields of reference vectors that are arguments."""
Record = dict[str, Any]


def record(report: Report) -> Record:
    """Return all that was found."""
    libraries = [_library(one) for one in report.examined]
    pairs = zip(report.examined, libraries, strict=True)
    return {
        "schema": SCHEMA,
        "xent_api": __version__,
        "vectors": VECTORS,
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "platform": describe(),
        "libraries": libraries,
        "cannot_run": report.missing,
        "results": [line for one, head in pairs for line in _results(one, head)],
    }


def written(found: Record) -> str:
    """Return a record as JSON, with one result in a line."""
    lines = (json.dumps(line, allow_nan=False) for line in found["results"])
    parts = [f'"{key}": {json.dumps(found[key])}' for key in found if key != "results"]
    results = ",\n".join(lines)
    parts.append(f'"results": [\n{results}\n]')
    body = ",\n".join(parts)
    return f"{{\n{body}\n}}\n"


def _library(one: Examined) -> Record:
    return {
        "backend": one.name,
        "library": one.target.library,
        "version": one.version,
        "device": _device(one),
        "dtypes": list(one.dtypes),
        "lacks": one.lacks,
        "flushes_to_zero": {
            f.dtype: {"arguments": f.arguments, "results": f.results} for f in one.flushed
        },
    }


def _device(one: Examined) -> str:
    """Return where arrays are, as the library says it."""
    try:
        with one.target.context():
            return str(one.target.asarray([0.0], one.dtypes[0]).device)
    except Exception:  # noqa: BLE001 - not every library tells, and one under test may raise anything
        return "?"


def _results(one: Examined, head: Record) -> Iterator[Record]:
    cases = {case.id: case for case in one.cases}
    common = {name: head[name] for name in ("backend", "library", "version", "device")}
    for f in one.findings:
        case = cases[reference_id(one.name, f.dtype, f.family, f.quantity)]
        figures = _figures(f, f.points) | {"worst_of_bar": _number(f.worst_of_bar)}
        yield common | _line("loss", f"{f.family} {f.quantity}", f.dtype, figures, case, f.cause)
    for b in one.basics:
        case = cases[basic_id(one.name, b.dtype, b.function)]
        yield common | _line("function", b.function, b.dtype, _figures(Errors(b.dtype), 0), case)
    for o in one.outcomes:
        case = cases[example_id(one.name, o.dtype, o.example.name)]
        yield common | _line("example", o.example.name, o.dtype, _of_example(o), case)
    for m in one.measured:
        state = Case("", "error" if m.problem else "measured", m.problem)
        line = _line("primitive", m.what, m.dtype, _figures(m, m.counted), state)
        more = {"exhaustive": m.exhaustive, "flushed": m.flushed, "wrong": m.wrong}
        yield common | line | more


def _line(kind: str, what: str, dtype: str, figures: Record, case: Case, cause: str = "") -> Record:
    return {
        "kind": kind,
        "what": what,
        "dtype": dtype,
        "exhaustive": False,
        **figures,
        "state": case.state.lower(),
        "id": case.id,
        "text": case.text,
        "cause": cause,
    }


def _figures(errors: Errors, points: int) -> Record:
    return {
        "points": points,
        "counted": errors.counted,
        "infinite": errors.infinite,
        "worst": _number(errors.worst),
        "mean": _number(errors.mean),
        "p99": _number(errors.p99),
        "worst_input": inputs(errors.largest.at if errors.largest else None),
        "worst_got": hexadecimal(errors.largest.got if errors.largest else math.nan),
        "worst_exact": hexadecimal(errors.largest.nearest if errors.largest else math.nan),
    }


def _of_example(outcome: Outcome) -> Record:
    errors = Errors(outcome.dtype)
    for i, error in enumerate(outcome.errors):
        whole = len(outcome.errors) == len(outcome.example.logits)
        at = (outcome.example.logits[i],) if whole else None
        errors.add(error, at, outcome.got[i], outcome.example.exact[i])
    return _figures(errors, len(outcome.errors))


def inputs(at: object) -> dict[str, list[str]]:
    """Return the arguments of a reference vector, or of a function, as hexadecimal numbers."""
    if at is None:
        return {}
    if hasattr(at, "_fields"):
        given = {name: getattr(at, name) for name in INPUTS if name in at._fields}
    else:
        assert isinstance(at, tuple)
        given = {f"x{i}" if i else "x": value for i, value in enumerate(at)}
    if isinstance(at, Mean):  # the first of thousands
        given = {"logits": at.logits[:1], "labels": at.labels[:1]}
    return {
        name: [hexadecimal(v) for v in (value if isinstance(value, tuple) else (value,))]
        for name, value in given.items()
    }


def _number(value: float) -> float | str:
    """Return a number, or "inf", for which JSON has none."""
    return value if math.isfinite(value) else "inf"
