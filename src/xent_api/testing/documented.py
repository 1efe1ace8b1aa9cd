"""The examples that the documents of other systems print, with their exact values.

The exact values come from ``tools/make_documented.py`` (mpmath, 500 digits, the documented textbook
formula); `printed` is what the document shows, in float32 and to its digits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .. import sigmoid_xent
from .._typing import Array
from ..facades import paddle, tensorflow
from .targets import Target, nested
from .ulp import ulp_error

BAR = 4.0
"""The largest error in ulp that counts as right."""


@dataclass(frozen=True)
class Example:
    """A documented call."""

    name: str
    source: str
    call: Callable[[Array, Array], Array]
    """Of labels and logits."""
    labels: tuple[float, ...]
    logits: tuple[float, ...]
    exact: tuple[str, ...]
    printed: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    """The shape of the logits, and of labels of their dtype; by default one axis."""
    numbers: bool = False
    """Whether the labels are class indices, in an axis of their own."""

    def arguments(self, target: Target, dtype: str) -> tuple[Array, Array]:
        """Return labels and logits on a target."""
        shape = self.shape or (len(self.logits),)
        logits = target.asarray(nested(self.logits, shape), dtype)
        if self.numbers:
            return target.asarray([int(label) for label in self.labels], "int32"), logits
        return target.asarray(nested(self.labels, shape), dtype), logits


@dataclass(frozen=True)
class Outcome:
    """What an example gave on a target."""

    example: Example
    dtype: str
    got: tuple[float, ...]
    errors: tuple[float, ...]
    """In ulp of the dtype."""
    problem: str = ""
    """What was raised, if anything."""

    @property
    def passed(self) -> bool:
        """Whether every error is within the bar."""
        return all(error <= BAR for error in self.errors)


def run(example: Example, target: Target, dtype: str) -> Outcome:
    """Return what `example` gives on `target`; a call that raises is a failed one."""
    try:
        got = _values(example, target, dtype)
        errors = tuple(ulp_error(g, e, dtype) for g, e in zip(got, example.exact, strict=True))
    except Exception as error:  # noqa: BLE001 - a namespace under test may raise anything
        nothing = (math.nan,) * len(example.exact)
        infinite = (math.inf,) * len(example.exact)
        return Outcome(example, dtype, nothing, infinite, f"{type(error).__name__}: {error}")
    return Outcome(example, dtype, got, errors)


def _values(example: Example, target: Target, dtype: str) -> tuple[float, ...]:
    with target.context():
        return tuple(target.floats(example.call(*example.arguments(target, dtype))))


def _loss(labels: Array, logits: Array, **options: Any) -> Array:
    return sigmoid_xent.loss(labels=labels, logits=logits, **options)


def _paddle(labels: Array, logits: Array, **options: Any) -> Array:
    return paddle.sigmoid_cross_entropy_with_logits(logits, labels, **options)


def _paddle_gradient(labels: Array, logits: Array) -> Array:
    return sigmoid_xent.gradient(labels=labels, logits=logits, ignore_index=-1)


LOG2 = "0.6931471805599453094172321214581765680755"
L1 = "0.3132616875182228340489954949678556419153"  # log(1 + exp(-1))
L2 = "1.313261687518222834048995494967855641915"  # log(1 + exp(1))
TAIL = "4.248354255291588986304977843631582181878e-18"  # log(1 + exp(-40))
TUTORIAL_LOGITS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
TUTORIAL_LABELS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
TUTORIAL = (
    L1,
    "2.126928011042972496443726806358304431434",
    "3.048587351573742058758925919854689997942",
    "4.018149927917809740354983318287753884762",
    "0.006715348489118068616416687732642075114892",
    "6.002475685137730449530859682043522968777",
)
# sigmoid([[-1, 2, 0], [3, 1, -4]]), rounded to float32: these numbers are exact.
SOFT_LABELS = (
    0.26894143223762512207,
    0.8807970881462097168,
    0.5,
    0.95257413387298583984,
    0.73105859756469726563,
    0.017986210063099861145,
)
SOFT = (
    "1.044320255280597711978682994967855641915",
    "0.3653338347505530628499768063583044314343",
    "1.548587351573742058758925919854689997942",
    "0.2078533924258663809799833182877538847621",
    "1.351422360665631740491416687732642075115",
    "5.894558424759131282660742494543522968777",
)
PADDLE_X = (0.125, 0.75, 0.5, 0.0, 0.875, 0.25, 0.625, 0.375, 0.0625, 0.9375)
PADDLE_LABEL = (0.5, 1.0, -1.0, 0.0, 0.25, -1.0, 0.75, 0.125, 1.0, 0.0)
PADDLE = (
    "0.6950990353171690662436144156492390013746",
    "0.3868710061148999436698402692140229086689",
    "0",
    LOG2,
    "1.004694581005055712440870638066527423165",
    "0",
    "0.5849506782765186372135928950216720538417",
    "0.8512482641398400436190416685269065066566",
    "0.6623853823577755325717054387012514615612",
    "1.26795820760222063236534369803407129074",
)
PADDLE_NORMALIZED = (
    "0.08688737941464613328045180195615487517182",
    "0.04835887576436249295873003365175286358362",
    "0",
    "0.08664339756999316367715401518227207100944",
    "0.1255868226256319640551088297583159278956",
    "0",
    "0.07311883478456482965169911187770900673021",
    "0.1064060330174800054523802085658633133321",
    "0.08279817279472194157146317983765643269515",
    "0.1584947759502775790456679622542589113426",
)

_CONFIDENT = "two classes of which one is nearly certain: log1p(exp(-40)), not 0"
_TF = "TensorFlow, tf.nn.sigmoid_cross_entropy_with_logits"
_TUTORIAL = "a TensorFlow tutorial on tf.nn.sigmoid_cross_entropy_with_logits"
_PADDLE = "Paddle, paddle.fluid.layers.sigmoid_cross_entropy_with_logits"
_ROWS = (2, 3)
_NORMALIZED = partial(_paddle, ignore_index=-1, normalize=True)

EXAMPLES: tuple[Example, ...] = (
    Example(
        "tensorflow",
        _TF,
        tensorflow.sigmoid_cross_entropy_with_logits,
        (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.5),
        (1.0, -1.0, 0.0, 1.0, -1.0, 0.0, 0.0),
        (L2, L1, LOG2, L1, L2, LOG2, LOG2),
        (
            "1.3132617",
            "0.3132617",
            "0.6931472",
            "0.3132617",
            "1.3132617",
            "0.6931472",
            "0.6931472",
        ),
    ),
    Example(
        "tensorflow-binary",
        _TF,
        tensorflow.sigmoid_cross_entropy_with_logits,
        (1.0, 1.0, 0.0),
        (1.0, -1.0, 0.0),
        (L1, L2, LOG2),
        ("0.31326166", "1.3132616", "0.6931472"),
    ),
    Example(
        "tensorflow-softmax",
        _TF,
        tensorflow.softmax_cross_entropy_with_logits,
        (1.0, 0.0, 1.0, 0.0, 0.0, 1.0),
        (1.0, 0.0, -1.0, 0.0, 0.0, 0.0),
        (L1, L2, LOG2),
        ("0.31326166", "1.3132616", "0.6931472"),
        (3, 2),
    ),
    Example(
        "tensorflow-sparse",
        _TF,
        tensorflow.sparse_softmax_cross_entropy_with_logits,
        (0, 0, 1),
        (1.0, 0.0, -1.0, 0.0, 0.0, 0.0),
        (L1, L2, LOG2),
        ("0.31326166", "1.3132616", "0.6931472"),
        (3, 2),
        numbers=True,
    ),
    Example(
        "confident-softmax",
        _CONFIDENT,
        tensorflow.softmax_cross_entropy_with_logits,
        (1.0, 0.0),
        (40.0, 0.0),
        (TAIL,),
        shape=(1, 2),
    ),
    Example(
        "confident-sparse",
        _CONFIDENT,
        tensorflow.sparse_softmax_cross_entropy_with_logits,
        (0,),
        (40.0, 0.0),
        (TAIL,),
        shape=(1, 2),
        numbers=True,
    ),
    Example(
        "tutorial",
        _TUTORIAL,
        _loss,
        TUTORIAL_LABELS,
        TUTORIAL_LOGITS,
        TUTORIAL,
        ("0.31326172", "2.126928", "3.0485873", "4.01815", "0.00671535", "6.0024757"),
        _ROWS,
    ),
    Example(
        "tutorial-mean",
        _TUTORIAL,
        partial(_loss, reduction="mean"),
        TUTORIAL_LABELS,
        TUTORIAL_LOGITS,
        ("2.586019668613265941292317984874128166658",),
        (),
        _ROWS,
    ),
    Example(
        "tutorial-soft",
        _TUTORIAL,
        _loss,
        SOFT_LABELS,
        TUTORIAL_LOGITS,
        SOFT,
        ("1.0443203", "0.36533394", "1.5485873", "0.20785339", "1.3514223", "5.8945584"),
        _ROWS,
    ),
    Example(
        "tutorial-soft-mean",
        _TUTORIAL,
        partial(_loss, reduction="mean"),
        SOFT_LABELS,
        TUTORIAL_LOGITS,
        ("1.735345936575920372953288036957461499991",),
        (),
        _ROWS,
    ),
    Example(
        "tutorial-invalid-masked",
        f"{_TUTORIAL}: mask invalid entries (here the third and the fifth)",
        partial(_loss, ignore_index=math.nan),
        (1.0, 0.0, math.nan, 0.0, math.nan, 0.0),
        (1.0, 2.0, math.nan, 4.0, math.inf, 6.0),
        (*TUTORIAL[:2], "0", TUTORIAL[3], "0", TUTORIAL[5]),
        (),
        _ROWS,
    ),
    Example("paddle", _PADDLE, partial(_paddle, ignore_index=-1), PADDLE_LABEL, PADDLE_X, PADDLE),
    Example("paddle-normalized", _PADDLE, _NORMALIZED, PADDLE_LABEL, PADDLE_X, PADDLE_NORMALIZED),
    Example(
        "paddle-rows",
        _PADDLE,
        partial(_paddle, ignore_index=-1),
        PADDLE_LABEL,
        PADDLE_X,
        PADDLE,
        shape=(5, 2),
    ),
    Example(
        "paddle-rows-normalized",
        _PADDLE,
        _NORMALIZED,
        PADDLE_LABEL,
        PADDLE_X,
        PADDLE_NORMALIZED,
        shape=(5, 2),
    ),
    Example("paddle-all-ignored", _PADDLE, _NORMALIZED, (-1.0,) * 4, PADDLE_X[:4], ("0",) * 4),
    Example(
        "paddle-ignored-gradient",
        f"{_PADDLE}: an ignored label does not contribute to the gradient",
        _paddle_gradient,
        (-1.0,) * 4,
        PADDLE_X[:4],
        ("0",) * 4,
    ),
)
