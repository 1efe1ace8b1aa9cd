"""Which primitives serve rows of classes on CPUs: the first rule that applies.

XLA makes of the same formulas code that is up to twelve times as fast in one form as in another,
depending on the number of classes. ``tools/measure_strategy.py`` measures each rule against the
table without it.
"""

from typing import NamedTuple

from ..._math.program import LossProgram
from .ops import CpuOps, DenseCpuOps, UnrolledOps

BOTH = frozenset({"softmax", "sparse_softmax"})


class Rule(NamedTuple):
    """The primitives for some programs."""

    ops: type[CpuOps]
    why: str
    gain: str
    """What it buys, by the script, on which machine and when."""
    families: frozenset[str] = BOTH
    max_classes: int | None = None
    """None where there may be any number, or a symbol for one."""
    hessian: bool = True
    """Whether it is for programs with a Hessian, too."""
    traced: bool = True
    """Only where XLA compiles the whole: line by line, each class would be another call."""
    float32: bool = False
    """Only where logits are computed in float32."""
    wide: bool = True
    """Whether what belongs to a row is computed in float64."""

    def applies(self, program: LossProgram, *, traced: bool) -> bool:
        """Tell whether this is a rule for the program."""
        size, most = program.size, self.max_classes
        return (
            program.family in self.families
            and (most is None or (isinstance(size, int) and size <= most))
            and (self.hessian or "hessian" not in program.outputs)
            and (traced or not self.traced)
            and (program.compute != program.wide or not self.float32)
        )


RULES = (
    Rule(
        UnrolledOps,
        "float32 holds the bars: within 3.3 ulp (3e6 logits for each number of classes)",
        "",
        max_classes=3,
        hessian=False,
        float32=True,
        wide=False,
    ),
    Rule(UnrolledOps, "each class an array of its own", "", max_classes=15, hessian=False),
    Rule(
        UnrolledOps,
        "the same with Hessians; of class indices XLA adds up all classes for each of them",
        "",
        families=frozenset({"softmax"}),
        max_classes=15,
    ),
    Rule(
        DenseCpuOps,
        "sums that wait for each other, and sums of blocks",
        "",
        families=frozenset({"softmax"}),
        traced=False,
    ),
    Rule(CpuOps, "no sum takes in what leads to it", "", traced=False),
)
"""In this order; the first that applies is taken."""


def choose(program: LossProgram, *, traced: bool) -> Rule:
    """Return the rule for a program."""
    return next(rule for rule in RULES if rule.applies(program, traced=traced))
