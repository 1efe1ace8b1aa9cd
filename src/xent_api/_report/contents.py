"""What is reported: the backends, the losses at the reference values, the primitives."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .._checks.dtypes import compute_name
from ..testing import Finding, Outcome, Target, Unavailable
from ..testing.errors import hexadecimal
from ..testing.primitives import Flushed, Measurement
from .cases import DOCUMENTED, Case, reference_id
from .examined import Chosen, Examined, begin, run
from .tables import FAIL, PASS, Table

COLUMNS = {
    "sigmoid": ("sigmoid",),
    "softmax": ("softmax", "sparse_softmax"),
    "weighted": ("weighted_softmax", "weighted_sparse_softmax"),
    "special": ("special",),
}
"""Column of the summary → families."""
SHORT = {"of positive numbers": "long", "of both signs": "+ and -", "of equal numbers": "equal"}


@dataclass
class Report:
    """What was found."""

    missing: dict[str, str]
    """Backend → why it cannot run."""
    examined: list[Examined]

    @property
    def targets(self) -> list[Target]:
        """The backends that can run."""
        return [one.target for one in self.examined]

    @property
    def cases(self) -> list[Case]:
        """All cases."""
        return [case for one in self.examined for case in one.cases]

    def backends(self) -> list[str]:
        """Return a line for each backend: its version and dtypes, or why it cannot run."""
        here = [f"{one.name} {one.version}: {', '.join(one.dtypes)}" for one in self.examined]
        return here + [f"{name} cannot run: {why}" for name, why in self.missing.items()]

    def summary(self) -> Table:
        """Return the worst errors of losses and functions on each backend, in each dtype."""
        rows = []
        for one in self.examined:
            for dtype in one.dtypes:
                found = [f for f in one.findings if f.dtype == dtype]
                losses = [_ulp(_worst(found, names)) for names in COLUMNS.values()]
                rows.append((one.name, dtype, *losses, _state(one.cases, dtype)))
        columns = ("backend", "dtype", *COLUMNS, "")
        return Table("Worst error of the losses, in ulp", columns, rows, frozenset(COLUMNS))

    def primitives(self) -> Iterator[Table]:
        """Yield the errors of the functions of each backend."""
        for one in self.examined:
            if one.measured:
                yield _primitives(one)

    def notes(self) -> list[str]:
        """Return a line for each thing that is no failure of a loss, but worth knowing."""
        lines = []
        for one in self.examined:
            told = " ".join(case.text for case in one.cases if case.failed)
            lacks = [name for name in one.lacks if f"'{name}'" not in told]
            lines += [f"{one.name} lacks {', '.join(lacks)}."] if lacks else []
            lines += [f"{one.name}, {f.dtype}: {_flush(f)}." for f in one.flushed if any(f[1:])]
            lines += [
                f"{one.name}, {m.dtype}: {m.flushed} subnormal results of {m.what} are 0."
                for m in one.measured
                if m.flushed
            ]
            wrong = [(m.dtype, line) for m in one.measured for line in m.wrong]
            lines += [f"{one.name}, {dtype}: {line}." for dtype, line in wrong]
            raised: dict[str, list[str]] = {}
            for m in one.measured:
                if m.problem:
                    line = f"{m.what} raises {m.problem.splitlines()[0][:160]}"
                    raised.setdefault(line, []).append(m.dtype)
            lines += [f"{one.name}, {', '.join(d)}: {line}" for line, d in raised.items()]
        return lines

    def tables(self) -> Iterator[Table]:
        """Yield all figures: each element of the examples, each quantity of each family."""
        for one in self.examined:
            yield from (_details(one.name, outcome) for outcome in one.outcomes)
            for dtype in one.dtypes:
                yield _accuracy(one.name, dtype, [f for f in one.findings if f.dtype == dtype])

    def problems(self) -> list[str]:
        """Return a line for each thing that failed: for the same error in several cases one."""
        lines = []
        for one in self.examined:
            explained = dict(_causes(one))
            lines += list(explained.values())
            told = {name for ids in explained for name in ids}
            where: dict[str, list[Case]] = {}
            for case in one.cases:
                if case.failed and case.id not in told:
                    # The examples look at the same losses: one tells it.
                    kind = DOCUMENTED if case.short.startswith("got ") else case.short
                    where.setdefault(kind, []).append(case)
            for first, *others in where.values():
                more = f" and {len(others)} more" if others else ""
                lines.append(f"{first.id}{more}: {first.short}")
        return lines

    def verdict(self) -> str:
        """Return the last line."""
        if not self.examined:
            return "No backend can run."
        done = [case for case in self.cases if case.state != "skip"]
        passed = sum(case.state in (PASS, "xpass") for case in done)
        known = sum(case.state in ("known defect", "xfail") for case in done)
        excuse = f"; {known} miss by a known defect" if known else ""
        skipped = f"; {len(self.cases) - len(done)} skipped" if len(done) < len(self.cases) else ""
        return (
            f"{passed} of {len(done)} cases passed on {len(self.examined)} "
            f"backend(s){excuse}{skipped}."
        )


def examine(names: Sequence[str], chosen: Chosen, say: Callable[[str], object]) -> Report:
    """Check all of the backends that can run."""
    report = Report({}, [])
    for name in names:
        try:
            one = begin(name, chosen)
        except Unavailable as reason:
            report.missing[name] = str(reason)
            continue
        say(f"checking {name}\n")
        run(one, chosen, say)
        report.examined.append(one)
    return report


def _causes(one: Examined) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the ids that miss by one function, and a line about it."""
    failed = {case.id: case for case in one.cases if case.failed}
    found: dict[tuple[str, str], list[Case]] = {}
    for f in one.findings:
        case = failed.get(reference_id(one.name, f.dtype, f.family, f.quantity))
        if f.cause and case:
            found.setdefault((f.dtype, f.cause), []).append(case)
    for (dtype, cause), cases_ in found.items():
        first, more = cases_[0], len(cases_) > 1
        count = f"{len(cases_)} cases miss" if more else "1 case misses"
        off = _off(one, dtype, cause)
        line = f"{one.name}, {dtype}: {count} by `{cause}`{off}{'; among them' * more} {first.id}"
        yield tuple(case.id for case in cases_), f"{line}: {first.short}"


def _off(one: Examined, dtype: str, cause: str) -> str:
    """Return how far a function is off that is behind misses, and where."""
    here = [f.cause_at for f in one.findings if (f.dtype, f.cause) == (dtype, cause)]
    worst = max(filter(None, here), key=lambda largest: largest.error, default=None)
    if worst is not None and isinstance(worst.at, tuple):
        return f", which is {_ulp(worst.error)} ulp off at {hexadecimal(worst.at[0])}"
    own = [m for m in one.measured if (m.dtype, m.function) == (compute_name(dtype), cause)]
    m = max(own, key=lambda m: m.worst, default=None)
    return f", of which the {m.what} is {_ulp(m.worst)} ulp off" if m else ""


def _worst(findings: Sequence[Finding], families: Sequence[str]) -> float | None:
    return max((f.worst for f in findings if f.family in families and f.errors), default=None)


def _flush(one: Flushed) -> str:
    both = [name for name, is_0 in zip(("arguments", "results"), one[1:], strict=True) if is_0]
    return f"subnormal {' and '.join(both)} are 0"


def _state(found: Sequence[Case], dtype: str) -> str:
    states = {case.state for case in found if f"-{dtype}-" in case.id} - {"skip"}
    if FAIL in states:
        return FAIL
    if states & {"known defect", "xfail"}:
        return "known defect"
    return PASS if states else ""


def _primitives(one: Examined) -> Table:
    names = list(dict.fromkeys(m.what for m in one.measured))
    found = {(m.what, m.dtype): m for m in one.measured}
    rows = [(_title(n), *(_cell(found.get((n, d))) for d in one.dtypes)) for n in names]
    title = f"{one.name} {one.version}: worst (mean) error in ulp; * all numbers"
    return Table(title, ("function", *one.dtypes), rows, frozenset(one.dtypes))


def _title(what: str) -> str:
    name, _, detail = what.partition(" ")
    return (
        f"cast to {detail}" if name == "astype" else f"{name} {SHORT.get(detail, detail)}".strip()
    )


def _cell(m: Measurement | None) -> str:
    if m is None or not m.counted:
        return "raises" if m and m.problem else ""
    return f"{_ulp(m.worst)} ({_ulp(m.mean)}){'*' if m.exhaustive else ' '}"


def _details(name: str, outcome: Outcome) -> Table:
    columns = ("logit", "label", "exact", "printed there", "got here", "ulp")
    state = PASS if outcome.passed else FAIL
    title = f"{outcome.example.name} on {name}, {outcome.dtype}: {state}"
    return Table(title, columns, list(_rows(outcome)), frozenset(columns))


def _rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    example = outcome.example
    reduced = len(example.exact) < len(example.logits)
    found = zip(example.exact, outcome.got, outcome.errors, strict=True)
    for i, (exact, got, error) in enumerate(found):
        yield (
            f"{len(example.logits)} of them" if reduced else f"{example.logits[i]:g}",
            "" if reduced else f"{example.labels[i]:.7g}",
            f"{float(exact):.9g}",
            example.printed[i] if example.printed else "",
            f"{got:.9g}",
            f"{error:.2f}",
        )


def _accuracy(name: str, dtype: str, findings: Sequence[Finding]) -> Table:
    rows = [
        (
            finding.family,
            finding.quantity,
            str(finding.points),
            _ulp(finding.mean),
            _ulp(finding.worst),
            f"{finding.worst_of_bar:.2f}",
            PASS if finding.passed else "known defect" if finding.defect else FAIL,
        )
        for finding in findings
    ]
    columns = ("family", "of", "points", "mean", "worst", "of bar", "")
    return Table(f"{name}, {dtype}, in ulp", columns, rows, frozenset(columns[2:6]))


def _ulp(error: float | None) -> str:
    if error is None:
        return ""
    return f"{error:.2f}" if error < 1000 else f"{error:.1e}"
