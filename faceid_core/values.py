"""Frozen values that cross rooms. Coordinates are pixels of the upright image, origin top-left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from faceid_core.errors import NotAllowed

Image = npt.NDArray[np.uint8]
"""An upright RGB image, (H, W, 3) uint8."""

Vectors = npt.NDArray[np.float32]
"""Embeddings, (N, D) float32."""

Ints = npt.NDArray[np.int64]
"""Labels or identifiers, (N,) int64."""


WEAK_PART = 0.5
"""A part of a face's quality (0 to 1) below it spoils the face: blurred, turned away, badly lit, of few pixels."""

LOW_QUALITY = 0.25
"""Quality (0 to 1) below which it can hardly be told whose a face is, by a program or a human: it joins no group,
and nobody is asked about it. Of LFW's faces at 18 pixels, whose quality is about 0, every third that is near
enough to be grouped is nearest to somebody else; at 22 pixels (0.28) every fifth."""

EARLIEST = date(1700, 1, 1)
"""Nobody who was ever photographed was born before; the first photograph is of 1826."""


class Presence(StrEnum):
    """How somebody is on a photo without a face that shows who it is."""

    UNSEEN = "unseen"
    """No face of theirs is visible."""
    BEHIND = "behind"
    """Their head is seen from behind."""


class Role(StrEnum):
    """What somebody may do; each role may do what the one before it may, too."""

    VIEWER = "viewer"
    """See everything that isn't hidden, and recognise faces."""
    EDITOR = "editor"
    """Name faces, answer questions, group, and undo what they did themselves."""
    OWNER = "owner"
    """Import, train, erase, restore, undo what others did, and say who else may come in."""

    def includes(self, other: Role) -> bool:
        """Whether this role may do what `other` may."""
        roles = list(Role)
        return roles.index(self) >= roles.index(other)

    @property
    def with_article(self) -> str:
        """
        >>> Role.VIEWER.with_article, Role.OWNER.with_article
        ('a viewer', 'an owner')
        """
        return f"{'a' if self is Role.VIEWER else 'an'} {self.value}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: their name goes into the journal, their role decides what they may do."""

    name: str
    role: Role

    def require(self, need: Role) -> None:
        """Raises NotAllowed, which says what it takes, unless this role includes `need`."""
        if not self.role.includes(need):
            raise NotAllowed(f"This takes the role “{need}”, and yours is “{self.role}”; ask an owner.")


LOCAL_OWNER = Actor("owner", Role.OWNER)
"""Who acts on the command line, and in the browser while nobody signs in: the person whose library this is."""

PROGRAM = Actor("program", Role.OWNER)
"""Who acts when nobody asked for it: the names that near copies get, the groups after an import."""


class Progress(Protocol):
    """How long work reports where it is. An implementation may raise JobCancelled to stop the work."""

    def __call__(self, done: int, total: int, message: str = "") -> None: ...


def no_progress(done: int, total: int, message: str = "") -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; right and bottom are exclusive edges. It may reach beyond the image."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """In square pixels, 0 for a box whose edges are in the wrong order."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)

    def scaled(self, factor: float) -> Box:
        """The same rectangle on an image that is `factor` times as large."""
        return Box(self.left * factor, self.top * factor, self.right * factor, self.bottom * factor)

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in pixels."""
        return (self.left, self.top, self.right, self.bottom)


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """A face that a detector found: its box, the detector's score, and 5 landmarks.

    landmarks: (5, 2) float32 x, y in the order of dlib's 5-point predictor: the two corners of the eye on the
    image's right (outer, inner), the two corners of the eye on the image's left (outer, inner), base of the nose.
    """

    box: Box
    score: float
    landmarks: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be recognised; each part and the score are 0 (useless) to 1 (ideal)."""

    size: float
    sharpness: float
    pose: float
    exposure: float
    score: float


@dataclass(frozen=True, slots=True)
class Guess:
    """One candidate of a recognition. probability is 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Recognised:
    """One face of a recognised image. name is None for a face that is nobody we know.

    runners_up: the next candidates, best first; for an unknown face they start with the nearest person.
    person_id: of the person of that name in the library; None for nobody we know, and for a person who has another
    name by now.
    """

    box: Box
    name: str | None
    probability: float
    runners_up: tuple[Guess, ...] = ()
    score: float = 0.0
    person_id: int | None = None

    @property
    def status(self) -> str:
        """“known” or “unknown”: somebody may be called “unknown”."""
        return "unknown" if self.name is None else "known"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: box in pixels as left, top, right, bottom; status “unknown” and name null for a face that is
        nobody we know."""
        return {
            "box": [round(edge, 1) for edge in self.box.as_tuple()],
            "status": self.status,
            "person_id": self.person_id,
            "name": self.name,
            "probability": round(self.probability, 4),
            "score": round(self.score, 4),
            "runners_up": [
                {"name": guess.name, "probability": round(guess.probability, 4)} for guess in self.runners_up
            ],
        }


@dataclass(frozen=True, slots=True)
class TrainReport:
    """The outcome of one training.

    accuracy: share of held-out faces that get the right name (closed set), 0 to 1.
    tpir, fpir: share of held-out faces of known people named rightly, and of strangers named at all, at threshold.
    history: one row an epoch with the keys epoch, train_loss, valid_loss, accuracy.
    version: faceid's; kept: the recipe that was kept; calibration_error: how far its probabilities are from the
    share that is right.
    cohort: faces that scores are normalised with; strangers: those among them that the threshold is measured on.
    points: fpir, threshold and tpir of each choice of the threshold; by_person: counts by class, see
    recognition.classifier.by_person. compared: for each recipe that was tried, accuracy, and TPIR where 1 in 100
    and 1 in 1,000 strangers get a name (tpir, tpir_strict), all on the same held-out faces. dataset: SHA-256 of
    the faces and the names that were learned from, in any order.
    """

    classes: tuple[str, ...]
    train_faces: int
    valid_faces: int
    accuracy: float
    threshold: float
    tpir: float
    fpir: float
    seconds: float
    history: tuple[dict[str, float], ...] = field(default=())
    version: str = ""
    kept: str = ""
    calibration_error: float = 0.0
    cohort: int = 0
    strangers: int = 0
    points: tuple[dict[str, float | None], ...] = field(default=())
    by_person: tuple[dict[str, int], ...] = field(default=())
    compared: tuple[dict[str, str | float], ...] = field(default=())
    dataset: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        from dataclasses import asdict

        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class GalleryFaces:
    """Confirmed faces: ids (N,), the person of each (N,), and vectors (N, D)."""

    ids: Ints
    people: Ints
    vectors: Vectors


@dataclass(frozen=True, slots=True, eq=False)
class NewFace:
    """A face to store. crop: the aligned face as JPEG; vector: (D,) float32."""

    face: DetectedFace
    quality: Quality
    crop: bytes
    vector: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """The video that a photo is a frame of. every: the paths of all stored frames, where this is the last one."""

    video: str
    every: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class NewPhoto:
    """A photo to store; error is the plain reason when it could not be read. phashes: see image_hash. unit: how
    long a distance of 1 between dlib's vectors is between this embedder's."""

    path: str
    sha256: str | None
    width: int
    height: int
    taken_at: datetime | None
    error: str | None
    size_bytes: int
    modified_ns: int
    detector: str
    embedder: str
    faces: tuple[NewFace, ...]
    phashes: bytes = b""
    frame: VideoFrame | None = None
    camera: str | None = None
    unit: float = 1.0


@dataclass(frozen=True, slots=True)
class ExportedFace:
    """A face as exports see it. path, width, height (px), taken_at: of its photo; sha256: None for a frame of a
    video. cluster, person and label_source: None for none."""

    id: int
    photo_id: int
    path: str
    sha256: str | None
    width: int
    height: int
    taken_at: datetime | None
    box: Box
    score: float
    quality: float
    flag: Flag
    cluster: int | None
    person: str | None
    label_source: str | None


def utc_now() -> datetime:
    """This moment in UTC, without a zone: the form in which every time is stored."""
    return datetime.now(UTC).replace(tzinfo=None)


class PhotoStatus(StrEnum):
    """Whether a photo could be read."""

    DONE = "done"
    FAILED = "failed"


class Flag(StrEnum):
    """What a human said a face is, beyond its name."""

    NONE = "none"
    NOT_A_FACE = "not_a_face"
    STRANGER = "stranger"
    HIDDEN = "hidden"


class ConsentState(StrEnum):
    """What a person said to being recognised. Refused: no picture and no vector of their face is kept."""

    UNKNOWN = "unknown"
    GIVEN = "given"
    REFUSED = "refused"


class LabelSource(StrEnum):
    """Who gave a face its name, strongest first: a stronger source is never overwritten by a weaker one.

    Libraries of early versions may hold "model" as well, which counts as imported.
    """

    HUMAN = "human"
    ACCEPTED = "accepted"
    IMPORTED = "imported"

    @classmethod
    def _missing_(cls, value: object) -> LabelSource | None:
        return cls.IMPORTED if value == "model" else None


class JobState(StrEnum):
    """Where a job is between being asked for and its end."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its worker died, with the machine or by itself."""


OPEN_JOBS = (JobState.QUEUED.value, JobState.RUNNING.value)
"""The states of a job that has not ended."""
