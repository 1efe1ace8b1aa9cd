"""The examples of the documents that the package implements, by name."""

import pytest

from xent_api.testing import EXAMPLES, Example
from xent_api.testing.documented import SOFT_LABELS
from xent_api.testing.suite import Suite


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
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
