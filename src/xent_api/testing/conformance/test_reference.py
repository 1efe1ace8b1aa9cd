"""Errors against the reference values."""

from collections.abc import Callable

import pytest

from xent_api.testing import Finding
from xent_api.testing.families import FAMILIES
from xent_api.testing.suite import Suite

SHOWN = 5
CASES = [
    pytest.param(family.name, quantity, id=f"{family.name}-{quantity}")
    for family in FAMILIES.values()
    for quantity in family.quantities
]


@pytest.mark.everywhere
@pytest.mark.parametrize(("family", "quantity"), CASES)
def test_reference(
    suite: Suite,
    dtype: str,
    family: str,
    quantity: str,
    findings: Callable[[Suite, str, str], dict[str, Finding]],
) -> None:
    """Every reference value is within its bar."""
    finding = findings(suite, dtype, family)[quantity]
    if finding.defect and not finding.passed:
        pytest.xfail(finding.defect)
    assert finding.problem == ""
    cause = f" (caused by `{finding.cause}`)" if finding.cause else ""
    worst = sorted(finding.misses, key=lambda miss: -miss.excess)[:SHOWN]
    assert not worst, "\n".join([f"{len(finding.misses)} misses{cause}", *map(str, worst)])
    assert finding.points > 0
