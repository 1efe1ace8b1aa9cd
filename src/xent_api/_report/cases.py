"""What is reported as a test of its own, with the id that the pytest plugin gives it too."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..testing import Finding, Outcome
from ..testing.basics import Basic
from ..testing.listed import Listed

REFERENCE, DOCUMENTED, NAMESPACE = "test_reference.py", "test_documented.py", "test_namespace.py"
OF_THE_PLUGIN = (
    "test_special_values.py",
    "test_dtypes.py",
    "test_errors.py",
    "test_derivatives.py",
)
"""The other files of tests, of which ids may stand in the same files."""


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


def basic_id(backend: str, dtype: str, function: str) -> str:
    """Return the id of what a function does."""
    return f"{NAMESPACE}::test_function[{backend}-{dtype}-{function}]"


def cases(
    backend: str,
    found: Iterable[Basic],
    findings: Iterable[Finding],
    outcomes: Iterable[Outcome],
    xfails: Listed,
) -> Iterator[Case]:
    """Yield a case for each function, each quantity of each dtype, each documented example."""
    for b in found:
        name = basic_id(backend, b.dtype, b.function)
        yield _case(name, b.passed, [f"`{b.function}`: {b.problem}"], 1, "", xfails)
    for f in findings:
        name = reference_id(backend, f.dtype, f.family, f.quantity)
        excuse = "" if f.problem else f.defect
        yield _case(name, f.passed, f.told(), len(f.misses), excuse, xfails)
    for o in outcomes:
        name = example_id(backend, o.dtype, o.example.name)
        yield _case(name, o.passed, [told_of_example(o)], 1, "", xfails)


def _case(
    name: str,
    passed: bool,  # noqa: FBT001
    told: list[str],
    misses: int,
    defect: str,
    xfails: Listed,
) -> Case:
    expected = xfails.reason(name)
    if expected is not None:
        return Case(name, "xpass" if passed else "xfail", expected)
    if passed:
        return Case(name, "pass")
    if defect:
        return Case(name, "known defect", defect)
    others = f"; and {misses - 1} more" if misses > 1 else ""
    return Case(name, "FAIL", "\n".join(told), f"{told[0]}{others}")


def told_of_example(outcome: Outcome) -> str:
    """Return what was wrong: the element that is furthest off."""
    if outcome.problem:
        return outcome.problem
    i = max(range(len(outcome.errors)), key=lambda k: outcome.errors[k])
    exact, got = float(outcome.example.exact[i]), outcome.got[i]
    return f"got {got:.9g}, exact {exact:.9g}: {outcome.errors[i]:.3g} ulp"
