"""Print the sigmoid's loss after each pass, for ``_graph/README.md`` and ``docs/kernels.md``.

python tools/graph_page.py
"""

import re
import struct

import numpy as np

from xent_api._backends.numpy.kernels import KERNELS
from xent_api._graph.buffers import BufferAssignment
from xent_api._graph.codegen.emit import Signature
from xent_api._graph.codegen.kernels import text
from xent_api._graph.simplify import simplify
from xent_api._graph.trace import Graph, trace
from xent_api._math.program import LossProgram

NAMES = {0: "x", 1: "z"}


def listing(graph: Graph) -> str:
    """Return a line for each node."""
    lines = []
    for node in graph.nodes:
        args = ", ".join(_name(graph, k) for k in node.args)
        spec = graph.specs[node.result]
        assert spec is not None
        lines.append(f"%{node.result} = {node.op}({args})  # {spec[0]}")
    return "\n".join([*lines, f"return {', '.join(_name(graph, k) for k in graph.outputs)}"])


def buffers(assignment: BufferAssignment) -> str:
    """Return a line for each node that is left: into which buffer it writes."""
    kernels = {id(kernel): op for op, kernel in assignment.kernels.kernels.items()}
    lines = []
    for kernel, *args, result, number in assignment.steps:
        given = ", ".join(_name(assignment.graph, k) for k in args if k is not None)
        lines.append(f"buffer {number} <- %{result} = {kernels[id(kernel)]}({given})")
    return "\n".join(lines)


def instructions() -> str:
    """Return the loop of the kernel, with numbers that one can read and short names of types."""
    names, no = ("float32", "float32"), (False, False)
    loss = LossProgram(
        "sigmoid", ("loss",), ("logits", "labels"), "float32", names[:1], (False,), (), None, 0.0
    )
    signature = Signature(names, no, (), names[:1], no[:1])
    lines = text(loss, signature, None, fused=True).split("\n")
    found = "\n".join(lines[lines.index("loop:") : lines.index("exit:")])
    found = re.sub(r"splat \(double 0x(\w+)\)", lambda m: repr(_number(m[1])), found)
    found = re.sub(r"splat \(i64 (-?\d+)\)", r"\1", found)
    found = re.sub(r" @llvm\.(\w+)\.v\d+f64", r" \1", found)
    for kind, short in (("double", "d"), ("float", "f"), ("i64", "i"), ("i1", "b")):
        found = found.replace(f"<16 x {kind}>", short)
    return found


def _number(digits: str) -> float:
    (value,) = struct.unpack(">d", bytes.fromhex(digits))
    return float(value)


def _name(graph: Graph, index: int) -> str:
    if graph.values[index] is not None:
        return f"{float(graph.values[index])}"
    return NAMES.get(index, f"%{index}")


def main() -> None:
    """Print the four listings."""
    single = np.dtype(np.float32)
    loss = LossProgram(
        "sigmoid", ("loss",), ("logits", "labels"), single, (single,), (False,), (), None, 0.0
    )
    traced = trace(loss.results, ((single, (2,)), (single, (2,))), KERNELS)
    for found in (
        listing(traced),
        listing(simplify(traced)),
        buffers(BufferAssignment(simplify(traced), KERNELS)),
        instructions(),
    ):
        print(found, end="\n\n")


if __name__ == "__main__":
    main()
