"""What the functions of the namespace do, on a few numbers."""

import pytest

from xent_api.testing.basics import CALLS, DTYPES, basics
from xent_api.testing.suite import Suite


@pytest.mark.everywhere
@pytest.mark.eager
@pytest.mark.dtypes(*DTYPES)
@pytest.mark.parametrize("name", CALLS)
def test_function(suite: Suite, dtype: str, name: str) -> None:
    found = list(basics(suite.target, dtype, [name]))
    if not found:
        pytest.skip(f"{suite} lacks {name}")
    assert found[0].problem == ""
