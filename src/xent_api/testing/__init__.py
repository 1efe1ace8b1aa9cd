"""Checks of array namespaces, usable from an installed package.

`ulp_error` measures a result against an exact value; `EXAMPLES` are the documented examples with
their exact values, and `run` runs one of them on a `Target`, which `find_target` makes from a known
name or from the import path of any array namespace.
"""

from .documented import BAR, EXAMPLES, Example, Outcome, run
from .targets import KNOWN, Target, Unavailable, find_target
from .ulp import ulp_error, worst_ulp

__all__ = [
    "BAR",
    "EXAMPLES",
    "KNOWN",
    "Example",
    "Outcome",
    "Target",
    "Unavailable",
    "find_target",
    "run",
    "ulp_error",
    "worst_ulp",
]
