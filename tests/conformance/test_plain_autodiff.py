"""Derivatives with the rules switched off, as in a framework that loses them (pytorch#192985)."""

import pytest
from helpers.rules import without_rules

from xent_api.testing.conformance.test_derivatives import check
from xent_api.testing.modes import MODES
from xent_api.testing.suite import Suite


@pytest.mark.autodiff
@pytest.mark.eager
@pytest.mark.dtypes("bfloat16", "float32", "float64")
@pytest.mark.only("torch", "jax")
def test_plain_autodiff(suite: Suite, dtype: str) -> None:
    library = suite.target.library
    with without_rules(library):
        check(suite, dtype, MODES[library][0], plain=True)
