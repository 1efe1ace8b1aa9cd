"""Cross entropy with logits for every array library of the Python Array API standard.

Loss, mask and gradient are written once and run on whatever library owns the arrays. Importing this
package imports no array library.
"""

from . import facades, sigmoid_xent, softmax_xent, sparse_softmax_xent, special
from ._backends.execution import execution
from ._shard import ClassShard
from ._version import __version__
from .sigmoid_xent import sigmoid_cross_entropy_with_logits
from .softmax_xent import softmax_cross_entropy_with_logits
from .sparse_softmax_xent import sparse_softmax_cross_entropy_with_logits

__all__ = [
    "ClassShard",
    "__version__",
    "execution",
    "facades",
    "sigmoid_cross_entropy_with_logits",
    "sigmoid_xent",
    "softmax_cross_entropy_with_logits",
    "softmax_xent",
    "sparse_softmax_cross_entropy_with_logits",
    "sparse_softmax_xent",
    "special",
]
