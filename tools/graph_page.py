"""Print the nodes of the sigmoid's loss before and after each pass, for ``_graph/README.md``.

python tools/graph_page.py
"""

import numpy as np

from xent_api._backends.numpy.kernels import KERNELS
from xent_api._graph.buffers import BufferAssignment
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


def _name(graph: Graph, index: int) -> str:
    if graph.values[index] is not None:
        return f"{float(graph.values[index])}"
    return NAMES.get(index, f"%{index}")


def main() -> None:
    """Print the three listings."""
    single = np.dtype(np.float32)
    loss = LossProgram(
        "sigmoid", ("loss",), ("logits", "labels"), single, (single,), (False,), (), None, 0.0
    )
    traced = trace(loss.results, ((single, (2,)), (single, (2,))), KERNELS)
    for text in (
        listing(traced),
        listing(simplify(traced)),
        buffers(BufferAssignment(simplify(traced), KERNELS)),
    ):
        print(text, end="\n\n")


if __name__ == "__main__":
    main()
