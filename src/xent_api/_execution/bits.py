"""A choice between an array and a number by arithmetic on bits, in NumPy's and PyTorch's words."""

from .._typing import Array, Namespace


def choose(xp: Namespace, bits: Array, source: Array, pattern: Array) -> None:
    """Put the bits of `source` where `bits` is -1 (all of them set), `pattern` where it is 0.

    All are integers as wide as the numbers that they stand for; `bits` holds the condition before
    and the result afterwards.
    """
    if not pattern:
        xp.bitwise_and(bits, source, out=bits)
        return
    xp.bitwise_and(bits, xp.bitwise_xor(source, pattern), out=bits)
    xp.bitwise_xor(bits, pattern, out=bits)
