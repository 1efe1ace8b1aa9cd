"""The exact values of the documented examples."""

from fractions import Fraction

import make_documented
import pytest

from xent_api.testing import EXAMPLES, Example, ulp_error
from xent_api.testing.documented import SOFT_LABELS

by_name = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@by_name
def test_printed_figures_agree_with_the_exact_ones_to_their_digits(example: Example) -> None:
    for printed, exact in zip(example.printed, example.exact, strict=bool(example.printed)):
        half_digit = Fraction(1, 2 * 10 ** len(printed.partition(".")[2]))
        distance = abs(Fraction(printed) - Fraction(exact))
        # The printed figure is a float32 that may itself be off, shown to so many digits.
        assert ulp_error(float(printed), exact, "float32") <= 4 or distance <= half_digit


def test_exact_values_are_those_of_the_recipe() -> None:
    made = make_documented.examples()
    stored = {example.name: list(example.exact) for example in EXAMPLES}
    for name in ("tensorflow", "tensorflow-binary", "tutorial", "tutorial-soft"):
        assert stored[name] == made[name]
    for name in ("confident-softmax", "confident-sparse"):
        assert stored[name] == made["confident"]
    for name in ("tensorflow-softmax", "tensorflow-sparse"):
        assert stored[name] == made["tensorflow-binary"]
    for name in ("tutorial-mean", "tutorial-soft-mean"):
        assert stored[name] == made[name]
    assert [v for v in stored["paddle"] if v != "0"] == made["paddle-kept"]
    assert [v for v in stored["paddle-normalized"] if v != "0"] == made["paddle-kept-normalized"]
    assert [str(Fraction(v)) for v in SOFT_LABELS] == [
        str(Fraction(float(v))) for v in made["sigmoid-labels"]
    ]
