"""Measure what each rule of JAX's strategy table buys on this machine.

    python tools/measure_strategy.py

For each rule of ``xent_api/_backends/jax/strategy.py``: the time of some calls with the table
without that rule, divided by the time with it. Above 1 the rule pays. Compiled, interleaved, median
of several runs, on an otherwise idle machine (ten minutes).
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xent_api import softmax_xent, sparse_softmax_xent
from xent_api._backends.jax import strategy
from xent_api._math.program import LossProgram

RUNS = 7
LOGITS = 2_000_000
CLASSES = (2, 3, 4, 8, 13, 14, 24, 32, 64, 100, 1000, 32_000)
FAMILIES = {"softmax": softmax_xent, "sparse_softmax": sparse_softmax_xent}


def calls(family: str, size: int, dtype: str) -> dict[str, tuple[bool, Callable[[], Any]]]:
    """Return calls on random rows: whether they have a Hessian, and a new compiled function."""
    random, rows = np.random.default_rng(0), max(1, LOGITS // size)
    module = FAMILIES[family]
    x = jnp.asarray(random.normal(0.0, 3.0, (rows, size)).astype(dtype))
    if family == "softmax":
        labels = jnp.asarray(random.dirichlet(np.ones(size), rows).astype(dtype))
    else:
        labels = jnp.asarray(random.integers(0, size, rows))

    def mean(x: Any) -> Any:
        return module.loss(labels=labels, logits=x, reduction="mean")

    def hessian(x: Any) -> Any:
        return module.gradient_and_hessian(labels=labels, logits=x)

    def made(function: Callable[[Any], Any]) -> Callable[[], Any]:
        compiled = jax.jit(function)
        return lambda: jax.block_until_ready(compiled(x))

    return {
        "mean": (False, lambda: made(mean)),
        "mean with gradient": (False, lambda: made(jax.value_and_grad(mean))),
        "gradient and Hessian": (True, lambda: made(hessian)),
    }


@contextmanager
def table(rules: tuple[strategy.Rule, ...]) -> Iterator[None]:
    """Let these be the rules."""
    usual = strategy.RULES
    strategy.RULES = rules
    try:
        yield
    finally:
        strategy.RULES = usual


def compiled(rules: tuple[strategy.Rule, ...], make: Callable[[], Any]) -> Callable[[], Any]:
    """Return a call that is compiled under some rules."""
    with table(rules):
        function: Callable[[], Any] = make()
        function()
    return function


def ratio(one: Callable[[], Any], other: Callable[[], Any]) -> tuple[float, float]:
    """Return the time of one call over that of the other, and that of the other in seconds."""
    found = []
    for _ in range(RUNS):
        times = []
        for call in (one, other):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        found.append(times)
    ratios = [first / second for first, second in found]
    return statistics.median(ratios), statistics.median(second for _, second in found)


def serves(number: int, family: str, size: int, *, hessian: bool, dtype: str) -> bool:
    """Tell whether it is this rule that is taken."""
    wide = jnp.float64
    compute = wide if dtype == "float64" else jnp.float32
    outputs = ("gradient", "hessian") if hessian else ("loss",)
    program = LossProgram(family, outputs, (), compute, (), (), (), None, 0.0, wide=wide, size=size)
    return strategy.RULES[number] is strategy.choose(program, traced=True)


def main() -> None:
    """Print a line for each rule and case."""
    jax.config.update("jax_enable_x64", True)
    for number, rule in enumerate(strategy.RULES[:-1]):
        rest = strategy.RULES[:number] + strategy.RULES[number + 1 :]
        print(f"{number}. {rule.ops.__name__}: {rule.why}", flush=True)
        for dtype in ("float32", "float64"):
            for family in FAMILIES:
                for size in CLASSES:
                    for name, (hessian, make) in calls(family, size, dtype).items():
                        if serves(number, family, size, hessian=hessian, dtype=dtype):
                            pair = compiled(rest, make), compiled(strategy.RULES, make)
                            gain, seconds = ratio(*pair)
                            unit = seconds / LOGITS * 1e9
                            print(
                                f"   {dtype} {family} {size:6} {name:22} {unit:6.2f} ns, "
                                f"without the rule {gain:5.2f} times that",
                                flush=True,
                            )


if __name__ == "__main__":
    main()
