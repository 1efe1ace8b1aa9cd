"""MLX: the direct way, on a namespace completed and repaired to the standard."""

from typing import Any, NoReturn

from .._math.ops import DifferentiatedOps
from .._math.shard import ShardProgram
from .._typing import Array, DType, Namespace
from .base import Backend
from .derivatives import no_derivative


class MlxBackend(Backend):
    """Arrays in memory that all of MLX's devices share."""

    def __init__(self, xp: Namespace) -> None:
        super().__init__(MlxOps(xp))

    def device(self, array: Array) -> None:
        """Arrays have no device; operations have one."""
        return

    def sized(self) -> bool:
        """Tell no: ``mx.compile(shapeless=True)`` would keep the sizes of its first call."""
        return False

    def run_part(self, program: ShardProgram, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the results, and refuse derivatives, which are 0 for constants."""

        def refused(*_: Any) -> NoReturn:
            raise no_derivative(program.outputs)

        function = self.xp.custom_function(lambda *operands: list(self.run(program, operands)))
        function.vjp(refused)
        function.jvp(refused)
        return tuple(function(*operands))

    def accumulator(self, like: Array) -> DType | None:
        """Return float64 where operations run on the CPU: the GPU has none."""
        on_cpu = self.xp.default_device() == self.xp.Device(self.xp.cpu)
        return self.xp.float64 if on_cpu else None


class MlxOps(DifferentiatedOps):
    """The namespace of MLX with a `sum` that takes a dtype and an `exp` that keeps its digits."""

    def stop_gradient(self, x: Array) -> Array:
        """Return x as a constant for derivatives."""
        return self._xp.stop_gradient(x)

    def astype(self, x: Array, dtype: DType) -> Array:
        """Return the array in a dtype; a boolean one as a constant for derivatives.

        In forward mode MLX's own gives it a derivative of 0, which NaN comes of beside infinity.
        """
        value = x.astype(dtype)
        return self._xp.stop_gradient(value) if x.dtype == self._xp.bool_ else value

    def sum(
        self,
        x: Array,
        *,
        axis: int | None = None,
        dtype: DType | None = None,
        keepdims: bool = False,
    ) -> Array:
        """Add up in `dtype`, by default in the default integer dtype for integers.

        MLX's own keeps the dtype of an integer without dimensions.
        """
        x = self._xp.reshape(x, (-1,)) if x.ndim == 0 else x
        return self._xp.sum(x if dtype is None else x.astype(dtype), axis=axis, keepdims=keepdims)

    def exp(self, x: Array) -> Array:
        """Return exp(x) for x <= 0.

        In float32 MLX 0.32's own is off by up to 63 ulp, and flushes subnormal results, on the CPU;
        this one by at most 0.91 ulp over 200 000 logarithmically spaced x from -104 to -1e-8. In
        float64 both are accurate to float32 only, for which there is no remedy within MLX.
        """
        return _exp_single(self._xp, x) if x.dtype == self._xp.float32 else self._xp.exp(x)


LOG2_HIGH, LOG2_LOW = 0.693359375, -2.12194440e-4
"""log(2) in two parts, of which k times the first is exact (Cody and Waite; the figures of the
Cephes library's `expf`)."""


def _exp_single(mx: Namespace, x: Array) -> Array:
    """Return exp(x) = (1 + expm1(r)) * 2^k with x = k*log(2) + r and abs(r) < 0.35.

    `expm1` of so small an r is right to 0.76 ulp. The power is applied in two halves, since 2^k
    alone may be subnormal; it is a constant for autodiff, whose derivative of the rest is right.
    """
    k = mx.stop_gradient(mx.clip(mx.round(x * 1.4426950408889634), -252.0, 0.0))
    r = (x - k * LOG2_HIGH) - k * LOG2_LOW
    power = k.astype(mx.int32)
    half = power // 2
    return (1.0 + mx.expm1(r)) * _power_of_two(mx, half) * _power_of_two(mx, power - half)


def _power_of_two(mx: Namespace, k: Array) -> Array:
    """Return 2^k in float32 by its bits: the exponent field stands above 23 bits of fraction."""
    return mx.stop_gradient(mx.view((k + 127) * 2**23, mx.float32))
