"""NumPy: programs without floating-point warnings, on base arrays."""

import sys

import numpy as np

from .._typing import Array
from .direct import Backend, Program


class QuietBackend(Backend):
    """The direct way with NumPy's floating-point error handling switched off.

    Overflow to inf and underflow to 0 are right results here, and a caller who has asked NumPy to
    raise on them means his own arithmetic. Serves the libraries that compute by NumPy, too.
    """

    def run(self, program: Program, operands: tuple[Array, ...], count: int) -> tuple[Array, ...]:
        """Run the program with no floating-point warnings."""
        with np.errstate(all="ignore"):
            return super().run(program, operands, count)

    def total(self, value: Array) -> Array:
        """Return the sum with no floating-point warnings."""
        with np.errstate(all="ignore"):
            return super().total(value)


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

    def run(self, program: Program, operands: tuple[Array, ...], count: int) -> tuple[Array, ...]:
        """Run the program: arrays in, arrays out.

        NumPy's operators turn 0-d arrays into scalars. Sums stay the scalars that NumPy's own `sum`
        returns, also when they come back as operands.
        """
        results = super().run(program, operands, count)
        if not isinstance(operands[0], np.ndarray):
            return results
        return tuple(np.asarray(value) for value in results)
