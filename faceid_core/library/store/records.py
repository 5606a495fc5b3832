"""What leaves the library: frozen values, never table rows. Boxes are pixels of the upright photo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from faceid_core.values import Actor, Box, ConsentState, Flag, Ints, Role, Vectors


@dataclass(frozen=True, slots=True)
class Added:
    """outcome: imported, duplicate (known content under a new path), unchanged (known content and path), failed,
    renewed (a known photo whose file was changed, or searched again).

    near_copy: another photo of the same picture, stored before this one; near_copy_orientation: the one in which
    this picture is that one, see geometry. error: the plain reason of a failure.
    """

    photo_id: int
    outcome: str
    near_copy: int | None = None
    near_copy_orientation: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The library in numbers. unnamed: faces without name and flag; named: faces with a name; failed: photos."""

    photos: int
    failed: int
    faces: int
    unnamed: int
    people: int
    named: int
    clusters: int
    mapped: int
    models: int


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo of the library, or a frame of a video."""

    id: int
    path: str
    width: int
    height: int
    taken_at: datetime | None
    status: str
    error: str | None
    faces: int


@dataclass(frozen=True, slots=True)
class FaceView:
    """quality_parts: see faceid_core.quality."""

    id: int
    photo_id: int
    box: Box
    score: float
    quality: float
    quality_parts: Mapping[str, float]
    flag: Flag
    person_id: int | None = None
    person: str | None = None
    source: str | None = None
    cluster: int | None = None


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What a person said to being recognised. basis: where that is written; given_on: the day on which they said
    it; until: the last day on which it holds, None for no end."""

    state: ConsentState = ConsentState.UNKNOWN
    basis: str = ""
    given_on: date | None = None
    until: date | None = None

    def has_ended(self, today: date) -> bool:
        """Whether it was given until a day before this one."""
        return self.state is ConsentState.GIVEN and self.until is not None and self.until < today


NO_CONSENT = ConsentView()
"""Nobody knows what the person would say."""


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person with the numbers of their faces and photos. cover_face_id: None, too, where no picture is kept."""

    id: int
    name: str
    faces: int
    photos: int
    cover_face_id: int | None
    hidden: bool = False
    birth_date: date | None = None
    consent: ConsentView = NO_CONSENT
    death_date: date | None = None
    favourite: bool = False

    @property
    def withheld(self) -> bool:
        """Whether no picture and no vector of them is kept, because they refused."""
        return self.consent.state is ConsentState.REFUSED


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFaces:
    """Faces as a page drew them. states: whose each is (None: nobody's) and its flag, by id; run: the grouping in
    which they were drawn as whole groups, None where groups do not matter.

    Acts that get them are refused with OutOfDate once the faces are something else.
    """

    states: Mapping[int, tuple[int | None, Flag]]
    run: int | None = None

    @classmethod
    def of(cls, faces: Iterable[FaceView]) -> DrawnFaces:
        """Faces as a page has just read them."""
        return cls({face.id: (face.person_id, face.flag) for face in faces})

    @classmethod
    def alike(cls, ids: Iterable[int], person_id: int | None = None) -> DrawnFaces:
        """Faces without flag that are all one person's, or all nobody's."""
        return cls(dict.fromkeys(ids, (person_id, Flag.NONE)))

    @property
    def ids(self) -> list[int]:
        """The faces, in the order in which they were drawn."""
        return list(self.states)

    def only(self, ids: Iterable[int]) -> DrawnFaces:
        """Some of them, picked one by one: whatever became of their group, these are meant."""
        return DrawnFaces({face: self.states[face] for face in ids})


@dataclass(frozen=True, slots=True)
class RunView:
    """A run of a clustering algorithm."""

    id: int
    at: datetime
    algorithm: str
    parameters: dict[str, Any]
    embedder: str
    faces: int
    clusters: int


@dataclass(frozen=True, slots=True)
class ClusterView:
    """A group. people: names that its faces bear, with their number; face_ids: its best faces, unnamed first."""

    number: int
    size: int
    unnamed: int
    people: tuple[tuple[str, int], ...]
    face_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EventView:
    """A decision or a grouping. undone_by: who took it back, None while it stands."""

    id: int
    at: datetime
    actor: str
    kind: str
    summary: str
    undone: bool
    final: bool = False
    """Whether it can't be undone: something was erased."""
    undone_by: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, when, and who took it back. Times are UTC without a zone."""

    number: int
    at: datetime
    actor: str
    kind: str
    summary: str
    undone_at: datetime | None
    undone_by: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """What an act did. event: its entry in the journal, None when nothing changed."""

    event: EventView | None


@dataclass(frozen=True, slots=True)
class Changed(Act):
    """number: faces, or pairs of faces, that changed; left: those left alone because they are not, or no longer,
    what the act is about."""

    number: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Placed(Act):
    """face_id: the face whose box was drawn or moved."""

    face_id: int


@dataclass(frozen=True, slots=True)
class FacePlace:
    """Where a face is to be seen. side_px: the longer side of its photo."""

    photo_id: int
    path: str
    box: Box
    side_px: int


@dataclass(frozen=True, slots=True)
class Undescribed:
    """A face to describe: at this box of the photo at this path. by_hand: whether a human drew or moved the box."""

    face_id: int
    photo_id: int
    path: str
    box: Box
    by_hand: bool


@dataclass(frozen=True, slots=True)
class PersonChanged(Act):
    """person: as they are now."""

    person: PersonView


@dataclass(frozen=True, slots=True)
class Naming(Act):
    """The person, whether it is new, and how many faces changed."""

    person_id: int
    name: str
    created: bool
    faces: int


@dataclass(frozen=True, slots=True)
class TakenOver(Act):
    """disagreeing: faces of which something else was decided here, by id."""

    disagreeing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelView:
    """A trained recogniser. threshold: the one in use, metrics["threshold"] the one that was measured. is_active:
    whether it is the one that recognises. labels: the faces that each person had then."""

    id: int
    at: datetime
    embedder: str
    classes: list[str]
    metrics: dict[str, Any]
    threshold: float
    artifact: str
    notes: str = ""
    is_active: bool = False
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job, waiting, running or ended. actor: who asked for it. worker: who has it. fence: see store.lease.
    is_split: several workers may share it."""

    id: int
    kind: str
    actor: str
    params: dict[str, Any]
    state: str
    done: int
    total: int
    message: str
    error: str | None
    details: dict[str, Any]
    result: dict[str, Any]
    cancel_requested: bool
    is_paused: bool
    is_split: bool
    worker: str
    fence: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, eq=False)
class FaceVectors:
    """All embedded faces, by id. ids, photos: (N,) int64; quality: (N,) float32; vectors: (N, D) float32."""

    ids: Ints
    photos: Ints
    quality: npt.NDArray[np.float32]
    vectors: Vectors

    def rows(self, ids: Ints) -> Ints:
        """Where faces are, in the shape of ids; -1 for one that is not among them."""
        place = np.searchsorted(self.ids, ids).clip(max=max(len(self.ids) - 1, 0))
        found: Ints = np.where(self.ids[place] == ids, place, -1) if len(self.ids) else np.full(ids.shape, -1)
        return found

    def pairs(self, ids: Ints) -> Ints:
        """(M', 2) rows of those of (M, 2) pairs whose faces both are here."""
        rows = self.rows(ids)
        known: Ints = rows[(rows >= 0).all(axis=1)]
        return known


@dataclass(frozen=True, slots=True, eq=False)
class MapPoints:
    """The map. face_ids: (N,) int64; x, y: (N,) float32."""

    face_ids: Ints
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    clusters: list[int | None]
    people: list[str | None]

    def only(self, which: npt.NDArray[np.bool_]) -> MapPoints:
        """Those points. which: (N,)."""
        at = np.flatnonzero(which).tolist()
        clusters, people = [self.clusters[place] for place in at], [self.people[place] for place in at]
        return MapPoints(self.face_ids[which], self.x[which], self.y[which], clusters, people)


@dataclass(frozen=True, slots=True, eq=False)
class NamedFaces:
    """Faces to train from. ids, photos, people: (N,) int64; names: the person of each. as_of: the newest event when
    they were read, 0 for none."""

    ids: Ints
    names: list[str]
    photos: Ints
    people: Ints
    as_of: int


@dataclass(frozen=True, slots=True)
class UserView:
    """Somebody who may sign in. stamp: part of every session of theirs, so that a new one ends them all."""

    id: int
    name: str
    role: Role
    stamp: str
    has_password: bool
    created_at: datetime

    @property
    def actor(self) -> Actor:
        """As whom they act."""
        return Actor(self.name, self.role)


@dataclass(frozen=True, slots=True)
class TokenView:
    """What a program shows to act for a user. Times are UTC; expires_at is None for one that never expires."""

    id: int
    name: str
    user: str
    created_at: datetime
    expires_at: datetime | None
