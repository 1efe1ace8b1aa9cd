"""JAX: the closed-form derivatives as a rule of forward mode, from which it makes reverse mode."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax.custom_derivatives import SymbolicZero

from ..._typing import Array, Device, DType, Namespace
from ..base import Backend, Program, RowProgram, is_rowwise
from ..derivatives import Differentiable, has_rule
from .ops import Repaired, Unrolled, barrier


class JaxBackend(Backend):
    """Plain programs for arrays, and under a rule for what JAX's transformations trace."""

    constant = staticmethod(jax.lax.stop_gradient)

    def __init__(self, xp: Namespace) -> None:
        super().__init__(xp)
        self.namespace = Repaired(xp)

    def signature(self, array: Array) -> tuple[object, ...] | None:
        """Return what matters of an array that is there; tracers are planned for anew."""
        if isinstance(array, jax.core.Tracer):
            return None
        wide = jax.config.jax_enable_x64
        return array.dtype, array.shape, array.weak_type, array.sharding, wide

    def is_weak(self, array: Array) -> bool:
        """Tell whether an array is a Python number, as ``jax.jit`` traces it."""
        return bool(array.weak_type) and array.ndim == 0

    def device(self, array: Array) -> Device | None:
        """Return the device of an array that lives on one.

        A tracer has none yet, and a sharded array has many: JAX itself checks those.
        """
        device = getattr(array, "device", None)
        return None if hasattr(device, "device_set") else device

    def row_dtype(self, like: Array) -> DType:
        """Return float64, whether or not users may have arrays of it."""
        return self.xp.float64

    def count(self, value: Array) -> Array:
        """Return the number of elements that are true; beyond 32 bits as a float32."""
        if self.xp.isdtype(self.count_dtype(value), "integral"):
            return super().count(value)
        low, high = _count(value)
        return high.astype(self.xp.float32) * 2.0**32 + low.astype(self.xp.float32)

    def add_up(self, value: Array, dtype: DType | None) -> Array:
        """Return the sum, which XLA adds up as a tree where there is no float64.

        The mean of 2e7 equal float32 losses is right to 1 ulp, eager and under ``jax.jit``.
        """
        # To its own precision: that changes no number, but keeps XLA on CPUs from computing the
        # losses inside the sum, element by element and again for the gradient.
        info = self.xp.finfo(value.dtype)
        value = jax.lax.reduce_precision(value, info.nexp, info.nmant)
        return self.xp.sum(value, dtype=dtype)

    def run(self, program: Program, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Run the program, by the rule where there may be derivatives."""
        traced = any(isinstance(operand, jax.core.Tracer) for operand in operands)
        if not traced and is_rowwise(program):
            ways = self._ways(program.undifferentiated(), fused=False)
            return ways[_platform(operands)](*operands)
        floating = [self.xp.isdtype(operand.dtype, "real floating") for operand in operands]
        if not traced or not has_rule(program, floating):
            return self._function(program)(*operands)
        return self._by_rule(program, operands)

    def _function(self, program: Program) -> Callable[..., tuple[Array, ...]]:
        """Return the program as a function of its operands, for whatever will run it."""
        if not is_rowwise(program):
            return partial(program, self.namespace)
        ways = self._ways(program.undifferentiated())
        lines = self._ways(program)["cuda" if jax.config.jax_enable_x64 else "default"]

        def chosen(*operands: Array) -> tuple[Array, ...]:
            results: tuple[Array, ...] = jax.lax.platform_dependent(*operands, **ways)
            return results

        def rule(operands: tuple[Array, ...], tangents: tuple[Array, ...]) -> Any:
            # JAX would not differentiate float64 where there is none.
            return function(*operands), jax.jvp(lines, operands, tangents)[1]

        function: Callable[..., tuple[Array, ...]] = jax.custom_jvp(chosen)
        function.defjvp(rule)  # type: ignore[attr-defined]
        return function

    def _ways(
        self, program: RowProgram, *, fused: bool = True
    ) -> dict[str, Callable[..., tuple[Array, ...]]]:
        """Return for each platform the program as a function of its operands.

        CPUs and GPUs compute what belongs to a row of classes in float64, whether or not JAX shows
        it to its users: in float32 rows of ten lose 4 ulp and longer ones 8. TPUs have none, and it
        takes them long to compute as if they had. Where nothing is `fused`, each class would be
        another call.
        """
        few = fused and in_float32(program)
        wider = not few and program.compute != program.wide
        on_cpu = program.with_barrier(barrier)
        namespace, largest = self.namespace, None
        if fused and wider and is_fast(program):
            largest = program.size - 1.0  # All classes but one have up to 1 each.
        if fused and is_apart(program):
            namespace = Unrolled(self.xp, largest=largest)
        elif not (few or (wider and "hessian" in program.outputs)):
            namespace = Repaired(self.xp, barrier, largest=largest)
        narrow: Callable[..., tuple[Array, ...]] = partial(program.narrowed(), self.namespace)
        if program.compute == self.xp.float64:
            narrow = widened(narrow)  # There are such arrays where JAX makes none.
        cpu = partial(on_cpu.narrowed(), namespace) if few else widened(partial(on_cpu, namespace))
        gpu = widened(partial(program, self.namespace))
        return {"cpu": cpu, "cuda": gpu, "rocm": gpu, "default": narrow}

    def _by_rule(self, program: Differentiable, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        closed_form = jax.custom_jvp(self._function(program))

        def rule(
            operands: tuple[Array, ...], tangents: tuple[Any, ...]
        ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
            # A primal may come as what the caller gave: a number, or NumPy's float64.
            operands = tuple(self.xp.asarray(operand) for operand in operands)
            results = self._by_rule(program.beside_gradient(), operands)
            return results, tuple(
                self._tangent(program, output, operands, tangents).astype(value.dtype)
                for output, value in enumerate(results)
            )

        closed_form.defjvp(rule, symbolic_zeros=True)
        results: tuple[Array, ...] = closed_form(*operands)
        return results

    def _tangent(
        self,
        program: Differentiable,
        output: int,
        operands: tuple[Array, ...],
        tangents: tuple[Any, ...],
    ) -> Array:
        parts = []
        for name, tangent in zip(program.operands, tangents, strict=True):
            if not isinstance(tangent, SymbolicZero):
                # The tangent stays outside of the derivative: what is linear in a tangent loses its
                # own rule in JAX's linearization.
                (derivative,) = self.run(program.derivative(output, name), operands)
                tangent = self.xp.asarray(tangent, dtype=derivative.dtype)  # noqa: PLW2901
                product = derivative * program.masked(self.namespace, tangent, *operands)
                parts.append(program.gathered(self.namespace, name, product))
        return sum(parts[1:], parts[0])


@jax.jit  # type: ignore[untyped-decorator,unused-ignore]
def _count(value: Array) -> tuple[Array, Array]:
    """Return the number of elements that are true, in two words of 32 bits.

    Also where JAX has no 64 bits, whatever the size. XLA on CPUs computes a reduction of two
    operands in one pass; one of int64 would first store 8 bytes for each element.
    """
    zero = jax.numpy.uint32(0)

    def add(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
        low = a[0] + b[0]
        return low, a[1] + b[1] + (low < a[0]).astype(zero.dtype)

    low = value.astype(zero.dtype)
    words = (low, jax.numpy.zeros_like(low)), (zero, zero)
    results: tuple[Array, Array] = jax.lax.reduce(*words, add, tuple(range(value.ndim)))
    return results


def widened(function: Callable[..., tuple[Array, ...]]) -> Callable[..., tuple[Array, ...]]:
    """Return the function with float64 in its lines."""

    def wide(*operands: Array) -> tuple[Array, ...]:
        with jax.enable_x64(True):  # noqa: FBT003  (has no name)
            return function(*operands)

    return wide


def _platform(operands: tuple[Array, ...]) -> str:
    """Return the name that `platform_dependent` has for where the operands are."""
    names = {device.platform for operand in operands for device in operand.devices()}
    return {"cpu": "cpu", "gpu": "cuda"}.get("".join(names), "default")


FEW = 3
"""The classes up to which float32 holds the bars: within 3.3 ulp (3e6 logits for each number)."""
APART = 15
"""The classes up to which each is an array of its own on CPUs. A mean with its gradient takes a
third to nine tenths of the time that reductions take, and a loss alone a twelfth to all of it; with
16 and more classes 1.3 to 2.5 times that time (EPYC 9005 with AVX-512 and without, JAX 0.10)."""


def in_float32(program: RowProgram) -> bool:
    """Tell whether float32 holds the bars, where float64 for each row takes longer.

    Up to 32 classes with a label each would take 0.7 to 1 times as long in float32, and be up to
    4.5 ulp off: by how much depends on the vector instructions that a CPU has.
    """
    hessian = "hessian" in program.outputs
    return up_to(FEW, program) and program.compute != program.wide and not hessian


def is_apart(program: RowProgram) -> bool:
    """Tell whether each class is to be an array of its own, on CPUs.

    For the Hessian beside class indices, XLA would then add up all classes for each of them.
    """
    hessian = "hessian" in program.outputs and "classes" in program.operands
    return up_to(FEW if hessian else APART, program)


def is_fast(program: RowProgram) -> bool:
    """Tell whether `log1p` in arithmetic takes less time.

    Not with a label for each of many classes, where XLA computes it in the loops over them.
    """
    return ("classes" in program.operands and up_to(2**24, program)) or up_to(APART, program)


def up_to(limit: int, program: RowProgram) -> bool:
    """Tell whether a program is known to have no more classes: exported ones may have a symbol."""
    return isinstance(program.size, int) and program.size <= limit
