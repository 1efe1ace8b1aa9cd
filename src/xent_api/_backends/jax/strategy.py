"""Which primitives serve rows of classes on CPUs: the first rule that applies.

XLA makes of the same formulas code that is up to seven times as fast in one form as in another,
depending on the number of classes. What a rule buys is the time without it, divided by the time
with it, for a mean, a mean with its gradient, and gradient with Hessian. By
``tools/measure_strategy.py``, 2026-11-28, AMD EPYC with AVX-512, JAX 0.10.2.
"""

from typing import NamedTuple

from ..._math.program import Differentiable
from ..._math.shard import ShardProgram
from .ops import BlockOps, CpuOps, DenseOps, JaxOps, LabelOps, LongRowOps, UnrolledOps, WholeRowOps

BOTH = ("softmax", "sparse_softmax")


class Rule(NamedTuple):
    """The primitives for some programs."""

    ops: type[JaxOps]
    why: str
    families: tuple[str, ...] = BOTH
    max_classes: int | None = None
    """None where there may be any number, or a symbol for one."""
    hessian: bool = True
    """Also for programs with a Hessian."""
    traced: bool = True
    """Only where XLA compiles the whole: line by line, each class would be another call."""
    float32: bool = False
    """Only where logits are computed in float32."""
    float64: bool = True
    """Whether what belongs to a row is computed in float64."""

    def applies(self, program: Differentiable | ShardProgram, *, traced: bool) -> bool:
        """Tell whether this is a rule for the program."""
        size, most = program.size, self.max_classes
        return (
            program.family in self.families
            and (most is None or (isinstance(size, int) and size <= most))
            and (self.hessian or "hessian" not in program.outputs)
            and (traced or not self.traced)
            and (program.compute != program.wide or not self.float32)
            and (self.float64 or not isinstance(program, ShardProgram))
        )


RULES: tuple[Rule, ...] = (
    Rule(
        UnrolledOps,
        "float32 holds the bars, within 3.3 ulp (3e6 logits each): 1.2 to 1.9 times",
        max_classes=3,
        hessian=False,
        float32=True,
        float64=False,
    ),
    Rule(
        UnrolledOps,
        "each class an array of its own: 1.2 to 5 times",
        families=("sparse_softmax",),
        max_classes=8,
    ),
    Rule(
        UnrolledOps,
        "with a Hessian XLA would add up all classes for each of them; else 1.0 to 1.8 times",
        families=("sparse_softmax",),
        max_classes=13,
        hessian=False,
    ),
    Rule(
        UnrolledOps,
        "each class an array of its own: 1.2 to 7 times",
        families=("softmax",),
        max_classes=13,
    ),
    Rule(
        LabelOps,
        "labels without comparisons: 1.0 to 2.4 times (from 64 classes on 0.8)",
        families=("sparse_softmax",),
        max_classes=32,
    ),
    Rule(
        BlockOps,
        "sums of neighbours first: 1.1 to 1.5 times (from 128 classes on 0.9)",
        families=("softmax",),
        max_classes=100,
        float32=True,
    ),
    Rule(
        DenseOps,
        "the logarithm would be computed for each class in arithmetic: 1.3 to 2.5 times",
        families=("softmax",),
        hessian=False,
    ),
    Rule(
        CpuOps,
        "a logarithm in arithmetic: 1.0 to 1.7 times; long rows in parts: 1.5 to 2 times",
        hessian=False,
    ),
    Rule(
        WholeRowOps,
        "not for speed: in parts, a Hessian gathers logits sharded by classes",
    ),
    Rule(LongRowOps, "line by line nothing else helps", traced=False),
)
"""In this order; the first that applies is taken."""


def choose(program: Differentiable | ShardProgram, *, traced: bool) -> Rule:
    """Return the rule for a program."""
    return next(rule for rule in RULES if rule.applies(program, traced=traced))
