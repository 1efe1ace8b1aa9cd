"""The mathematics of the package, each formula written once.

Pure functions of primitives and arrays. They check nothing and know no library: the same lines run
on NumPy tiles, under `jax.jit` and on 400-digit numbers.
"""
