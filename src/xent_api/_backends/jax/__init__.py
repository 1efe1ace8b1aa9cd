"""JAX: the closed-form derivatives as a rule of forward mode, from which it makes reverse mode."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.experimental
from jax.custom_derivatives import SymbolicZero

from ..._math.ops import Ops
from ..._math.program import Differentiable
from ..._math.shard import ShardProgram
from ..._typing import Array, Device, DType, Namespace, Program
from ..base import Backend
from ..derivatives import has_closed_form
from .ops import DifferentiatedJaxOps, DifferentiatedShardedOps, JaxOps, ShardedOps
from .part import by_rule
from .strategy import choose

# JAX before 0.8 has it in `jax.experimental` only.
enable_x64: Any = (jax if hasattr(jax, "enable_x64") else jax.experimental).enable_x64
LOWERS_FLOAT64: bool = jax.__version_info__ >= (0, 7, 2)
"""Whether compiled lines may be of float64 where users have none. Older versions give the lines'
numbers the dtype float32, and then refuse them (an error of MLIR's verifier, seen in 0.5 to 0.7.1).
"""
Function = Callable[..., tuple[Array, ...]]
Rows = Differentiable | ShardProgram


class JaxBackend(Backend):
    """Plain programs for arrays, and under a rule for what JAX's transformations trace."""

    def __init__(self, xp: Namespace) -> None:
        super().__init__(xp)
        self.ops = DifferentiatedJaxOps(xp)

    def plan_key(self, array: Array) -> tuple[object, ...] | None:
        """Return what matters of an array that is there; tracers are planned for anew."""
        if isinstance(array, jax.core.Tracer):
            return None
        x64 = jax.config.jax_enable_x64
        return array.dtype, array.shape, array.weak_type, array.sharding, x64

    def is_weak(self, array: Array) -> bool:
        """Tell whether an array is a Python number, as ``jax.jit`` traces it."""
        return bool(array.weak_type) and array.ndim == 0

    def device(self, array: Array) -> Device | None:
        """Return the device of an array that lives on one.

        A tracer has none yet, and a sharded array has many: JAX itself checks those.
        """
        device = getattr(array, "device", None)
        return None if hasattr(device, "device_set") else device

    def positions(self, labels: Array, axis: int) -> Array:
        """Return zeros, and no slice of labels, which may be NaN or sharded by classes."""
        shape = labels.shape[:axis] + labels.shape[labels.ndim + axis + 1 :]
        return self.xp.zeros((*shape, 1), dtype=self.xp.bool, **self.creation(labels))

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
        if traced:
            floating = [self.xp.isdtype(operand.dtype, "real floating") for operand in operands]
            if has_closed_form(program, floating):
                return self._by_rule(program, operands)
        elif isinstance(program, Differentiable) and program.rowwise:
            functions = self._by_platform(program, traced=False, sharded=_is_sharded(operands))
            return functions[_platform(operands)](*operands)
        return self._function(program, sharded=_is_sharded(operands))(*operands)

    def run_part(self, program: ShardProgram, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Run the program of rows of which other devices have classes, too."""

        def run(program: ShardProgram, operands: tuple[Array, ...]) -> tuple[Array, ...]:
            return self._on_platform(program, sharded=_is_sharded(operands))(*operands)

        return by_rule(program, operands, run, self.ops)

    def _function(self, program: Program, *, sharded: bool) -> Function:
        """Return the program as a function of its operands, for whatever will run it.

        Rows have a rule of their own: JAX would not differentiate float64 where there is none. It
        is used where a derivative has no closed form, as that of a gradient.
        """
        ops = DifferentiatedShardedOps(self.xp) if sharded and program.rowwise else self.ops
        if not isinstance(program, Differentiable) or not program.rowwise:
            return partial(program.results, ops)
        lines = self._rows(program, ops, wide=jax.config.jax_enable_x64)

        def derivative_of_lines(operands: tuple[Array, ...], tangents: tuple[Array, ...]) -> Any:
            return function(*operands), jax.jvp(lines, operands, tangents)[1]

        function: Function = jax.custom_jvp(self._on_platform(program, sharded=sharded))
        function.defjvp(derivative_of_lines)  # type: ignore[attr-defined]
        return function

    def _on_platform(self, program: Rows, *, sharded: bool) -> Function:
        """Return the program as a function of its operands, for the platform that will run it."""
        by_platform = self._by_platform(program, traced=True, sharded=sharded)

        def chosen(*operands: Array) -> tuple[Array, ...]:
            results: tuple[Array, ...] = jax.lax.platform_dependent(*operands, **by_platform)
            return results

        return chosen

    def _by_platform(self, program: Rows, *, traced: bool, sharded: bool) -> dict[str, Function]:
        """Return for each platform the program as a function of its operands.

        CPUs and GPUs compute what belongs to a row of classes in float64, whether or not JAX shows
        it to its users: in float32 rows of ten lose 4 ulp and longer ones 8. (CPUs not for up to
        three classes.) TPUs have none, and it takes them long to compute as if they had.
        """
        rule = choose(program, traced=traced)
        able = LOWERS_FLOAT64 or jax.config.jax_enable_x64 or not traced
        plain = ShardedOps(self.xp) if sharded else JaxOps(self.xp)
        cpu = plain if sharded else rule.ops(self.xp)
        gpu = self._rows(program, plain, wide=able)
        return {
            "cpu": self._rows(program, cpu, wide=able and (sharded or rule.float64)),
            "cuda": gpu,
            "rocm": gpu,
            "default": self._rows(program, plain, wide=False),
        }

    def _rows(self, program: Rows, ops: Ops, *, wide: bool) -> Function:
        """Return the program as a function of its operands, with float64 for rows if `wide`."""
        lines: Program = program if wide else program.without_wide()
        function: Function = partial(lines.results, ops)
        # There are arrays of float64 even where JAX makes none.
        return with_float64(function) if wide or program.compute == self.xp.float64 else function

    def _by_rule(self, program: Differentiable, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Run the program with its derivatives in closed form."""
        closed_form = jax.custom_jvp(self._function(program, sharded=_is_sharded(operands)))

        def derivative(
            operands: tuple[Array, ...], tangents: tuple[Any, ...]
        ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
            # A primal may come as what the caller gave: a number, or NumPy's float64.
            operands = tuple(
                v if isinstance(v, jax.Array) else self.xp.asarray(v) for v in operands
            )
            results = self._by_rule(program, operands)
            return results, tuple(
                self._tangent(program, output, operands, tangents).astype(value.dtype)
                for output, value in enumerate(results)
            )

        closed_form.defjvp(derivative, symbolic_zeros=True)
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
                factor = self.xp.asarray(tangent, dtype=derivative.dtype)
                parts.append(program.pushed(self.ops, name, derivative, factor, operands))
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


def with_float64(function: Function) -> Function:
    """Return the function with float64 in its lines."""

    def with_it(*operands: Array) -> tuple[Array, ...]:
        with enable_x64(True):  # noqa: FBT003  (has no name)
            return function(*operands)

    return with_it


def _is_sharded(operands: tuple[Array, ...]) -> bool:
    """Tell whether the type of an array says how it is sharded, as in meshes with Explicit axes."""
    typeof = getattr(jax, "typeof", None)  # older versions have no such axes
    return typeof is not None and any(
        part is not None for operand in operands for part in typeof(operand).sharding.spec
    )


def _platform(operands: tuple[Array, ...]) -> str:
    """Return the name that `platform_dependent` has for where the operands are."""
    names = {device.platform for operand in operands for device in operand.devices()}
    return {"cpu": "cpu", "gpu": "cuda"}.get("".join(names), "default")
