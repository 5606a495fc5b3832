"""New faces join the groups that are there, or wait: nobody who is in a group already moves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceid_core import clustering, neighbours
from faceid_core.values import Ints, Vectors


def join(
    vectors: Vectors,
    numbers: Ints,
    photos: Ints,
    new: Vectors,
    new_photos: Ints,
    *,
    algorithm: str,
    threshold: float,
    quality: npt.ArrayLike | None = None,
) -> Ints:
    """The group numbers (M,) of new faces, 0 for a face that waits alone.

    vectors (N, D), numbers (N,) 1.. or 0 for none, photos (N,): the faces that are grouped. new (M, D), new_photos,
    quality (M,): those that come. A face joins the nearest group (root mean square distance to its faces) within
    the threshold that has no face of its photo; the nearest pairs go first. What joins nothing is grouped among
    itself, with numbers above all others.
    """
    result = np.zeros(len(new), np.int64)
    taken = set(zip(numbers[numbers > 0].tolist(), photos[numbers > 0].tolist(), strict=True))
    for _, face, group in sorted(_offers(vectors, numbers, new, threshold)):
        place = (group, int(new_photos[face]))
        if not result[face] and place not in taken:
            result[face] = group
            taken.add(place)
    rest = np.flatnonzero(result == 0)
    if len(rest) > 1:
        worth = None if quality is None else np.asarray(quality)[rest]
        labels = clustering.cluster(
            algorithm, new[rest], threshold=threshold, photos=new_photos[rest], quality=worth
        )
        result[rest] = np.where(labels >= 0, labels + numbers.max(initial=0) + 1, 0)
    return result


def _offers(vectors: Vectors, numbers: Ints, new: Vectors, threshold: float) -> list[tuple[float, int, int]]:
    """(distance, new face, group) of the groups within the threshold that a face has a near neighbour in."""
    near = neighbours.nearest(vectors, new)
    face, column = np.nonzero((near.indices >= 0) & (near.distances <= clustering.REACH * threshold))
    group = numbers[near.indices[face, column]]
    face, group = np.unique(np.stack([face, group])[:, group > 0], axis=1)
    wanted = np.unique(group)
    middle, spread = _middles(vectors, numbers, wanted)
    place = np.searchsorted(wanted, group)
    apart = np.sqrt(((new[face] - middle[place]) ** 2).sum(axis=1) + spread[place])
    fine = apart <= threshold
    return list(zip(apart[fine].tolist(), face[fine].tolist(), group[fine].tolist(), strict=True))


def _middles(vectors: Vectors, numbers: Ints, wanted: Ints) -> tuple[Vectors, Vectors]:
    """Mean (G, D) and mean squared distance from it (G,) of the wanted groups (G,), in ascending order."""
    rows = np.flatnonzero(np.isin(numbers, wanted))
    group = np.searchsorted(wanted, numbers[rows])
    size = np.maximum(np.bincount(group, minlength=len(wanted)), 1).astype(np.float32)
    middle = np.zeros((len(wanted), vectors.shape[1]), np.float32)
    np.add.at(middle, group, vectors[rows])
    middle /= size[:, None]
    off = ((vectors[rows] - middle[group]) ** 2).sum(axis=1)
    return middle, (np.bincount(group, off, minlength=len(wanted)) / size).astype(np.float32)
