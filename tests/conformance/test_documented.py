"""The examples of the documents that the package implements, by name."""

from fractions import Fraction

import make_documented
import pytest
from helpers.suite import Suite

from xent_api.testing import EXAMPLES, Example, ulp_error
from xent_api.testing.documented import SOFT_LABELS

by_name = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@by_name
@pytest.mark.everywhere
def test_example(suite: Suite, dtype: str, example: Example) -> None:
    if dtype in ("float16", "bfloat16") and set(example.labels) & set(SOFT_LABELS[:2]):
        pytest.skip("the labels of this example are numbers of float32")
    labels, logits = example.arguments(suite.target, dtype)
    actual = suite.call(
        lambda *, labels, logits: example.call(labels, logits),
        {"labels": labels, "logits": logits},
    )
    shape = example.shape or (len(example.logits),)
    if example.name.startswith(("confident", "tensorflow-s")):
        shape = shape[:-1]
    elif len(example.exact) < len(example.logits):
        shape = ()
    suite.assert_ulp(actual, example.exact, dtype, shape=shape)


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
