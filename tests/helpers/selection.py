"""Which tests the default command runs: all kinds of them, but not on every backend.

`--nightly` adds the rest.

- NumPy, PyTorch and array-api-strict lack only single tests that take more than 20 s of processor
  time, which are marked `nightly`. Of what PyTorch compiles there are the tests marked
  `everywhere` or `autodiff`, in float32.
- JAX has every traced test in float32; eagerly those marked `everywhere` or `autodiff`, and its own
  ones, in float32.
- JAX without float64, and ndonnx, have those marked `everywhere`, and their own ones, in float32.
- All others have those marked `everywhere`, and their own ones.
- What PyTorch and TensorFlow compile, JAX without float64 and ndonnx lack the reference values of
  all rows but those of class indices, which take them longest; JAX without float64 lacks the
  documented examples; PyTorch with kernels, which has PyTorch's derivatives, has one of them. What
  JAX traces lacks those with class weights, and ndonnx all about them and the facades.
"""

from typing import Any

import pytest

from xent_api.testing.suite import Suite

WHOLE = frozenset({"numpy", "torch", "array_api_strict"})
QUICK = ("float32", "autograd")
SLOW = frozenset({"jax", "ndonnx"})
"""Libraries that make something new for each operation and shape, also eagerly."""


def in_default_set(item: pytest.Item) -> bool:
    """Tell whether the default command runs a test."""
    if item.get_closest_marker("nightly"):
        return False
    params = item.callspec.params if hasattr(item, "callspec") else {}
    suite, dtype = params.get("suite"), params.get("dtype")
    if isinstance(suite, Suite) and _takes_long(item, suite, params):
        return False
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


def _takes_long(item: pytest.Item, suite: Suite, params: dict[str, Any]) -> bool:
    """Tell whether what a test looks at is seen by a faster one, too."""
    if "test_derivatives.py" in item.nodeid:
        mode = getattr(params.get("mode"), "name", "")
        return suite.target.name == "torch:native" and (params["dtype"], mode) != QUICK
    name = suite.target.name
    if name == "jax:x32" and "test_documented.py" in item.nodeid:
        return True
    if name == "ndonnx" and any(part in item.nodeid for part in ("class_weights", "test_facades")):
        return True
    slow = _is_compiled_by_torch(item) or name in ("jax:x32", "ndonnx")
    slow = slow or (name == "tensorflow" and suite.traced)
    family = str(params.get("family", ""))
    if name == "jax" and suite.traced and family.startswith("weighted"):
        return True
    return slow and family.startswith(("softmax", "weighted", "special"))


def _is_compiled_by_torch(item: pytest.Item) -> bool:
    return "torch-traced" in item.name or ("[torch-" in item.name and "compiled" in item.name)


def _is_its_own(item: pytest.Item, target: str) -> bool:
    """Tell whether a test is for this library alone; a variant of it has few of its own."""
    mark = item.get_closest_marker("only")
    return mark is not None and mark.args == (target,)
