"""How like a person a face is: cosines, normalised by how like everybody they are. NumPy only.

A person is a row: the mean of the person's normalised vectors. On dlib's space the cosine of a face's vector and
the row beats the Euclidean distance to the mean, the nearest face and centred vectors. But some faces, and some
people, are near to everybody. So what lies near to a cohort of other people's faces is judged more strictly:

    score = cosine - weight * (density(face) - usual) - weight * (density(person) - usual)

with the mean of the NEAREST highest cosines to the cohort as density, never taken for less than the LOWEST tenth
of the cohort has: a face unlike all others is no better evidence for that. `usual` is the cohort's mean density, so
that a score stays a cosine, whatever the cohort. Source of the idea: Auckenthaler, Carey, Lloyd-Thomas, "Score
normalization for text-independent speaker verification systems", 2000 (T- and Z-norm); dividing by the spread, too,
is worse here. Figures by recipe: `python -m tests.bench.recognition`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from faceid_core.cosine_scale import DLIB, CosineScale
from faceid_core.values import Ints, Vectors

Floats = npt.NDArray[np.float64]

NEAREST = 10
"""Cosines whose mean is a density: 5 is as good, 20 and more are worse (LFW)."""

FULL_WEIGHT = 0.5
"""Share of a density that is taken off where the cohort is large; 0.4 to 0.5 are best with 550 faces and 3,500."""

HALF_WAY = 200
"""With so many faces in the cohort half of the weight is used: a small cohort says nothing of a density. On LFW the
best weight is 0 with 20 faces, under 0.1 with 60, 0.3 with 200 and over 0.4 with 550."""

LOWEST = 0.3
"""Quantile of the cohort's densities that no density is below. Without it, faces of a kind that is rare in the
cohort get names of others of that kind (TPIR at 0.1% with one face: 77 instead of 70% on LFW)."""

COHORT_LIMIT = 4096
"""Faces in a cohort at most: 2 MB in a model."""

SAME_PERSON = 0.965
"""Cosine, on dlib's scale, from which two faces of the cohort count as one person's; one of them is enough."""

MARGIN = 0.005
"""A face belongs to somebody else if a face that a human rejected is nearer to it than the person, but for this: a
single face lies further away from others of its person than a mean of several does. On LFW, one rejected face takes
214 of 224 others of its person from somebody's name, and 1 of 644 right ones. On dlib's scale."""

PENALTY = 2.0
"""How much of that is taken off the score."""

BATCH = 1024


def normalised(vectors: npt.ArrayLike) -> Floats:
    """The same directions (…, D) at length 1, float64; zero stays zero."""
    wide = np.asarray(vectors, np.float64)
    unit: Floats = wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-12)
    return unit


def imprint(vectors: Vectors, classes: Ints, count: int) -> Vectors:
    """One normalised row per person (count, D): the mean of the person's normalised vectors (N, D).

    Source: Qi, Brown, Lowe, "Low-Shot Learning with Imprinted Weights", CVPR 2018.
    """
    unit = normalised(vectors)
    sums = np.zeros((count, vectors.shape[1]))
    np.add.at(sums, classes, unit)
    return normalised(sums).astype(np.float32)


def cosines(vectors: Vectors, rows: Vectors) -> Floats:
    """(N, K) cosine of each vector with each row."""
    product: Floats = normalised(vectors) @ normalised(rows).T
    return product


def _no_ints() -> Ints:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Faces that a model holds beside its people. vectors: (C, D) float32; faces: (C,) their ids in the library,
    so that they can be erased; classes: (C,) the person in the model whom a face concerns, -1 for none."""

    vectors: Vectors
    faces: Ints = field(default_factory=_no_ints)
    classes: Ints = field(default_factory=_no_ints)

    @classmethod
    def none(cls, dimension: int = 128) -> FaceSet:
        """No face."""
        return cls(np.empty((0, dimension), np.float32), _no_ints(), _no_ints())

    @classmethod
    def strangers(cls, vectors: Vectors, faces: Ints | None = None) -> FaceSet:
        """Faces of nobody in the model."""
        ids = np.zeros(len(vectors), np.int64) if faces is None else faces
        return cls(vectors, ids, np.full(len(vectors), -1, np.int64))

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: Ints | npt.NDArray[np.bool_]) -> FaceSet:
        return FaceSet(self.vectors[rows], self.faces[rows], self.classes[rows])

    def __add__(self, other: FaceSet) -> FaceSet:
        if not len(self) or not len(other):  # no face has no dimension either
            return self if len(self) else other
        vectors = np.concatenate([self.vectors, other.vectors])
        faces = np.concatenate([self.faces, other.faces])
        return FaceSet(vectors, faces, np.concatenate([self.classes, other.classes]))


def cohort_of(strangers: FaceSet, known: FaceSet, scale: CosineScale = DLIB) -> FaceSet:
    """Strangers, one face a person as far as vectors tell, and then one face of each known person.

    strangers: the best ones first. known: faces of the model's people, with classes.
    """
    chosen = strangers[np.arange(min(len(strangers), COHORT_LIMIT))]
    chosen = chosen[_unlike(chosen.vectors, scale.from_dlib(SAME_PERSON))]
    if not len(known):
        return chosen
    both = chosen + known[_typical(known)]
    return both[np.arange(min(len(both), COHORT_LIMIT))]


def _unlike(vectors: Vectors, same_person: float) -> Ints:
    """Positions of faces that are not near to an earlier one that is taken."""
    unit = normalised(vectors).astype(np.float32)
    taken = np.zeros(len(vectors), bool)
    for at, face in enumerate(unit):
        taken[at] = not (unit[:at][taken[:at]] @ face > same_person).any()
    return np.flatnonzero(taken)


def _typical(known: FaceSet) -> Ints:
    """The position of each person's face that is nearest to the person's mean."""
    people, classes = np.unique(known.classes, return_inverse=True)
    rows = imprint(known.vectors, classes.astype(np.int64), len(people))
    near = (normalised(known.vectors) * rows[classes]).sum(axis=1)
    order = np.lexsort((-near, classes))
    return np.sort(order[np.unique(classes[order], return_index=True)[1]])


@dataclass(frozen=True, slots=True, eq=False)
class Constants:
    """What a Scorer computes with, for others who compute the same. rows: (K, D), cohort: (C, D) and
    negatives: (M, D) have length 1; strictness: (K,) of the rows; own: (K,) where each person is in the cohort, -1
    for nowhere; negative_classes: (M,). floor, usual: of densities; weight: 0 where the cohort is too small;
    margin: see MARGIN."""

    rows: Floats
    strictness: Floats
    weight: float
    cohort: Floats
    own: Ints
    floor: float
    usual: float
    negatives: Floats
    negative_classes: Ints
    margin: float


class Scorer:
    """Scores faces against people. Without a cohort a score is the plain cosine."""

    def __init__(
        self,
        rows: Vectors,
        cohort: FaceSet | None = None,
        negatives: FaceSet | None = None,
        scale: CosineScale = DLIB,
    ) -> None:
        """rows: (K, D), the people. negatives: faces of which a human said that they are not the person of their
        class. scale: of the embedder's cosines."""
        self.scale, self._margin = scale, MARGIN / scale.factor
        self.rows, self._rows = rows, normalised(rows)
        self.cohort = cohort if cohort is not None else FaceSet.none(rows.shape[1])
        self._cohort = normalised(self.cohort.vectors)
        count = len(self.cohort)
        self.weight = FULL_WEIGHT * count**2 / (count**2 + HALF_WAY**2) if count > 2 * NEAREST else 0.0
        self._own = _first_positions(self.cohort.classes, len(rows))
        self.negatives = negatives if negatives is not None else FaceSet.none(rows.shape[1])
        self._unit_negatives = normalised(self.negatives.vectors)
        if self.weight:
            among = self.density(self._cohort, np.arange(count)[:, None])
            self._floor = float(np.quantile(among, LOWEST))
            self._usual = float(np.maximum(among, self._floor).mean())
            self._row_strictness = self.strictness(self._rows, self._own[:, None])

    def __call__(self, vectors: Vectors, apart: Ints | None = None) -> Floats:
        """(N, D) -> (N, K) scores. apart: (N, M) positions in the cohort that say nothing of each face, as they are
        the face itself or of its person; -1 for none."""
        unit = normalised(vectors)
        scores: Floats = unit @ self._rows.T
        if self.weight:
            for part in _batches(len(unit)):
                beside = None if apart is None else apart[part]
                scores[part] -= self._face_strictness(unit[part], beside) + self._row_strictness
        return self._without_rejected(unit, scores) if len(self.negatives) else scores

    def constants(self) -> Constants:
        """All that a score is computed from."""
        floor, usual = (self._floor, self._usual) if self.weight else (0.0, 0.0)
        stricter = self._row_strictness if self.weight else np.zeros(self.people)
        negatives, classes = self._unit_negatives, self.negatives.classes
        return Constants(
            self._rows,
            stricter,
            self.weight,
            self._cohort,
            self._own,
            floor,
            usual,
            negatives,
            classes,
            self._margin,
        )

    @property
    def people(self) -> int:
        """K."""
        return len(self.rows)

    def own_position(self, classes: Ints) -> Ints:
        """(N, 1) where in the cohort the face of each person is, -1 for nowhere."""
        return self._own[classes][:, None]

    def strictness(self, unit: Floats, apart: Ints | None = None) -> Floats:
        """(N,) what is taken off for the densities of normalised vectors (N, D)."""
        if not self.weight:
            return np.zeros(len(unit))
        return self._taken_off(self.density(unit, apart))

    def density(self, unit: Floats, apart: Ints | None = None) -> Floats:
        """(N,) mean of the highest cosines of normalised vectors (N, D) to the cohort."""
        found = np.empty(len(unit))
        for part in _batches(len(unit)):
            near = self._near(unit[part], None if apart is None else apart[part])
            found[part] = np.partition(near, -NEAREST, axis=1)[:, -NEAREST:].mean(axis=1)
        return found

    def _near(self, unit: Floats, apart: Ints | None) -> Floats:
        near: Floats = unit @ self._cohort.T
        for column in () if apart is None else apart.T:
            faces = np.flatnonzero(column >= 0)
            near[faces, column[faces]] = -1.0
        return near

    def _taken_off(self, density: Floats) -> Floats:
        return self.weight * (np.maximum(density, self._floor) - self._usual)

    def _face_strictness(self, unit: Floats, apart: Ints | None) -> Floats:
        """(N, K): against each person without the person's own face in the cohort."""
        near = self._near(unit, apart)
        top = np.sort(np.partition(near, -NEAREST - 1, axis=1)[:, -NEAREST - 1 :], axis=1)
        next_, lowest, total = top[:, :1], top[:, 1:2], top[:, 1:].sum(axis=1, keepdims=True)
        density = np.repeat(total, len(self._rows), axis=1)
        own = np.flatnonzero(self._own >= 0)
        mine = near[:, self._own[own]]
        density[:, own] += np.where(mine >= lowest, next_ - mine, 0.0)
        return self._taken_off(density / NEAREST)

    def _without_rejected(self, unit: Floats, scores: Floats) -> Floats:
        cosine = unit @ self._rows.T
        near = unit @ self._unit_negatives.T
        for person in np.unique(self.negatives.classes):
            other = near[:, self.negatives.classes == person].max(axis=1) + self._margin
            scores[:, person] -= PENALTY * np.maximum(other - cosine[:, person], 0.0)
        return scores


def _batches(count: int) -> Iterator[slice]:
    return (slice(start, start + BATCH) for start in range(0, count, BATCH))


def _first_positions(classes: Ints, count: int) -> Ints:
    """(count,) where each class is first, -1 for nowhere."""
    found = np.full(count, -1, np.int64)
    present, where = np.unique(classes, return_index=True)
    found[present[present >= 0]] = where[present >= 0]
    return found
