"""A tracing compiler for array programs, which knows no loss and no library by name."""
