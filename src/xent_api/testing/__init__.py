"""Checks of array namespaces, usable from an installed package.

`check_namespace` compares an array namespace, given by a known name or its import path, with the
reference values, which `sigmoid_vectors` and `softmax_vectors` return; `ulp_error` measures a
single result. `EXAMPLES` are the documented examples of other systems with their exact values, and
`run` runs one of them on a `Target`, which `find_target` makes from a name.
"""

from .check import Finding, Miss, check_namespace
from .documented import BAR, EXAMPLES, Example, Outcome, run
from .rows import SoftmaxVector, softmax_vectors
from .targets import KNOWN, Target, Unavailable, find_target
from .ulp import ulp_error
from .vectors import VECTORS, Vector, sigmoid_vectors

__all__ = [
    "BAR",
    "EXAMPLES",
    "KNOWN",
    "VECTORS",
    "Example",
    "Finding",
    "Miss",
    "Outcome",
    "SoftmaxVector",
    "Target",
    "Unavailable",
    "Vector",
    "check_namespace",
    "find_target",
    "run",
    "sigmoid_vectors",
    "softmax_vectors",
    "ulp_error",
]
