"""What is reported as a test of its own, with the id that the pytest plugin gives it too."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..testing import Finding, Outcome
from ..testing.listed import Listed

TOLD = 10
"""How many misses of a case stand in files."""
REFERENCE, DOCUMENTED = "test_reference.py", "test_documented.py"


@dataclass(frozen=True)
class Case:
    """A test and how it went."""

    id: str
    state: str
    """"pass", "FAIL", "known defect", "xfail", "xpass" or "skip"."""
    text: str = ""
    """What was wrong, or the reason that was given."""

    short: str = ""
    """The first part of it."""

    @property
    def failed(self) -> bool:
        """Whether it makes the exit status 1."""
        return self.state == "FAIL"


def reference_id(backend: str, dtype: str, family: str, quantity: str) -> str:
    """Return the id of a comparison with the reference values."""
    return f"{REFERENCE}::test_reference[{backend}-{dtype}-{family}-{quantity}]"


def example_id(backend: str, dtype: str, example: str) -> str:
    """Return the id of a documented example."""
    return f"{DOCUMENTED}::test_example[{backend}-{dtype}-{example}]"


def cases(
    backend: str, findings: Iterable[Finding], outcomes: Iterable[Outcome], xfails: Listed
) -> Iterator[Case]:
    """Yield a case for each quantity of each dtype, and for each documented example."""
    for f in findings:
        name = reference_id(backend, f.dtype, f.family, f.quantity)
        yield _case(name, f.passed, told(f), f.defect, xfails)
    for o in outcomes:
        name = example_id(backend, o.dtype, o.example.name)
        yield _case(name, o.passed, [told_of_example(o)], "", xfails)


def _case(name: str, passed: bool, told: list[str], defect: str, xfails: Listed) -> Case:  # noqa: FBT001
    expected = xfails.reason(name)
    if expected is not None:
        return Case(name, "xpass" if passed else "xfail", expected)
    if passed:
        return Case(name, "pass")
    if defect:
        return Case(name, "known defect", defect)
    more = [f"and {len(told) - TOLD} more"] if len(told) > TOLD else []
    others = f"; and {len(told) - 1} more" if len(told) > 1 else ""
    return Case(name, "FAIL", "\n".join([*told[:TOLD], *more]), f"{told[0]}{others}")


def told_of_example(outcome: Outcome) -> str:
    """Return what was wrong: the element that is furthest off."""
    if outcome.problem:
        return outcome.problem
    i = max(range(len(outcome.errors)), key=lambda k: outcome.errors[k])
    exact, got = float(outcome.example.exact[i]), outcome.got[i]
    return f"got {got:.9g}, exact {exact:.9g}: {outcome.errors[i]:.3g} ulp"


def told(finding: Finding) -> list[str]:
    """Return what was wrong, the worst misses first."""
    if finding.problem or not finding.misses:
        return [finding.problem]
    lines = list(map(str, sorted(finding.misses, key=lambda miss: -miss.excess)))
    if finding.cause:
        lines[0] += f" (caused by `{finding.cause}`)"
    return lines
