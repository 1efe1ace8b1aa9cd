"""The mathematics of the package, each formula written once.

Pure functions of primitives and arrays. They check nothing and name no library: the same lines run
on tiles, under compilers and on 400-digit numbers.
"""
