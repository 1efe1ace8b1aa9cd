"""JAX: the closed-form derivatives as a rule of forward mode, from which it makes reverse mode."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax.custom_derivatives import SymbolicZero

from .._formulas.log1p import log1p
from .._programs.rows import LONG
from .._typing import Array, Device, DType, Namespace
from .derivatives import Differentiable, has_rule
from .direct import Backend, Program, RowProgram, is_rowwise


class JaxBackend(Backend):
    """Plain programs for arrays, and under a rule for what JAX's transformations trace."""

    constant = staticmethod(jax.lax.stop_gradient)

    def __init__(self, xp: Namespace) -> None:
        super().__init__(xp)
        self.namespace = Repaired(xp)

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
            return self._ways(program)[_platform(operands)](*operands)
        floating = [self.xp.isdtype(operand.dtype, "real floating") for operand in operands]
        if not traced or not has_rule(program, floating):
            return self._function(program)(*operands)
        return self._by_rule(program, operands)

    def _function(self, program: Program) -> Callable[..., tuple[Array, ...]]:
        """Return the program as a function of its operands, for whatever will run it."""
        if not is_rowwise(program):
            return partial(program, Repaired(self.xp, fractions=True))
        ways = self._ways(program)
        lines = ways["cuda" if jax.config.jax_enable_x64 else "default"]

        def chosen(*operands: Array) -> tuple[Array, ...]:
            results: tuple[Array, ...] = jax.lax.platform_dependent(*operands, **ways)
            return results

        def rule(operands: tuple[Array, ...], tangents: tuple[Array, ...]) -> Any:
            # JAX would not differentiate float64 where there is none.
            return function(*operands), jax.jvp(lines, operands, tangents)[1]

        function: Callable[..., tuple[Array, ...]] = jax.custom_jvp(chosen)
        function.defjvp(rule)  # type: ignore[attr-defined]
        return function

    def _ways(self, program: RowProgram) -> dict[str, Callable[..., tuple[Array, ...]]]:
        """Return for each platform the program as a function of its operands.

        CPUs and GPUs compute what belongs to a row of classes in float64, whether or not JAX shows
        it to its users: in float32 rows of ten lose 4 ulp and longer ones 8. TPUs have none, and it
        takes them long to compute as if they had.
        """
        few = in_float32(program)
        on_cpu = program.with_barrier(barrier)
        # What one of two classes has beside the other's 1.
        fractions = isinstance(program.size, int) and program.size <= 2
        common = namespace = Repaired(self.xp, fractions=fractions)
        if not few and program.compute != program.wide and "hessian" not in program.outputs:
            namespace = Repaired(self.xp, barrier)
        narrow: Callable[..., tuple[Array, ...]] = partial(program.narrowed(), common)
        if program.compute == self.xp.float64:
            narrow = widened(narrow)  # There are such arrays where JAX makes none.
        cpu = partial(on_cpu.narrowed(), namespace) if few else widened(partial(on_cpu, namespace))
        gpu = widened(partial(program, common))
        return {"cpu": cpu, "cuda": gpu, "rocm": gpu, "default": narrow}

    def _by_rule(self, program: Differentiable, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        closed_form = jax.custom_jvp(self._function(program))

        def rule(
            operands: tuple[Array, ...], tangents: tuple[Any, ...]
        ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
            # A primal may come as what the caller gave: a number, or NumPy's float64.
            operands = tuple(self.xp.asarray(operand) for operand in operands)
            results = closed_form(*operands)
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


def barrier(*arrays: Array) -> tuple[Array, ...]:
    """Return arrays of which XLA computes anew what it has computed of the others.

    On CPUs it would keep exponentials in memory for sums and gradient, which takes longer: dense
    labels of ten and 1000 classes 9.1 and 4.8 ns instead of 7.9 and 3.1 (JAX 0.10). One by one,
    since of arrays together none may vary over a mesh that others do not.
    """
    return tuple(jax.lax.optimization_barrier(array) for array in arrays)


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


STRIPES = 32
"""The number of partial sums of a row in float64."""


FEW = 3
"""The classes up to which float32 holds the bars for class numbers."""


def in_float32(program: RowProgram) -> bool:
    """Tell whether float32 holds the bars, where float64 for each row takes longer.

    Loss and gradient of up to 32 classes with a label each are then within 3.9 ulp, of three with
    class numbers within 3.4 (2e6 logits for each number of classes). Ten classes with a label each
    take 8.3 ns a logit, and 12 with float64, two with class numbers 11 and 16.
    """
    limit = FEW if "classes" in program.operands else LONG
    # Exported programs may have symbols for sizes.
    few = isinstance(program.size, int) and program.size <= limit
    return few and program.compute != program.wide and "hessian" not in program.outputs


@partial(jax.jit, inline=True)  # one call where arrays are computed line by line
def _arithmetic(e: Array) -> Array:
    return log1p(e, single=e.dtype.itemsize == 4)


_log1p: Any = jax.custom_jvp(_arithmetic)
# Its lines are those of an approximation, the derivative of which has fewer digits.
_log1p.defjvps(lambda tangent, _, e: tangent / (1.0 + e))


class Repaired:
    """JAX's namespace with a difference and a sum over classes that keep their digits."""

    def __init__(
        self,
        xp: Namespace,
        barrier: Callable[..., tuple[Array, ...]] | None = None,
        *,
        fractions: bool = False,
    ) -> None:
        self._xp, self._barrier = xp, barrier
        self.log1p = _log1p if fractions else xp.log1p

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)

    def subtract(self, x: Array, top: Array) -> Array:
        """Return x - top, and 0 where x is the maximum.

        XLA computes x once more for this, if that is a product as of ``logits / temperature``, and
        its machine code then leaves out the rounding of the product: what is added prevents that.
        """
        return (x + (top - top)) - top

    def sum(self, x: Array, *, axis: int, keepdims: bool, dtype: DType) -> Array:
        """Return the sum over the last axis.

        There is no wider dtype to add float64 up in, and XLA's sum of rows of 1000 is off by up to
        5.1 units of 2^-53. Added up in 32 stripes first, rows of 33 to 10 000 by 2.9 (3000 each).
        """
        count = x.shape[-1]
        if x.dtype == self._xp.float64 and isinstance(count, int) and count > STRIPES:
            edges = [(0, 0)] * (x.ndim - 1) + [(0, -count % STRIPES)]
            stripes = (*x.shape[:-1], STRIPES, -(-count // STRIPES))
            x = self._xp.reshape(self._xp.pad(x, edges), stripes).sum(-2)
        value = self._xp.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)
        # Without it XLA takes arithmetic in float64 into the kernels of sums, on CPUs: 256 classes
        # with a label each then take up to 15 ns a logit instead of 4.
        return value if self._barrier is None else self._barrier(value)[0]
