"""A graph with fewer nodes that gives the same bits."""

from .trace import COMPARISONS, Graph, Node


def simplify(graph: Graph) -> Graph:
    """Return the graph with equal nodes merged, and comparisons that write numbers themselves.

    ``astype(x >= 0, float32)`` is one call then; the boolean array is left out by
    `BufferAssignment` unless something else needs it.
    """
    same: dict[int, int] = {}
    """Index of a merged value → that of the first one that is equal."""
    found: dict[tuple[object, ...], int] = {}
    nodes: dict[int, Node] = {}
    for op, given, index in graph.nodes:
        args = tuple([same.get(k, k) for k in given])
        compared = nodes.get(args[0])
        if op == "astype" and compared is not None and compared.op in COMPARISONS:
            op, args = compared.op, compared.args  # noqa: PLW2901
        first = found.setdefault((op, args, graph.specs[index]), index)
        if first != index:
            same[index] = first
        else:
            nodes[index] = Node(op, args, index)
    outputs = tuple([same.get(k, k) for k in graph.outputs])
    return graph._replace(nodes=tuple(nodes.values()), outputs=outputs)
