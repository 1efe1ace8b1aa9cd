"""One backend, examined: its functions, the losses at the reference values, the examples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..testing import EXAMPLES, Finding, Outcome, Target, Unavailable, find_target
from ..testing import run as run_example
from ..testing.basics import DTYPES, Basic, basics
from ..testing.causes import explain
from ..testing.check import check_family
from ..testing.families import FAMILIES
from ..testing.listed import Listed
from ..testing.primitives import Flushed, Measurement, flushed, lacking, measure
from ..testing.targets import package_version
from .cases import Case, basic_id, cases, example_id, reference_id

DTYPE = "float32"
"""The dtype of the documented examples, where it is among those that are chosen."""


@dataclass(frozen=True)
class Chosen:
    """What is to be checked."""

    dtypes: Sequence[str] | None = None
    families: Sequence[str] = tuple(FAMILIES)
    xfails: Listed = field(default_factory=Listed)
    skips: Listed = field(default_factory=Listed)
    exhaustive: bool = False


@dataclass
class Examined:
    """What one backend gave."""

    target: Target
    version: str
    dtypes: tuple[str, ...]
    basics: list[Basic] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    measured: list[Measurement] = field(default_factory=list)
    flushed: list[Flushed] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the backend."""
        return self.target.name


def begin(name: str, chosen: Chosen) -> Examined:
    """Return a backend of which nothing is known yet; raise Unavailable where it cannot run."""
    target = find_target(name)
    return Examined(target, package_version(name), _dtypes(target, chosen))


def _dtypes(target: Target, chosen: Chosen) -> tuple[str, ...]:
    """Return the dtypes of a target that are chosen."""
    try:
        found = target.dtypes()
    except Exception as error:
        raise Unavailable(f"its dtypes: {type(error).__name__}: {error}") from error
    return tuple(name for name in found if chosen.dtypes is None or name in chosen.dtypes)


def run(one: Examined, chosen: Chosen, say: Callable[[str], object]) -> None:
    """Examine a backend."""
    target = one.target
    one.lacks = lacking(target)
    skipped: list[Case] = []

    def runs(name: str) -> bool:
        reason = chosen.skips.reason(name)
        skipped.extend([] if reason is None else [Case(name, "skip", reason)])
        return reason is None

    for dtype in (name for name in DTYPES if name in one.dtypes):
        one.basics += [
            b for b in basics(target, dtype) if runs(basic_id(one.name, dtype, b.function))
        ]
    for example in EXAMPLES if one.dtypes else ():
        dtype = DTYPE if DTYPE in one.dtypes else one.dtypes[0]
        if runs(example_id(one.name, dtype, example.name)):
            one.outcomes.append(run_example(example, target, dtype))
    for dtype in one.dtypes:
        for family in chosen.families:
            ids = {q: reference_id(one.name, dtype, family, q) for q in FAMILIES[family].quantities}
            wanted = [quantity for quantity, name in ids.items() if runs(name)]
            if wanted:
                with target.context():
                    found = check_family(target, dtype, FAMILIES[family])
                one.findings += [f for f in found if f.quantity in wanted]
    explain(target, one.findings)
    done = cases(one.name, one.basics, one.findings, one.outcomes, chosen.xfails)
    one.cases = [*done, *skipped]
    if not target.name.endswith(":native"):  # its functions are those of the library
        one.measured = measure(target, one.dtypes)
        one.flushed = [flushed(target, dtype) for dtype in one.dtypes]
        if chosen.exhaustive and "float32" in one.dtypes:
            _sweep(one, say)


def _sweep(one: Examined, say: Callable[[str], object]) -> None:
    """Put what all numbers of float32 give in the place of a sample."""
    from ..testing.sweep import sweep

    found = {swept.function: swept for swept in sweep(one.target, say=say)}
    for i, sample in enumerate(one.measured):
        swept = found.get(sample.function)
        if sample.dtype == "float32" and swept is not None and not swept.problem:
            swept.wrong = sample.wrong
            one.measured[i] = swept
