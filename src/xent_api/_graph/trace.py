"""A program traced once: a graph of the operations that it calls.

The program is called with proxies, which note what is done to them. The graph is then run on whole
arrays or each tile: the operations and their order are those of the program, and so are their bits,
but each one writes into memory that is assigned beforehand. (``docs/mathematics.md`` explains the
words.)
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from .._math.log1p import log1p
from .._math.ops import LabelPlace, Ops
from .._typing import DType, Shape
from .kernels import KernelTable
from .tiles import broadcast

ArraySpec = tuple[DType, Shape]
"""Dtype and shape of an array, or its broadcast signature (see `tiles`)."""
COMPARISONS = frozenset({"equal", "not_equal", "greater_equal", "less", "isnan"})


class Node(NamedTuple):
    """An operation: ``values[result] = kernels[op](*(values[k] for k in args), out=...)``."""

    op: str
    args: tuple[int, ...]
    result: int


class Graph(NamedTuple):
    """A traced program. Its values are operands, constants, and the results of nodes."""

    nodes: tuple[Node, ...]
    values: tuple[Any, ...]
    """The constants, by index; None where a value comes with a call."""
    specs: tuple[ArraySpec | None, ...]
    """What each value is; None for constants."""
    outputs: tuple[int, ...]


def trace(
    results: Callable[..., tuple[Any, ...]],
    operands: tuple[ArraySpec, ...],
    kernels: KernelTable,
    axis: int = -1,
    ops: "Callable[[Tracer], TracedOps] | None" = None,
) -> Graph:
    """Return the graph of a program's results, for operands of these dtypes and shapes.

    `axis` is where arrays of two axes have the classes, which are the last axis of a program.
    """
    tracer = Tracer(kernels, axis)
    found = results((ops or TracedOps)(tracer), *[tracer.value(*spec) for spec in operands])
    values = tuple(tracer.constants.get(k) for k in range(len(tracer.specs)))
    outputs = tuple(value.index for value in found)
    return Graph(tuple(tracer.nodes), values, tuple(tracer.specs), outputs)


class Tracer:
    """The nodes of one program, as they are noted."""

    def __init__(self, kernels: KernelTable, axis: int) -> None:
        self.kernels, self.axis = kernels, axis
        self.nodes: list[Node] = []
        self.specs: list[ArraySpec | None] = []
        self.constants: dict[int, Any] = {}
        self._numbers: dict[tuple[object, ...], int] = {}

    def value(self, dtype: DType, shape: Shape) -> "Proxy":
        """Return what stands for the next value."""
        self.specs.append((dtype, shape))
        return Proxy(self, len(self.specs) - 1, dtype, shape)

    def call(
        self, op: str, *args: Any, dtype: DType | None = None, shape: Shape | None = None
    ) -> "Proxy":
        """Note an operation; its dtype is that of the last array and its shape that of all."""
        proxies = [value for value in args if isinstance(value, Proxy)]
        own = proxies[-1].dtype
        if dtype is None:
            dtype = self.kernels.boolean if op in COMPARISONS else own
        if shape is None:
            shape = broadcast(*[value.shape for value in proxies])
        indices = tuple([self._index(value, own) for value in args])
        result = self.value(dtype, shape)
        self.nodes.append(Node(op, indices, result.index))
        return result

    def reduce(self, op: str, value: "Proxy", dtype: DType | None = None) -> "Proxy":
        """Note an operation that makes one number of the classes of a row."""
        shape = list(value.shape)
        shape[self.axis] = 1
        dtype = self.kernels.dtype(value.dtype if dtype is None else dtype)
        return self.call(f"{op}{self.axis}", value, dtype=dtype, shape=tuple(shape))

    def _index(self, value: Any, dtype: DType) -> int:
        if isinstance(value, Proxy):
            return value.index
        key = value.hex() if isinstance(value, float) else value, type(value), dtype
        if key not in self._numbers:
            self._numbers[key] = len(self.specs)
            self.constants[len(self.specs)] = self.kernels.constant(value, dtype)
            self.specs.append(None)
        return self._numbers[key]


def _operator(op: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: "Proxy", other: Any) -> "Proxy":
        return self.tracer.call(op, self, other)

    def reflected(self: "Proxy", other: Any) -> "Proxy":
        return self.tracer.call(op, other, self)

    return forward, reflected


class Proxy:
    """Stands for an array while a program is traced."""

    def __init__(self, tracer: Tracer, index: int, dtype: DType, shape: Shape) -> None:
        self.tracer, self.index, self.dtype, self.shape = tracer, index, dtype, shape

    __add__, __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("subtract")
    __mul__, __rmul__ = _operator("multiply")
    __truediv__, __rtruediv__ = _operator("divide")
    __and__, _ = _operator("bitwise_and")
    __or__, _ = _operator("bitwise_or")
    __ge__, _ = _operator("greater_equal")
    __lt__, _ = _operator("less")
    __eq__, _ = _operator("equal")
    __ne__, _ = _operator("not_equal")
    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> "Proxy":
        return self.tracer.call("negative", self)

    def __invert__(self) -> "Proxy":
        return self.tracer.call("bitwise_invert", self)


def _call(op: str) -> Callable[..., Proxy]:
    def function(*args: Any) -> Proxy:
        tracer: Tracer = args[0].tracer
        return tracer.call(op, *args)

    return function


def _astype(value: Proxy, dtype: DType) -> Proxy:
    return value.tracer.call("astype", value, dtype=value.tracer.kernels.dtype(dtype))


def _where(condition: Proxy, one: Any, other: Any) -> Proxy:
    """Note a choice between an array and a number, by a mask of the bits of the array's numbers."""
    if isinstance(one, Proxy) and isinstance(other, Proxy):
        raise TypeError("programs choose between an array and a number only")
    array, number = (one, other) if isinstance(one, Proxy) else (other, one)
    tracer = condition.tracer
    integer = tracer.kernels.integer(array.dtype)
    mask = tracer.call("lane_mask", condition if array is one else ~condition, dtype=integer)
    return tracer.call("select", mask, array, number)


def _reduction(op: str) -> Callable[..., Proxy]:
    def function(value: Proxy, *, axis: int, keepdims: bool, dtype: DType | None = None) -> Proxy:
        assert axis == -1, "the axis of the classes"
        assert keepdims, "by which the result stays aligned"
        return value.tracer.reduce(op, value, dtype)

    return function


FUNCTIONS = SimpleNamespace(
    **{op: _call(op) for op in ("abs", "exp", "floor", "isnan", "log1p", "minimum")},
    astype=_astype,
    where=_where,
    max=_reduction("max"),
    sum=_reduction("sum"),
    zeros_like=lambda like: like.tracer.call("full_like", like, 0),
    ones_like=lambda like: like.tracer.call("full_like", like, 1),
    full_like=_call("full_like"),
)
"""What programs use of the standard's functions."""


class TracedOps(Ops):
    """The primitives as single operations, where a kernel does more than the default lines."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__(FUNCTIONS)
        self.tracer = tracer

    def exp_neg_abs(self, x: Proxy, sign: Proxy) -> Proxy:
        """Return exp(-abs(x)), which need not wait for the sign: nobody differentiates a graph."""
        return cast("Proxy", self.exp(self.tracer.call("neg_abs", x)))

    def log1p_unit(self, e: Proxy) -> Proxy:
        """Return log(1 + e) for 0 <= e <= 1, made of other kernels where there is none for it."""
        if e.dtype not in self.tracer.kernels.no_log1p:
            return cast("Proxy", self.log1p(e))
        return cast("Proxy", log1p(e, single=e.dtype.itemsize == 4))

    def zero_if_infinite(self, x: Proxy, factor: Proxy) -> Proxy:
        """Return x with 0 before inf*0, by a kernel that looks first: most tiles have no inf."""
        return self.tracer.call("zero_if_infinite", factor, x, 0.0)

    def divided_by(self, x: Proxy, number: float) -> Proxy:
        """Return x / number; no kernel multiplies by a reciprocal."""
        return x / number  # type: ignore[no-any-return]

    def sum_excluding_max(self, e: Proxy, dtype: DType) -> Proxy:
        """Return the sum without a 1, which is looked for only where digits depend on it."""
        if e.dtype == dtype:  # no kernel adds up in two parts
            return cast("Proxy", super().sum_excluding_max(e, dtype))
        return self.tracer.reduce("sum_excluding_max", e, dtype)

    def place(self, classes: Proxy, labels: Proxy, dtype: DType) -> LabelPlace:
        """Return the labels as indices of the memory of a tile."""
        op, index = f"label_index{self.tracer.axis}", self.tracer.kernels.index
        found = self.tracer.call(op, classes, labels, dtype=index, shape=labels.shape)
        return LabelPlace(classes, labels, found)

    def take_label(self, x: Proxy, at: LabelPlace) -> Proxy:
        """Return x at the label."""
        return self.tracer.call("take_label", at.marker, x, shape=at.labels.shape)

    def take_class(self, x: Proxy, at: LabelPlace) -> Proxy:
        """Return what one array for all rows has at the label."""
        return self.tracer.call("take_class", at.labels, x, shape=at.labels.shape)

    def zero_at_label(self, x: Proxy, at: LabelPlace) -> Proxy:
        """Return x with 0 at the label."""
        return self.tracer.call("zero_at_label", at.marker, x)

    def set_at_label(self, x: Proxy, at: LabelPlace, value: Proxy) -> Proxy:
        """Return x with a value of each row at its label."""
        return self.tracer.call("set_at_label", at.marker, value, x)
