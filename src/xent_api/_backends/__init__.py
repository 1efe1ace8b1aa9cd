"""How each array library computes: the only rooms that name one.

A library that follows the standard needs no module here. What one does not do to the standard, or
not to its digits, is mended in its own module.
"""
