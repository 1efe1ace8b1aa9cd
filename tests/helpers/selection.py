"""Which tests the default command runs: all kinds of them, but not on every backend.

`--nightly` adds the rest.

- NumPy, PyTorch and array-api-strict lack only single tests that take more than 20 s of processor
  time, which are marked `nightly`. Of what PyTorch compiles there are the tests marked
  `everywhere` or `autodiff`, in float32.
- JAX has every traced test in float32; eagerly those marked `everywhere` or `autodiff`, and its own
  ones, in float32.
- JAX without float64, and ndonnx, have those marked `everywhere`, and their own ones, in float32.
- All others have those marked `everywhere`, and their own ones.
"""

import pytest

from xent_api.testing.suite import Suite

WHOLE = frozenset({"numpy", "torch", "array_api_strict"})
SLOW = frozenset({"jax", "ndonnx"})
"""Libraries that make something new for each operation and shape, also eagerly."""


def in_default_set(item: pytest.Item) -> bool:
    """Tell whether the default command runs a test."""
    if item.get_closest_marker("nightly"):
        return False
    params = item.callspec.params if hasattr(item, "callspec") else {}
    suite, dtype = params.get("suite"), params.get("dtype")
    everywhere = item.get_closest_marker("everywhere") is not None
    marked = everywhere or item.get_closest_marker("autodiff") is not None
    if not isinstance(suite, Suite) or suite.target.library in WHOLE:
        return (marked and dtype in {None, "float32"}) or not _is_compiled_by_torch(item)
    name = suite.target.name
    wanted = (marked if name == "jax" else everywhere) or _is_its_own(item, name)
    if suite.target.library not in SLOW:
        return wanted
    traced = suite.traced and name == "jax"  # and not its variant without float64
    return (wanted or traced) and dtype in {None, "float32"}


def _is_compiled_by_torch(item: pytest.Item) -> bool:
    return "torch-traced" in item.name or ("[torch-" in item.name and "compiled" in item.name)


def _is_its_own(item: pytest.Item, target: str) -> bool:
    """Tell whether a test is for this library alone; a variant of it has few of its own."""
    mark = item.get_closest_marker("only")
    return mark is not None and mark.args == (target,)
