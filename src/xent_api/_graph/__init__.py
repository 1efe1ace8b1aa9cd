"""A tracing compiler for programs of primitives, which knows no formula and no library."""
