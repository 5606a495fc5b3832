"""Photos of one moment: a burst, a cropped or retouched copy, the same picture from two phones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceid_core.geometry import SAME_FACE_IOU, best_pairs, overlaps
from faceid_core.image_hash import PHASH_BYTES
from faceid_core.values import Box, Ints
from faceid_core.vectors.neighbours import NeighbourGraph

SAME_FACE = 0.35
"""Distance below which two faces may be the same one at one moment; two photos of a person are rarely that near."""

ALIKE = 64
"""Most differing bits, of 256, of two photos that look alike: no two of 268 different photos differ by less than
66. Among LFW's 2,736 portraits, where all heads are in the middle, seven pairs are within both limits."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A photo with its faces: their rows, boxes as shares of width and height, and whether
    they have a name. worth: how good it is; of photos with equally many names, the one worth most is kept."""

    rows: tuple[int, ...]
    boxes: tuple[Box, ...]
    named: tuple[bool, ...]
    worth: float


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Photos that show one moment. Every face of the others is on the best one, too.

    best: a photo; others: the photos beside it; unnamed: rows of the others' faces without a name, at least one;
    pairs: (row on the best, row on another) of the same face.
    """

    best: int
    others: tuple[int, ...]
    unnamed: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]


def sharing_a_face(graph: NeighbourGraph, photos: Ints) -> Ints:
    """Pairs (P, 2) of photos that may share a face. photos: (N,) of each row of the graph."""
    low, high, _ = graph.edges(SAME_FACE)
    both = np.sort(np.stack([photos[low], photos[high]], axis=1), axis=1)
    return np.unique(both[both[:, 0] < both[:, 1]], axis=0)


def looking_alike(pairs: Ints, phashes: Mapping[int, bytes]) -> Ints:
    """Those of the pairs (P, 2) of photos that look alike. phashes: 32 bytes by photo; one without is like none."""
    known: Ints = pairs[[one in phashes and other in phashes for one, other in pairs.tolist()]]
    words = np.frombuffer(b"".join(phashes[photo] for photo in known.ravel().tolist()), np.uint64)
    words = words.reshape(len(known), 2, PHASH_BYTES // 8)
    bits = np.bitwise_count(words[:, 0] ^ words[:, 1]).sum(axis=1, dtype=np.int64)
    alike: Ints = known[bits <= ALIKE]
    return alike


def near_duplicates(graph: NeighbourGraph, pairs: Ints, pictures: Mapping[int, Picture]) -> list[Duplicates]:
    """The moments among pairs (P, 2) of photos that look alike and share a face, those with most photos first.

    Leaves out photos with a face that the best one does not show, and moments without an unnamed face outside the
    best photo."""
    beside: dict[int, set[int]] = {}
    for one, other in pairs.tolist():
        beside.setdefault(one, set()).add(other)
        beside.setdefault(other, set()).add(one)
    found = []
    waiting = sorted(beside, key=lambda photo: (-sum(pictures[photo].named), -pictures[photo].worth, photo))
    taken: set[int] = set()
    for best in waiting:  # the best first: a photo belongs to the best one it fits
        if best not in taken:
            others = sorted(beside[best] - taken)
            together = _together(graph, best, others, pictures)
            if together:
                taken.update((best, *together.others))
                found.append(together)
    return sorted(found, key=lambda together: (-len(together.others), together.best))


def _together(
    graph: NeighbourGraph, best: int, others: Sequence[int], pictures: Mapping[int, Picture]
) -> Duplicates | None:
    shown = [(other, pairs) for other in others if (pairs := _same_faces(graph, pictures[best], pictures[other]))]
    unnamed = tuple(row for other, _ in shown for row in _unnamed(pictures[other]))
    if not unnamed:
        return None
    return Duplicates(
        best, tuple(other for other, _ in shown), unnamed, tuple(pair for _, pairs in shown for pair in pairs)
    )


def _unnamed(picture: Picture) -> Iterator[int]:
    return (row for row, named in zip(picture.rows, picture.named, strict=True) if not named)


def _same_faces(graph: NeighbourGraph, best: Picture, other: Picture) -> list[tuple[int, int]]:
    """(row on the best, row on the other) for every face on the other; [] if the best lacks one."""
    near = [
        dict(zip(graph.indices[row].tolist(), graph.distances[row].tolist(), strict=True)) for row in other.rows
    ]
    scores = overlaps(other.boxes, best.boxes)
    for place, distances in enumerate(near):
        scores[place, [distances.get(row, np.inf) > SAME_FACE for row in best.rows]] = 0
    pairs = best_pairs(scores, SAME_FACE_IOU)
    if len(pairs) < len(other.rows):
        return []
    return [(best.rows[pairs[place]], row) for place, row in enumerate(other.rows)]
