"""A choice between an array and a number by arithmetic on bits, in NumPy's and PyTorch's words."""

from .._typing import Array, Namespace


def choose(xp: Namespace, bits: Array, source: Array, pattern: Array, out: Array) -> None:
    """Put into `out` the bits of `source` where `bits` is -1 (all set), `pattern` where it is 0.

    All are integers as wide as the numbers that they stand for. `out` may be the memory of `source`
    or `bits`, the latter if `pattern` is 0.
    """
    if not pattern:
        xp.bitwise_and(bits, source, out=out)
        return
    xp.bitwise_xor(source, pattern, out=out)
    xp.bitwise_and(out, bits, out=out)
    xp.bitwise_xor(out, pattern, out=out)
