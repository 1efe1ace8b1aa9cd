"""Everything that is checked before anything is computed.

These modules compare names, shapes and dtypes and read Python numbers; they never look at the
values of an array.
"""
