"""What public functions carry, so that tracers that rewrite functions leave them as they are."""

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class AsItIs:
    """The answers to what Paddle's `to_static` asks of a function (``jit.dy2static.utils``)."""

    def need_transform(self, mode: Any) -> bool:
        """Tell that the source is not to be rewritten, but the byte code is to be read.

        Of a function that is not read Paddle 3.3 looks at the tensors only, and gives the same
        results for other options, and for other functions.
        """
        return getattr(mode, "name", "") == "SOT"

    def need_capture_control_flow(self) -> bool:
        """Tell that there is no control flow to be captured."""
        return False


MARKS: dict[str, Any] = {
    "autograph_info__": {},  # TensorFlow's AutoGraph (autograph.impl.api.is_autograph_artifact)
    "___jit_transform_options___": AsItIs(),
}
"""They would rewrite all of this package at the first call, without need: nothing in it depends on
the values of arrays. (Seen in TensorFlow 2.21 and Paddle 3.3; tested in
tests/conformance/test_on_tensorflow.py and test_on_paddle.py.)"""


def as_it_is(function: Function) -> Function:
    """Mark a function, and return it."""
    vars(function).update(MARKS)
    return function
