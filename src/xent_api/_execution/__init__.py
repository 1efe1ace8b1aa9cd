"""How a program is run on each array library.

The only place that knows array libraries by name, and the only one that imports array-api-compat.
Nothing here contains mathematics: a program comes in, arrays come out.
"""
