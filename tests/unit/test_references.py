"""The reference values: made again, and compared with another oracle."""

from fractions import Fraction
from importlib import import_module
from pathlib import Path

import pytest
from helpers.oracle import sigmoid_xent as exact_values

from xent_api.testing import sigmoid_vectors
from xent_api.testing.vectors import exact_number

ROOT = Path(__file__).parents[2]
DTYPES = ("float16", "bfloat16", "float32", "float64")


def test_the_file_is_what_its_recipe_makes() -> None:
    pytest.importorskip("flint")
    import make_references as recipe

    data = ROOT / "src" / "xent_api" / "testing" / "data" / "sigmoid.csv"
    assert recipe.table() == data.read_text()


@pytest.mark.parametrize("name", ["weighted", "special"])
def test_the_other_files_are_what_their_recipes_make(name: str) -> None:
    pytest.importorskip("flint")
    recipe = import_module(f"make_{name}_references")
    data = ROOT / "src" / "xent_api" / "testing" / "data" / f"{name}.csv"
    assert recipe.table() == data.read_text()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_agrees_with_mpmath(dtype: str) -> None:
    finite = [v for v in sigmoid_vectors(dtype) if isinstance(v.loss, Fraction) and v.loss]
    sample = finite[::7]
    assert len(sample) > 30
    for vector in sample:
        _, _, x, z, a, q, w = vector[:7]
        if abs(x) == float("inf"):
            continue
        exact = exact_values(x, z, smoothing=a, pos_weight=q, weight=w)
        for got, wanted in zip(vector[7:], exact, strict=True):
            assert isinstance(got, Fraction)
            assert abs(got - wanted) <= abs(wanted) / 2**94, vector


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_strata_are_there(dtype: str) -> None:
    strata = {vector.stratum for vector in sigmoid_vectors(dtype)}
    for part in ("special", "hard tail", "hard underflow", "soft uniform", "options log-uniform"):
        assert any(part in stratum for stratum in strata), part
    for label in ("near 0", "near 1", "near sigmoid", "uniform"):
        assert any(f"label {label}" in stratum for stratum in strata), label


def test_options_reach_as_far_as_they_should() -> None:
    vectors = sigmoid_vectors("float64")
    smoothing = {vector.smoothing for vector in vectors}
    assert {0.0, 1e-6, 1.0} <= smoothing
    for name in ("weight", "pos_weight"):
        found = {getattr(vector, name) for vector in vectors}
        assert max(found) > 300
        assert min(found) < 3e-3


def test_numbers_are_read_exactly() -> None:
    assert exact_number("0x1p-149") == Fraction(2) ** -149
    assert exact_number("-0x3p+1") == -6
    assert exact_number("0x0p+0") == 0
    assert exact_number("-inf") == float("-inf")
    # Python's own reading of the shorter ones agrees.
    assert float(exact_number("0x1921fb54442d18p-51")) == float.fromhex("0x1921fb54442d18p-51")
