"""NumPy: programs without floating-point warnings, on base arrays."""

import sys
from typing import Any

import numpy as np

from .._typing import Array
from .direct import Backend, Program


class QuietBackend(Backend):
    """The direct way with NumPy's floating-point error handling switched off.

    Overflow to inf and underflow to 0 are right results here, and a caller who has asked NumPy to
    raise on them means his own arithmetic. Serves the libraries that compute by NumPy, too.
    """

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program with no floating-point warnings."""
        with np.errstate(all="ignore"):
            return super().evaluate(program, operands, summed)


class NumpyBackend(QuietBackend):
    """NumPy itself, whose scalars, subclasses and results need some care."""

    def adopt(self, array: Array) -> Array:
        """Return a base array: a scalar becomes 0-d, a subclass loses what it adds.

        A matrix or masked array would silently compute something else, and is refused.
        """
        if type(array) is np.ndarray:
            return array
        ma = sys.modules.get("numpy.ma")
        if isinstance(array, np.matrix) or (ma and isinstance(array, ma.MaskedArray)):
            raise TypeError(
                f"a base array; got {type(array).__name__}: convert it with numpy.asarray, and "
                "pass what a masked array hides as `mask`"
            )
        return np.asarray(array)

    def device(self, array: Array) -> None:
        """All NumPy arrays live on one device."""
        return

    def evaluate(
        self, program: Program, operands: tuple[Array, ...], summed: tuple[bool, ...]
    ) -> tuple[Array, ...]:
        """Run the program: arrays in, arrays out.

        NumPy's operators turn 0-d arrays into scalars. Sums stay the scalars that NumPy's own `sum`
        returns, also when they come back as operands.
        """
        results: tuple[Any, ...] = super().evaluate(program, operands, summed)
        scalar = not isinstance(operands[0], np.ndarray)
        return tuple(
            value if scalar or add else np.asarray(value)
            for value, add in zip(results, summed, strict=True)
        )
