"""Immutable values shared between packages. Coordinates are pixels of the upright image, origin top-left."""

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
"""A quality component (0 to 1) below this spoils the face: blurred, turned away, badly lit or too small."""

LOW_QUALITY = 0.25
"""Quality (0 to 1) below which neither a program nor a human can reliably identify a face. Such faces are not
grouped, and no questions are asked about them. On LFW, of the faces that are near enough to be grouped, one in
three is nearest to another person at 18 pixels (quality about 0), and one in five at 22 pixels (0.28)."""

EARLIEST = date(1700, 1, 1)
"""Earliest birth date accepted: the first photograph dates from 1826."""


class Presence(StrEnum):
    """How a person appears in a photo without an identifiable face."""

    UNSEEN = "unseen"
    """Their face is not visible."""
    BEHIND = "behind"
    """Their head is seen from behind."""


class Role(StrEnum):
    """What a user may do. Each role includes the permissions of the previous one."""

    VIEWER = "viewer"
    """See everything that isn't hidden, and recognise faces."""
    EDITOR = "editor"
    """Name faces, answer questions, group, and undo what they did themselves."""
    OWNER = "owner"
    """Import, train, erase, restore, undo what others did, and manage users."""

    def includes(self, other: Role) -> bool:
        """Whether this role has all permissions of `other`."""
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
    """The user or program that performs an action. The journal records the name; the role sets permissions."""

    name: str
    role: Role

    def require(self, need: Role) -> None:
        """Raise NotAllowed, naming the required role, unless this role includes `need`."""
        if not self.role.includes(need):
            raise NotAllowed(f"This needs the role “{need}”, and yours is “{self.role}”; ask an owner.")


LOCAL_OWNER = Actor("owner", Role.OWNER)
"""The actor on the command line, and in the browser while sign-in is off: the owner of the library."""

PROGRAM = Actor("program", Role.OWNER)
"""The actor of automatic changes, such as names copied to near-duplicates and grouping after an import."""


class Progress(Protocol):
    """Callback for the progress of long-running work. It may raise JobCancelled to stop the work."""

    def __call__(self, done: int, total: int, message: str = "") -> None: ...


def no_progress(done: int, total: int, message: str = "") -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels. The right and bottom edges are exclusive. It may extend beyond the image."""

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
        """In square pixels; 0 if the edges are in the wrong order."""
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
        """Return the same rectangle on an image enlarged by `factor`."""
        return Box(self.left * factor, self.top * factor, self.right * factor, self.bottom * factor)

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in pixels."""
        return (self.left, self.top, self.right, self.bottom)


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """A detected face: its box, the detector's score and 5 landmarks.

    landmarks: (5, 2) float32 x, y in the order of dlib's 5-point predictor: the two corners of the eye on the
    image's right (outer, inner), the two corners of the eye on the image's left (outer, inner), base of the nose.
    """

    box: Box
    score: float
    landmarks: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be recognised. Each component and the score range from 0 (useless) to 1 (ideal)."""

    size: float
    sharpness: float
    pose: float
    exposure: float
    score: float


@dataclass(frozen=True, slots=True)
class Guess:
    """A candidate for a recognised face. probability is 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Recognised:
    """The recognition result for one face of an image. name is None for an unknown face.

    runners_up: the next candidates, best first; for an unknown face they start with the nearest person.
    person_id: the id of the person with that name in the library; None for an unknown face, or if the person has
    been renamed since the training.
    """

    box: Box
    name: str | None
    probability: float
    runners_up: tuple[Guess, ...] = ()
    score: float = 0.0
    person_id: int | None = None

    @property
    def status(self) -> str:
        """“known” or “unknown”. The name alone can't tell: a person may be called “unknown”."""
        return "unknown" if self.name is None else "known"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: the box in pixels as left, top, right, bottom; for an unknown face, the
        status “unknown” and the name null."""
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

    accuracy: closed-set accuracy on the held-out faces, 0 to 1.
    tpir, fpir: share of held-out faces of known people named correctly, and of strangers given any name, at
    threshold. history: one row per epoch with the keys epoch, train_loss, valid_loss, accuracy.
    version: of faceid; kept: the recipe that was kept; calibration_error: how far its probabilities differ from
    the share of correct answers.
    cohort: number of faces used to normalise scores; strangers: those of them used to measure the threshold.
    points: fpir, threshold and tpir for each choice of threshold; by_person: counts per class, see
    recognition.classifier.by_person. compared: for each recipe tried, its accuracy, and its TPIR when 1 in 100
    and 1 in 1,000 strangers get a name (tpir, tpir_strict), all on the same held-out faces. dataset: SHA-256 of
    the training faces and their names, independent of their order.
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
        """Return the report as plain values for JSON."""
        from dataclasses import asdict

        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class GalleryFaces:
    """Confirmed faces: ids (N,), person ids (N,) and vectors (N, D)."""

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
    """The video that a frame was taken from. every: the paths of all stored frames, set on the last frame only."""

    video: str
    every: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class NewPhoto:
    """A photo to store. error: the reason in plain words if it could not be read. phashes: see image_hash.
    unit: the distance between this embedder's vectors that corresponds to a distance of 1 between dlib's."""

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
    """A face for an export. path, width, height (px) and taken_at describe its photo. sha256 is None for a video
    frame. cluster, person and label_source are None if there is none."""

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


@dataclass(frozen=True, slots=True)
class ExportedPhoto:
    """A photo in which a person appears without a face, for an export. The fields are those of ExportedFace."""

    photo_id: int
    path: str
    width: int
    height: int
    taken_at: datetime | None
    person: str


def utc_now() -> datetime:
    """Return the current time in UTC as a naive datetime, the form in which all times are stored."""
    return datetime.now(UTC).replace(tzinfo=None)


class PhotoStatus(StrEnum):
    """Whether a photo could be read."""

    DONE = "done"
    FAILED = "failed"


class Flag(StrEnum):
    """What a user said about a face, other than its name."""

    NONE = "none"
    NOT_A_FACE = "not_a_face"
    STRANGER = "stranger"
    HIDDEN = "hidden"


class ConsentState(StrEnum):
    """A person's consent to being recognised. If refused, no picture or vector of their face is kept."""

    UNKNOWN = "unknown"
    GIVEN = "given"
    REFUSED = "refused"


class LabelSource(StrEnum):
    """Where a face's name came from, strongest first. A weaker source never overwrites a stronger one.

    Libraries of early versions may also contain "model", which counts as imported.
    """

    HUMAN = "human"
    ACCEPTED = "accepted"
    IMPORTED = "imported"

    @classmethod
    def _missing_(cls, value: object) -> LabelSource | None:
        return cls.IMPORTED if value == "model" else None


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its worker died, or the machine went down."""


OPEN_JOBS = (JobState.QUEUED.value, JobState.RUNNING.value)
"""The states of an unfinished job."""
