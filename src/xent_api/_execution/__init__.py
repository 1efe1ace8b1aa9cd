"""How a program is run on each array library.

The only place that knows array libraries by name, and the only one that imports array-api-compat.
Nothing here knows a loss: a program comes in, arrays come out. What a library does not do to the
standard, or not to its digits, is mended in its module.
"""
