"""From a graph to machine code: one loop over vectors, by LLVM (the extra `native`)."""
