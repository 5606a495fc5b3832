"""How a recogniser does on faces that it must not know, face by face, and at any threshold. NumPy only.

Open-set identification in the words of ISO/IEC 19795-1: TPIR is the share of known people's faces that get the
right name, FPIR the share of unknown faces that get any name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from faceid_core.recognition import openset
from faceid_core.recognition.calibration import POINTS
from faceid_core.recognition.openset import Calibration, Scored
from faceid_core.recognition.scoring import Floats
from faceid_core.values import Ints

RANKS = 3
"""Candidates that are kept of each face."""

UNKNOWN = -1
"""The class of nobody known."""

STRANGERS_TO_JUDGE = 50
"""From so many strangers on they alone say how many of them get a name. With fewer, each known person's faces stand
in for them, compared with everybody else: those are of fewer people, and say less."""

BINS = 10
"""Bars of a reliability diagram."""

FEW_TESTED = 3
"""With fewer tested faces a person's recall says little."""

POOR_RECALL = 0.9
"""Below this, a person would gain from more photos."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What a recogniser answered about N faces that it must not know.

    faces: (N,) their ids in the library, 0 for one that is in none; classes: (N,) who they are, UNKNOWN for
    strangers; people: (N, RANKS) the likeliest classes, UNKNOWN where there are fewer; shares: (N, RANKS) their
    probabilities; others: (N,) the highest probability of anybody whom the face does not show.
    """

    faces: Ints
    classes: Ints
    people: Ints
    shares: Floats
    others: Floats

    @classmethod
    def of(cls, scored: Scored, calibration: Calibration, known: Ints, strangers: Ints) -> Self:
        """known, strangers: ids of the genuine faces and of the strangers, in the order of `scored`."""
        count = len(scored.impostors) - scored.strangers
        against = np.concatenate([scored.impostors[:count][scored.held], scored.impostors[count:]])
        own = openset.probabilities(scored.genuine, calibration)
        strange = openset.probabilities(scored.impostors[count:], calibration)
        people, shares = _ranked(np.concatenate([own, strange]))
        others = openset.probabilities(against, calibration).max(axis=1, initial=0.0)
        classes = np.concatenate([scored.classes, np.full(scored.strangers, UNKNOWN, np.int64)])
        return cls(np.concatenate([known, strangers]).astype(np.int64), classes, people, shares, others)

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, rows: np.ndarray) -> HeldOut:
        return HeldOut(*(getattr(self, each.name)[rows] for each in fields(self)))

    @property
    def known(self) -> np.ndarray:
        """(N,) bool: faces of somebody whom the recogniser knows."""
        return np.asarray(self.classes != UNKNOWN)

    @property
    def best(self) -> Floats:
        """(N,) the probability of the likeliest name."""
        best: Floats = self.shares[:, 0]
        return best

    @property
    def right(self) -> np.ndarray:
        """(N,) bool: known faces whose likeliest name is the right one."""
        return np.asarray(self.known & (self.people[:, 0] == self.classes))

    @property
    def impostors(self) -> Floats:
        """(M,) the highest wrong probability of each face that stands for a stranger, see STRANGERS_TO_JUDGE."""
        strangers: Floats = self.others[~self.known]
        return strangers if len(strangers) >= STRANGERS_TO_JUDGE else self.others

    def answered(self, threshold: float) -> Ints:
        """(N,) the class that each face is said to be, UNKNOWN for nobody known."""
        return np.where(self.best >= threshold, self.people[:, 0], UNKNOWN).astype(np.int64)


def _ranked(shares: Floats) -> tuple[Ints, Floats]:
    """(N, K) -> the RANKS highest of each row, highest first, filled up with UNKNOWN and 0."""
    order = np.argsort(-shares, axis=1, kind="stable")[:, :RANKS]
    found = np.take_along_axis(shares, order, axis=1)
    missing = ((0, 0), (0, RANKS - order.shape[1]))
    return np.pad(order.astype(np.int64), missing, constant_values=UNKNOWN), np.pad(found, missing)


# --- thresholds -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold does: tpir, fpir, and precision, the share of names given that are right; None where nothing
    can be measured."""

    threshold: float
    tpir: float | None
    fpir: float | None
    precision: float | None


def at(held: HeldOut, threshold: float) -> Point:
    """What this threshold does."""
    named = held.best >= threshold
    return Point(
        threshold,
        _share((held.right & named)[held.known]),
        _share(held.impostors >= threshold),
        _share(held.right[named]),
    )


def curve(held: HeldOut, most: int = 200) -> list[Point]:
    """From strict to lax: the lowest threshold that names no stranger, then each that names one more; at most so
    many of them."""
    thresholds = np.unique(np.concatenate([held.impostors, [0.999, 0.5, strict_threshold(held, 0.0)]]))[::-1]
    if len(thresholds) > most:  # most of them where few strangers get a name
        places = np.unique(np.geomspace(1, len(thresholds), most).astype(np.int64)) - 1
        thresholds = thresholds[places]
    return [at(held, float(threshold)) for threshold in thresholds]


def shared(several: Sequence[HeldOut]) -> list[HeldOut]:
    """Of each, the faces that all were tested with: as somebody whom all know, or as a stranger to all. So their
    figures can be compared."""
    keys = [list(zip(held.faces.tolist(), held.known.tolist(), strict=True)) for held in several]
    common = {key for key in set.intersection(*map(set, keys)) if key[0]}
    return [held[np.array([key in common for key in mine], bool)] for held, mine in zip(several, keys, strict=True)]


def strict_threshold(held: HeldOut, fpir: float) -> float:
    """The lowest threshold that keeps this FPIR on these faces; where nobody can stand for a stranger, 0."""
    impostors = np.sort(held.impostors)[::-1]
    allowed = int(fpir * len(impostors))
    return float(np.nextafter(impostors[allowed], 1)) if len(impostors) else 0.0


def precise_threshold(probabilities: Floats, right: np.ndarray | Floats, precision: float) -> float:
    """The lowest threshold above which names are right so often; above 1 where there is none. right: of each,
    whether its likeliest name is right, or how probable that is; both (N,)."""
    order = np.argsort(-probabilities, kind="stable")
    shares = np.cumsum(np.asarray(right, np.float64)[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= precision)
    return float(probabilities[order[enough[-1]]]) if len(enough) else 1.1


def threshold_for(points: Sequence[dict[str, float | None]], one_in: int) -> float | None:
    """The threshold at which at most 1 stranger in so many gets a name. points: TrainReport.points."""
    fit = [point["threshold"] for point in points if (point["fpir"] or 0.0) <= 1 / one_in * 1.001]
    return min((float(each) for each in fit if each is not None), default=None)


CHOICES = tuple(round(1 / share) for share in POINTS)
"""Strangers of whom one may get a name, to choose from."""


# --- people -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PersonResult:
    """tested: faces; right: of these, named rightly; wrong: named as somebody else; taken: faces of others, known
    or not, that got the name. recall, precision: None where nothing was measured."""

    person: int
    tested: int
    right: int
    wrong: int
    taken: int

    @property
    def recall(self) -> float | None:
        """Share of the person's faces that get the name."""
        return self.right / self.tested if self.tested else None

    @property
    def precision(self) -> float | None:
        """Share of the faces with that name that are the person."""
        named = self.right + self.taken
        return self.right / named if named else None


def by_person(held: HeldOut, people: int, threshold: float) -> list[PersonResult]:
    """Everybody, in the order of the classes."""
    answered = held.answered(threshold)

    def counted(classes: Ints) -> Ints:
        return np.bincount(classes[classes >= 0], minlength=people)

    named = answered != UNKNOWN
    right = held.known & (answered == held.classes)
    wrong = held.known & named & ~right
    columns = (
        counted(held.classes),
        counted(held.classes[right]),
        counted(held.classes[wrong]),
        counted(answered[named & ~right]),
    )
    return [PersonResult(person, *map(int, row)) for person, row in enumerate(zip(*columns, strict=True))]


def needs_photos(results: Sequence[PersonResult]) -> list[PersonResult]:
    """Whom more photos would help most: those who are recognised least, then those who were hardly tested."""
    weak = [each for each in results if each.tested < FEW_TESTED or (each.recall or 0.0) < POOR_RECALL]
    return sorted(weak, key=lambda each: (1.0 if each.recall is None else each.recall, each.tested, each.person))


def confusion(held: HeldOut, threshold: float) -> dict[tuple[int, int], Ints]:
    """(who it is, who it is said to be) -> rows of faces, the surest first; UNKNOWN for nobody known."""
    answered = held.answered(threshold)
    found: dict[tuple[int, int], list[int]] = {}
    for row in np.argsort(-held.best, kind="stable").tolist():
        found.setdefault((int(held.classes[row]), int(answered[row])), []).append(row)
    return {cell: np.array(rows, np.int64) for cell, rows in found.items()}


def most_confused(cells: dict[tuple[int, int], Ints], limit: int) -> list[int]:
    """The classes with most faces in wrong cells, at most so many, those with most first. To be unknown is one
    mistake, too, but a wrong name counts before it."""
    wrong: Counter[int] = Counter()
    for (truth, said), rows in cells.items():
        if truth != said:
            weight = len(rows) * (1 if said == UNKNOWN else 1000)
            wrong.update({person: weight for person in (truth, said) if person != UNKNOWN})
    return [person for person, _ in sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:limit]]


def confident_errors(held: HeldOut, least: float = 0.5) -> Ints:
    """Rows of known faces that are surely said to be somebody else, the surest first: some have the wrong name."""
    rows = np.flatnonzero(held.known & ~held.right & (held.best >= least))
    return rows[np.argsort(-held.best[rows], kind="stable")]


# --- probabilities ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Bar:
    """Faces whose probability lies between low and high: their mean probability, and the share that is right."""

    low: float
    high: float
    faces: int
    probability: float
    right: float


def reliability(held: HeldOut) -> list[Bar]:
    """The bars of a reliability diagram that hold a face. Strangers are never named rightly.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    place = np.minimum((held.best * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in np.unique(place).tolist():
        mine = place == number
        means = float(held.best[mine].mean()), float(held.right[mine].mean())
        found.append(Bar(number / BINS, (number + 1) / BINS, int(mine.sum()), *means))
    return found


def _share(flags: np.ndarray) -> float | None:
    return float(flags.mean()) if len(flags) else None
