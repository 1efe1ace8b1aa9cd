"""The primitives as they are traced for a compiler: down to single instructions."""

from typing import Any, cast

from ..._math import elementary
from ..._math.ops import LabelPlace, Ops
from ..._typing import DType
from ..kernels import KernelTable
from ..trace import Proxy, TracedOps, Tracer

UNUSED: Any = None
NAMES = KernelTable(
    {}, UNUSED, lambda value, _: value, str, "bool", str, "int64", UNUSED, UNUSED, UNUSED, UNUSED
)
"""What a tracer asks for: dtypes by their names, and numbers as they are."""


class NativeOps(TracedOps):
    """Primitives for one vector of float64 registers, with the digits of float32 or of float64."""

    def __init__(self, tracer: Tracer, *, single: bool) -> None:
        super().__init__(tracer)
        self.single = single
        self.rest: dict[int, Proxy] = {}
        """Index of a difference → what it is rounded by."""

    def fma(self, x: Proxy, y: Proxy | float, z: Proxy | float) -> Proxy:
        """Return x*y + z, rounded once."""
        return self.tracer.call("fma", x, y, z)

    def power_of_two(self, k: Proxy) -> Proxy:
        """Return the number whose exponent has the last bits of `k`."""
        return self.tracer.call("power_of_two", k)

    def at_least(self, x: Proxy, number: float) -> Proxy:
        """Return x, or the number where x is less; NaN stays."""
        return self.tracer.call("at_least", x, number)

    def where(self, condition: Proxy, one: Proxy | float, other: Proxy | float) -> Proxy:
        """Return one where the condition holds, and the other elsewhere."""
        return self.tracer.call("where", condition, one, other)

    def exponent(self, x: Proxy) -> Proxy:
        """Return the n of 2**n <= x < 2**(n + 1)."""
        return self.tracer.call("exponent", x)

    def exp_neg_abs(self, x: Proxy, sign: Proxy) -> Proxy:
        """Return exp(-abs(x))."""
        found = elementary.exp_of_negative(self, self.tracer.call("neg_abs", x), single=self.single)
        return cast("Proxy", found)

    def difference(self, x: Proxy, y: Proxy) -> tuple[Proxy, Proxy | None]:
        """Return x - y, and what it is rounded by."""
        return elementary.difference(x, y, single=self.single)

    def log1p_minus_product(
        self, factor: Proxy | float | None, e: Proxy, x: Proxy, y: Proxy, rest: Proxy | None
    ) -> Proxy:
        """Return factor*log(1 + e) - x*(y + rest) for 0 <= e <= 1."""
        given = factor, e, x, y, rest
        found = elementary.log1p_minus_product(self, *given, single=self.single)
        return cast("Proxy", found)

    def over_one_plus(self, e: Proxy) -> Proxy:
        """Return e/(1 + e) for 0 <= e <= 1."""
        return cast("Proxy", elementary.over_one_plus(self, e, single=self.single))

    zero_if_infinite = Ops.zero_if_infinite

    def for_product(self, x: Proxy, factor: Proxy) -> Proxy:
        """Return x with 0 before inf*0, and before any other product with 0.

        That loses derivatives, of which there are none in a kernel, and a NaN, which the loss has
        from its other term.
        """
        return self.where(self.is_zero(factor), 0.0, x)

    def quotient(self, numerator: Proxy, denominator: Proxy | float) -> Proxy:
        """Return numerator / denominator with 0/0 = 0."""
        if self.single:
            found = elementary.quotient_by_reciprocal(self, numerator, denominator)
        else:
            found = super().quotient(numerator, denominator)
        return cast("Proxy", found)

    # Rows of classes

    def shift(self, x: Proxy, m: Proxy) -> Proxy:
        """Return x - m, of which the exponential knows what it is rounded by."""
        if self.single:
            return cast("Proxy", x - m)
        value, rest = elementary.exact_difference(x, m)
        self.rest[value.index] = rest
        return cast("Proxy", value)

    def exp(self, x: Proxy) -> Proxy:
        """Return exp(x) for x <= 0; of classes it is kept for the next pass over a row."""
        rest = self.rest.get(x.index)
        found = elementary.exp_of_negative(self, x, single=self.single, rest=rest)
        return self.tracer.call("kept", found) if of_classes(found) else cast("Proxy", found)

    def row_max(self, x: Proxy) -> Proxy:
        """Return the largest of each row, which need not be NaN if one of them is."""
        return self.tracer.reduce("max", x)

    def row_sum(self, x: Proxy, dtype: DType) -> Proxy:
        """Return the sum of each row: of float32 by float64, of float64 with what it rounds."""
        return self.tracer.reduce("sum" if self.single else "exact_sum", x, dtype)

    def sum_excluding_max(self, e: Proxy, dtype: DType) -> Proxy:
        """Return the sum of each row of e <= 1 without one of those that are 1."""
        is_one = e >= 1.0
        count = self.tracer.reduce("sum", self.astype(is_one, dtype))
        rest = self.row_sum(self.where(is_one, 0.0, e), dtype)
        return cast("Proxy", rest + (count - 1.0))

    def log1p_rest(self, r: Proxy, size: object, dtype: DType) -> Proxy:
        """Return log(1 + r)."""
        return cast("Proxy", elementary.log1p_of_sum(self, r, single=self.single))

    place, set_at_label = Ops.place, Ops.set_at_label

    def zero_at_label(self, x: Proxy, at: LabelPlace) -> Proxy:
        """Return x with -0 at the label: what adds nothing, for processors to leave out."""
        return self.where(at.marker, x, -0.0)

    def mixture(self, one: Proxy, other: Proxy, share: Proxy | float) -> Proxy:
        """Return one*(1 - share) + other*share, which of equal numbers is the same."""
        return self.fma(other, cast("Proxy", share), self.fma(one, -share, one))

    def take_class(self, x: Proxy, at: LabelPlace) -> Proxy:
        """Return what one array for all rows has at the label."""
        return self.take_label(x, at)

    def take_label(self, x: Proxy, at: LabelPlace) -> Proxy:
        """Return x at the label; at one that is no class, x of the nearest class."""
        return self.tracer.call("take_label", at.labels, x, shape=at.labels.shape)


def of_classes(value: Proxy) -> bool:
    """Tell whether a value has something else for each class."""
    return bool(value.shape) and value.shape[-1] != 1
