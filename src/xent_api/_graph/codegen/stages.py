"""What a kernel of rows computes when: once, for each row, or in which pass over the classes."""

from collections.abc import Iterable

from ..trace import Graph, Node
from .emit import needed

ALL, ROW, CLASS = range(3)
"""What a value is one number for: all rows, a row, or a class of a row."""
LEVELS = {"uniform": ALL, "row": ROW, "class": CLASS, "index": CLASS}
MAX, SUM, EXACT_SUM = REDUCTIONS = "max-1", "sum-1", "exact_sum-1"


class Stages:
    """A graph, cut where it reduces a row to one number.

    A stage is the number of passes that come before a value. A pass computes again what it needs of
    the ones before, but for what the graph says is `kept`.
    """

    def __init__(self, graph: Graph, kinds: tuple[str, ...], numbers: int) -> None:
        self.outputs = graph.outputs
        self.nodes = {node.result: node for node in needed(graph)}
        self.level = dict(enumerate([LEVELS[kind] for kind in kinds] + [ALL] * numbers))
        self.stage = dict.fromkeys(self.level, 0)
        for result, node in self.nodes.items():
            args = [k for k in node.args if k in self.level]
            reduces = node.op in REDUCTIONS
            one = reduces or node.op == "take_label"
            self.level[result] = ROW if one else max(self.level[k] for k in args)
            self.stage[result] = max(self.stage[k] for k in args) + reduces
        self.count = max(self.stage.values()) + 1
        self.kept: set[int] = set()
        """The value of classes that a later pass needs; there is memory for one."""
        self.again: set[int] = set()
        """What a later pass needs of what the first one loads."""
        for stage in range(self.count):
            computed, kept = self.wanted(self.targets(stage), stage)
            self.kept |= kept
            self.again |= computed if stage else set()
        self.again &= self.wanted(self.targets(0), 0)[0]
        own = [self.wanted(self.targets(self.stage[k]), self.stage[k])[0] for k in self.kept]
        assert len(own) <= 1, "there is memory for one value of each class"
        assert all(k in computed for k, computed in zip(self.kept, own, strict=True))

    def reductions(self, stage: int) -> list[Node]:
        """Return the reductions that a pass is for."""
        nodes = [node for node in self.nodes.values() if node.op in REDUCTIONS]
        return [node for node in nodes if self.stage[node.result] == stage + 1]

    def targets(self, stage: int) -> list[int]:
        """Return the values of classes that a pass is for."""
        reduced = [node.args[0] for node in self.reductions(stage)]
        outputs = [k for k in self.outputs if self.level[k] == CLASS]
        return reduced + [k for k in outputs if self.stage[k] == stage]

    def wanted(self, targets: Iterable[int], stage: int) -> tuple[set[int], set[int]]:
        """Return which values of classes a pass computes for its targets, and which were kept."""
        todo, computed, kept = list(targets), set[int](), set[int]()
        while todo:
            index = todo.pop()
            if self.level.get(index) != CLASS or index in computed:
                continue
            node = self.nodes.get(index)
            if node is not None and node.op == "kept" and self.stage[index] < stage:
                kept.add(index)
                continue
            computed.add(index)
            todo += node.args if node else ()
        return computed, kept
