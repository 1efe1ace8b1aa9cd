"""The mathematics of the package, each formula written once.

Pure functions of an array namespace and arrays. They import nothing of the package but its type
names, check nothing and know no framework: the same lines run on NumPy tiles, under `jax.jit` and
on 400-digit numbers.
"""
