"""The frozen values that the library returns, instead of table rows. Boxes are in pixels of the upright photo."""

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
    renewed (a known photo whose file was changed or searched again).

    near_copy: an earlier photo of the same picture; near_copy_orientation: turns this picture into that one, see
    geometry. error: the reason for a failure in plain words.
    """

    photo_id: int
    outcome: str
    near_copy: int | None = None
    near_copy_orientation: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The library in numbers. unnamed: faces without name or flag; named: faces with a name; failed: unreadable
    photos."""

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
    """A person's consent to being recognised. basis: where it is documented; given_on: the day it was given; until:
    the last day on which it is valid, None for no end."""

    state: ConsentState = ConsentState.UNKNOWN
    basis: str = ""
    given_on: date | None = None
    until: date | None = None

    def has_ended(self, today: date) -> bool:
        """Whether it expired before this day."""
        return self.state is ConsentState.GIVEN and self.until is not None and self.until < today


NO_CONSENT = ConsentView()
"""The consent of a person who has not been asked."""


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person with their numbers of faces and photos. cover_face_id is also None if no pictures are kept."""

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
        """Whether no pictures or vectors of them are kept because they refused consent."""
        return self.consent.state is ConsentState.REFUSED


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFaces:
    """Faces as a page drew them. states: face id -> (person id or None, flag); run: the grouping if they were drawn
    as whole groups, None if groups do not matter.

    Actions that get them raise OutOfDate if the faces have changed since.
    """

    states: Mapping[int, tuple[int | None, Flag]]
    run: int | None = None

    @classmethod
    def of(cls, faces: Iterable[FaceView]) -> DrawnFaces:
        """Record faces that a page has just loaded."""
        return cls({face.id: (face.person_id, face.flag) for face in faces})

    @classmethod
    def alike(cls, ids: Iterable[int], person_id: int | None = None) -> DrawnFaces:
        """Record faces without a flag that all belong to one person, or to nobody."""
        return cls(dict.fromkeys(ids, (person_id, Flag.NONE)))

    @property
    def ids(self) -> list[int]:
        """The face ids, in the order in which they were drawn."""
        return list(self.states)

    def only(self, ids: Iterable[int]) -> DrawnFaces:
        """Return a subset that was picked one by one. Changes to their group no longer matter."""
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
    """A group. people: the names of its faces, with their counts; face_ids: its best faces, unnamed first."""

    number: int
    size: int
    unnamed: int
    people: tuple[tuple[str, int], ...]
    face_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EventView:
    """A decision or a grouping. undone_by: who undid it, None while it is in force."""

    id: int
    at: datetime
    actor: str
    kind: str
    summary: str
    undone: bool
    final: bool = False
    """Whether it can't be undone, like an erasure."""
    undone_by: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, when, and who undid it. Times are naive UTC."""

    number: int
    at: datetime
    actor: str
    kind: str
    summary: str
    undone_at: datetime | None
    undone_by: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """The result of an action. event: its entry in the journal, None if nothing changed."""

    event: EventView | None


@dataclass(frozen=True, slots=True)
class Changed(Act):
    """number: faces, or pairs of faces, that changed; left: those that were skipped because the action does not, or
    no longer, apply to them."""

    number: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Placed(Act):
    """face_id: the face whose box was drawn or moved."""

    face_id: int


@dataclass(frozen=True, slots=True)
class FacePlace:
    """Where a face is. side_px: the longer side of its photo."""

    photo_id: int
    path: str
    box: Box
    side_px: int


@dataclass(frozen=True, slots=True)
class Undescribed:
    """A face to describe, at this box of the photo at this path. by_hand: whether a user drew or moved the box."""

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
    """disagreeing: ids of faces with a different decision here."""

    disagreeing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelView:
    """A trained recogniser. threshold: the one in use; metrics["threshold"]: the one that was measured. is_active:
    whether it is in use. labels: the number of faces of each person at the time."""

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
    """A queued, running or ended job. actor: who submitted it. worker: which worker holds it. fence: see
    store.lease. is_split: whether several workers share it."""

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
        """Return the row of each face, in the shape of ids; -1 for faces that are not included."""
        place = np.searchsorted(self.ids, ids).clip(max=max(len(self.ids) - 1, 0))
        found: Ints = np.where(self.ids[place] == ids, place, -1) if len(self.ids) else np.full(ids.shape, -1)
        return found

    def pairs(self, ids: Ints) -> Ints:
        """Convert pairs of face ids (M, 2) to rows (M', 2), without pairs of which a face is not included."""
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
        """Return a subset of the points. which: (N,)."""
        at = np.flatnonzero(which).tolist()
        clusters, people = [self.clusters[place] for place in at], [self.people[place] for place in at]
        return MapPoints(self.face_ids[which], self.x[which], self.y[which], clusters, people)


@dataclass(frozen=True, slots=True, eq=False)
class NamedFaces:
    """Faces for training. ids, photos, people: (N,) int64; names: the name of each face's person. as_of: the newest
    event when they were read, 0 for none."""

    ids: Ints
    names: list[str]
    photos: Ints
    people: Ints
    as_of: int


@dataclass(frozen=True, slots=True)
class UserView:
    """A user who may sign in. stamp: part of each of their sessions, so that a new stamp ends them all."""

    id: int
    name: str
    role: Role
    stamp: str
    has_password: bool
    created_at: datetime

    @property
    def actor(self) -> Actor:
        """The actor for their actions."""
        return Actor(self.name, self.role)


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token with which a program acts for a user. Times are UTC; expires_at is None if it never expires."""

    id: int
    name: str
    user: str
    created_at: datetime
    expires_at: datetime | None
