"""What runs between checked inputs and a reduction: mask, then coefficients, then formula.

A program is a pure function of an array namespace and aligned operands. The sigmoid family's looks
at one element at a time, so that a backend may run it on whole arrays, on tiles or blocks of them,
or as one fused kernel; the softmax families' look at one row of classes at a time. No program knows
how it is run, and none contains a formula.
"""
