"""Which tests the default command runs: all kinds of them, but not on every backend.

`--nightly` adds the rest.

- NumPy, PyTorch and array-api-strict lack only single tests that take more than 20 s of processor
  time, which are marked `nightly`, and what PyTorch compiles of half precision.
- JAX has every traced test in float32 and float64; eagerly those marked `everywhere`, in float32;
  those marked `autodiff`, and its own ones, in every dtype.
- JAX without float64 has those marked `everywhere`, in float32 (traced ones).
- All others have those marked `everywhere`, and their own ones.
"""

import pytest

from .suite import Suite

WHOLE = frozenset({"numpy", "torch", "array_api_strict"})
HALF = frozenset({"float16", "bfloat16"})


def in_default_set(item: pytest.Item) -> bool:
    """Tell whether the default command runs a test."""
    if item.get_closest_marker("nightly"):
        return False
    params = item.callspec.params if hasattr(item, "callspec") else {}
    suite = params.get("suite")
    if not isinstance(suite, Suite) or suite.target.library in WHOLE:
        return not (_is_compiled_by_torch(item) and params.get("dtype") in HALF)
    if _is_its_own(item, suite.target.name):
        return True
    everywhere = item.get_closest_marker("everywhere") is not None
    if suite.target.library != "jax":
        return everywhere
    whole = suite.target.name == "jax"  # and not its variant without float64
    if whole and item.get_closest_marker("autodiff"):
        return True
    # Eagerly JAX compiles each operation for each new shape: there the marked ones must do.
    wanted = {None, "float32", "float64"} if suite.traced else {None, "float32"}
    return (everywhere or (whole and suite.traced)) and params.get("dtype") in wanted


def _is_compiled_by_torch(item: pytest.Item) -> bool:
    return "torch-traced" in item.name or ("[torch-" in item.name and "compiled" in item.name)


def _is_its_own(item: pytest.Item, target: str) -> bool:
    """Tell whether a test is for this library alone; a variant of it has few of its own."""
    mark = item.get_closest_marker("only")
    return mark is not None and mark.args == (target,)
