"""Which faces are held out of a training: whole photos, and never one of two copies of a photo."""

from __future__ import annotations

import numpy as np

from faceid_core.values import Image, Ints

SAME_PICTURE = 0.97
"""Correlation of two small grey crops from which they are copies of one picture. On LFW, copies at JPEG quality 40,
at 40% of the size or a fifth brighter reach 0.977; no two different photos of one person reach 0.97."""

SIGNATURE_PX = 24


def signatures(crops: Image) -> np.ndarray:
    """(N, H, W, 3) uint8 -> (N, 576) float64 whose products are the correlations of the small grey crops."""
    import cv2

    size = (SIGNATURE_PX, SIGNATURE_PX)
    grey = [
        cv2.cvtColor(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for crop in crops
    ]
    flat = np.array(grey, np.float64).reshape(len(crops), SIGNATURE_PX**2)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))


def photo_groups(crops: Image, classes: Ints, photos: Ints) -> Ints:
    """(N,) a number for each face: alike for faces of one photo, and of photos that share a near-duplicate face.

    Pixels are compared, not vectors: how near two vectors of one person lie depends on the kind of photos.
    """
    numbers, group = np.unique(photos, return_inverse=True)
    parent = np.arange(len(numbers))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    small = signatures(crops)
    for person in np.unique(classes):
        faces = np.flatnonzero(classes == person)
        alike = np.triu(small[faces] @ small[faces].T > SAME_PICTURE, 1)
        for one, other in zip(*np.nonzero(alike), strict=True):
            parent[root(int(group[faces[one]]))] = root(int(group[faces[other]]))
    return np.array([root(int(photo)) for photo in group], np.int64)


def hold_out(classes: Ints, groups: Ints, share: float, seed: int) -> np.ndarray:
    """(N,) bool, True for faces to validate with: about `share` of each person's groups, whole groups only.

    Every person keeps at least one face to train with; who has a single group is never held out.
    """
    held = np.zeros(len(classes), bool)
    wanted = {
        int(person): max(1, round(share * len(np.unique(groups[classes == person]))))
        for person in np.unique(classes)
    }
    left = {person: int((classes == person).sum()) for person in wanted}
    for group in np.random.default_rng(seed).permutation(np.unique(groups)):
        faces = np.flatnonzero(groups == group)
        people, counts = np.unique(classes[faces], return_counts=True)
        spare = all(left[int(p)] > n for p, n in zip(people, counts, strict=True))
        if spare and all(wanted[int(p)] > 0 for p in people):
            held[faces] = True
            for person, count in zip(people, counts, strict=True):
                wanted[int(person)] -= 1
                left[int(person)] -= int(count)
    return held


def sampled(classes: Ints, limit: int, seed: int) -> Ints:
    """Positions (M,) of at most `limit` faces of each person, in order: more only make the training slower.
    classes: (N,)."""
    rng = np.random.default_rng(seed)
    kept = [rng.permutation(np.flatnonzero(classes == person))[:limit] for person in np.unique(classes)]
    return np.sort(np.concatenate(kept)) if kept else np.empty(0, np.int64)
