"""Names for what the Array API standard leaves to each library.

The standard has no static types yet, so an array, its namespace, its dtype and its device are
`Any` under names that say which of them is meant.
"""

from typing import Any, Literal, TypeAlias

Array: TypeAlias = Any
Namespace: TypeAlias = Any
DType: TypeAlias = Any
Device: TypeAlias = Any
Number: TypeAlias = int | float
Reduction: TypeAlias = Literal["none", "sum", "mean"]
Shape: TypeAlias = tuple[Any, ...]
