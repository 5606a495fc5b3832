"""Groups of any density from the edges of the neighbour graph: the hierarchy of HDBSCAN without its N^2.

Single linkage joins faces by their shortest edges. Read from the top, each joint either loses a face or divides a
group in two; of a group and its parts, those are kept that live longer (excess of mass; Campello, Moulavi and
Sander, "Density-based clustering based on hierarchical density estimates", 2013). It costs a sort of the edges.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from faceid_core.values import Ints
from faceid_core.vectors.neighbours import Rows

Floats = npt.NDArray[np.float32]


def groups(count: int, edges: tuple[Rows, Rows, Floats], longest: float, shortest: float) -> Ints:
    """(count,) labels from 0; a face outside every group has one of its own.

    edges: rows i, j and distances (E,), none beyond `longest`, where every group ends at the latest.
    shortest: nearer faces count as this far apart, or a pair of near-duplicates would outlive its person.
    """
    tree = _Tree(count)
    for one, other, apart in zip(*_shortest_edges(count, edges), strict=True):
        tree.join(one, other, 1 / max(apart, shortest))
    return tree.labels(1 / longest)


def _shortest_edges(count: int, edges: tuple[Rows, Rows, Floats]) -> tuple[list[int], list[int], list[float]]:
    """The minimum spanning forest, shortest edge first."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    low, high, apart = edges
    apart = np.maximum(apart.astype(np.float64), 1e-9)  # an edge of length 0 would be no edge
    forest = minimum_spanning_tree(coo_array((apart, (low, high)), shape=(count, count)).tocsr()).tocoo()
    order = np.lexsort((forest.col, forest.row, forest.data))
    return forest.row[order].tolist(), forest.col[order].tolist(), forest.data[order].tolist()


@dataclass
class _Tree:
    """Components that grow edge by edge, and the tree of groups that they pass through.

    A group's life is the sum over its faces of (closeness at which the face leaves it - closeness at which it is
    born), closeness being one over the distance. Every group has at least two faces.
    """

    count: int
    parent: list[int] = field(init=False)
    group: list[int] = field(init=False)
    """Of each component's root: its present group, or -1 for a single face."""
    left: list[float] = field(default_factory=list)
    """Of each group: the sum of the closenesses at which its faces leave."""
    size: list[int] = field(default_factory=list)
    faces: list[list[int]] = field(default_factory=list)
    """Of each group: the faces that leave it one by one, not with a part."""
    parts: list[list[int]] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    """Of each finished group: the best life that it or its parts have."""
    whole: list[bool] = field(default_factory=list)
    """Of each finished group: whether it lives longer than its parts."""

    def __post_init__(self) -> None:
        self.parent = list(range(self.count))
        self.group = [-1] * self.count

    def root(self, face: int) -> int:
        while self.parent[face] != face:
            self.parent[face] = self.parent[self.parent[face]]
            face = self.parent[face]
        return face

    def join(self, one: int, other: int, closeness: float) -> None:
        """Connect two components that had no edge yet."""
        keep, gone = self.root(one), self.root(other)
        first, second = self.group[keep], self.group[gone]
        if first >= 0 and second >= 0:
            self._finish(first, closeness)
            self._finish(second, closeness)
            size = self.size[first] + self.size[second]
            self.group[keep] = self._new(size, size * closeness, [], [first, second])
        elif first >= 0 or second >= 0:
            group, face = (first, gone) if first >= 0 else (second, keep)
            self.size[group] += 1
            self.left[group] += closeness
            self.faces[group].append(face)
            self.group[keep] = group
        else:
            self.group[keep] = self._new(2, 2 * closeness, [keep, gone], [])
        self.parent[gone] = keep

    def _new(self, size: int, left: float, faces: list[int], parts: list[int]) -> int:
        self.size.append(size)
        self.left.append(left)
        self.faces.append(faces)
        self.parts.append(parts)
        self.kept.append(0.0)
        self.whole.append(False)
        return len(self.size) - 1

    def _finish(self, group: int, born: float) -> None:
        life = self.left[group] - self.size[group] * born
        of_parts = sum(self.kept[part] for part in self.parts[group])
        self.whole[group] = not self.parts[group] or life >= of_parts
        self.kept[group] = max(life, of_parts)

    def labels(self, born: float) -> Ints:
        """(count,) labels, after all edges; `born` is the closeness at which the largest groups begin."""
        roots = sorted({self.group[self.root(face)] for face in range(self.count)} - {-1})
        for group in roots:
            self._finish(group, born)
        labels = np.arange(self.count)
        waiting = roots
        while waiting:
            group = waiting.pop()
            if self.whole[group]:
                faces = self._all_faces(group)
                labels[faces] = min(faces)
            else:
                waiting.extend(self.parts[group])
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)

    def _all_faces(self, group: int) -> list[int]:
        faces, waiting = [], [group]
        while waiting:
            part = waiting.pop()
            faces += self.faces[part]
            waiting += self.parts[part]
        return faces
