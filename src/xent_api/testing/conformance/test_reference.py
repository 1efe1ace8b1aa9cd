"""Errors against the reference values."""

from collections.abc import Callable

import pytest

from xent_api.testing import Finding
from xent_api.testing.families import FAMILIES
from xent_api.testing.suite import Suite

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
    if finding.misses and finding.defect and not finding.problem:
        pytest.xfail(finding.defect)
    assert finding.passed, "\n".join(finding.told())
