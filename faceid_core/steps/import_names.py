"""The step that takes over the names that other programs wrote into the photos of a library, and tells of each name
what becomes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from faceid_core import frame_path
from faceid_core.errors import InvalidName
from faceid_core.exchange import name_sources
from faceid_core.exchange.face_regions import UNCLEAR, NamedRegion, PhotoNames
from faceid_core.geometry import carried
from faceid_core.library import FaceDecision, FaceView, Library, PersonDecision
from faceid_core.library.person_names import clean, key
from faceid_core.steps.replay_decisions import match
from faceid_core.values import Box, Flag, LabelSource, Progress, no_progress
from faceid_core.wording import count


class Outcome(StrEnum):
    """What becomes of a name that a photo holds."""

    TAKEN = "taken"
    KNOWN = "known"
    DISAGREEING = "disagreeing"
    REFUSED = "refused"
    WITHOUT_FACE = "without_face"


@dataclass(frozen=True, slots=True)
class FoundName:
    """One name in a photo. reason: why it was not taken, as a clause. name is "" for a file that can't be read."""

    photo: str
    name: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NamesTaken:
    """What became of the names, in faces. photos: with names in them; people: whose names were taken over; known:
    had that name already; disagreeing: this library says otherwise and keeps that; without_face: no face was found
    in that place; refused: the name or its place can't be used; unreadable: XMP that can't be read at all."""

    photos: int
    people: int
    taken: int
    known: int
    disagreeing: int
    without_face: int
    refused: int = 0
    unreadable: int = 0

    @property
    def found(self) -> int:
        """All names in the photos."""
        return self.taken + self.known + self.disagreeing + self.without_face + self.refused

    def in_words(self) -> str:
        """
        >>> NamesTaken(5, 2, 4, 1, 0, 3).in_words()
        '4 names of 2 people imported; 1 was already known; 3 have no matching face'
        """
        people = count(self.people, "person", "people")
        parts = [f"{count(self.taken, 'name')} of {people} imported" if self.taken else "No new names found"]
        if self.known:
            parts.append(f"{self.known:,} {'was' if self.known == 1 else 'were'} already known")
        if self.disagreeing:
            parts.append(f"{self.disagreeing:,} already had another name here and kept it")
        if self.without_face:
            have = "has" if self.without_face == 1 else "have"
            parts.append(f"{self.without_face:,} {have} no matching face")
        if self.refused:
            parts.append(f"{count(self.refused, 'name')} can't be used")
        if self.unreadable:
            parts.append(f"the XMP of {count(self.unreadable, 'photo')} can't be read")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NameSurvey:
    """Every name in the photos and what becomes of it. new: the faces that get one."""

    names: tuple[FoundName, ...]
    new: Matched

    def summary(self) -> NamesTaken:
        """The counts."""
        outcomes = Counter(each.outcome for each in self.names if each.name)
        return NamesTaken(
            photos=len({each.photo for each in self.names if each.name}),
            people=len({key(each.name) for each in self.names if each.outcome is Outcome.TAKEN}),
            unreadable=len({each.photo for each in self.names if not each.name}),
            **{outcome.value: outcomes[outcome] for outcome in Outcome},
        )


Matched = list[tuple[int, FaceDecision]]
Source = Callable[[Path], PhotoNames]

NO_PLACE = "the source names the people of the photo without their places; name the face by hand"
NO_FACE = "no face was found at its place"
OTHER_NAME = "the face already has another name here"
NOT_ALIVE = "the photo was taken before the person's birth or after their death, by the dates given here"
DENIED = "the face is not this person, by what was decided here"


def take_names(library: Library, *, progress: Progress = no_progress) -> NamesTaken:
    """Give faces the names that their photos, or the XMP files beside them, hold for that place, as one decision.

    What was decided here already stays. Raises JobCancelled from `progress`, with nothing taken over.
    """
    return take_and_list(library, progress=progress).summary()


def take_and_list(
    library: Library, *, source: Source | None = None, progress: Progress = no_progress
) -> NameSurvey:
    """The same, with every name. source: as for `survey_names`."""
    found = survey_names(library, source=source, progress=progress)
    if not found.new:
        return found
    people = {key(str(face.person)): PersonDecision(str(face.person)) for _, face in found.new}
    summary = f"Imported {count(len(found.new), 'name')} from photos"
    denied = library.decisions.take_over([*people.values()], found.new, summary=summary).disagreeing
    return _without(found, set(denied))


def survey_names(library: Library, *, source: Source | None = None, progress: Progress = no_progress) -> NameSurvey:
    """Every name in the photos and what would become of it. Changes nothing. source: whom a photo names, by its
    path; by default what other programs wrote into it and beside it."""
    names: list[FoundName] = []
    people: People = {}
    read = source or partial(name_sources.survey, people_keyword=library.settings.people_keyword or "")
    named = list(_named_regions(library, read, names, people, progress))
    matched, lost = match(named, library.decisions.known(face.photo for face in named))
    matched += _placed(library, people, matched, names)
    names += [_found(face, Outcome.WITHOUT_FACE, NO_FACE) for face in lost]
    new: Matched = []
    for face, decision, outcome, reason in _judged(library, matched):
        names.append(_found(decision, outcome, reason))
        if outcome is Outcome.TAKEN:
            new.append((face, decision))
    return NameSurvey(tuple(sorted(names, key=lambda each: (each.photo, each.outcome, each.name))), new)


People = dict[str, tuple[str, list[str]]]
"""sha256 of a photo -> its path, and who is on it, without places."""


def _placed(library: Library, people: People, matched: Matched, names: list[FoundName]) -> Matched:
    """Faces for names without a place, see _only_place. The other names go into `names`."""
    given = {face: key(str(decision.person)) for face, decision in matched}
    known = library.decisions.known(people)
    ids = [face.id for faces in known.values() for face in faces]
    here = {face.id: face for face in library.faces.get_many(ids) if face.flag == Flag.NONE.value}
    placed: Matched = []
    for photo, (path, wanted) in people.items():
        faces = [here[face.id] for face in known.get(photo, []) if face.id in here]
        bearers = {face.id: given.get(face.id) or (key(face.person) if face.person else "") for face in faces}
        in_regions = {given[face.id] for face in faces if face.id in given}
        there = set(bearers.values())
        left = [name for name in wanted if key(name) not in there]
        names += [FoundName(path, name, Outcome.KNOWN) for name in wanted if key(name) in there - in_regions]
        usable = [good for name in left if (good := _usable(path, name, names))]
        face = _only_place(faces, bearers, wanted, left)
        if face is None:
            names += [FoundName(path, name, Outcome.WITHOUT_FACE, NO_PLACE) for name in usable]
            continue
        placed += [
            (face.id, FaceDecision(photo, path, face.box, person=name, source=LabelSource.IMPORTED.value))
            for name in usable
        ]
    return placed


def _only_place(
    faces: Sequence[FaceView], bearers: Mapping[int, str], wanted: Sequence[str], left: Sequence[str]
) -> FaceView | None:
    """The face that must be the one person who is left: as many faces as people, and all the others have names."""
    unnamed = [face for face in faces if not bearers[face.id]]
    return unnamed[0] if len(left) == len(unnamed) == 1 and len(faces) == len(wanted) else None


def _found(face: FaceDecision, outcome: Outcome, reason: str = "") -> FoundName:
    return FoundName(face.path, str(face.person), outcome, reason)


def _judged(library: Library, matched: Matched) -> Iterator[tuple[int, FaceDecision, Outcome, str]]:
    """Of each name with a face: whether the face has none, that very one or another, or was denied that one."""
    before = {face.id: face for face in library.faces.get_many([face for face, _ in matched])}
    denied = library.decisions.denied([face for face, _ in matched])
    not_alive = _not_alive(library, matched)
    for face, decision in matched:
        here, wanted = before[face].person, key(str(decision.person))
        if here is not None:
            same = key(here) == wanted
            yield face, decision, *((Outcome.KNOWN, "") if same else (Outcome.DISAGREEING, OTHER_NAME))
        elif wanted in denied.get(face, ()):
            yield face, decision, Outcome.DISAGREEING, DENIED
        elif wanted in not_alive.get(face, ()):
            yield face, decision, Outcome.DISAGREEING, NOT_ALIVE
        else:
            yield face, decision, Outcome.TAKEN, ""


def _not_alive(library: Library, matched: Matched) -> dict[int, set[str]]:
    """Face -> the keys of the names that its photo's day rules out."""
    living = library.gallery.lifetimes()
    if not len(living.people):
        return {}
    names = {person.id: key(person.name) for person in library.people.all()}
    faces = [face for face, _ in matched]
    out = living.exclude(library.gallery.days(faces)[:, None], living.people[None, :])
    found: dict[int, set[str]] = {}
    for row, place in np.argwhere(out).tolist():
        found.setdefault(faces[row], set()).add(names.get(int(living.people[place]), ""))
    return found


def _without(found: NameSurvey, denied: set[int]) -> NameSurvey:
    """The survey without faces that were named otherwise while it was made."""
    if not denied:
        return found
    refused = Counter(_found(face, Outcome.TAKEN) for number, face in found.new if number in denied)
    names = []
    for each in found.names:
        meanwhile = refused[each] > 0
        refused[each] -= meanwhile
        names.append(FoundName(each.photo, each.name, Outcome.DISAGREEING, OTHER_NAME) if meanwhile else each)
    return NameSurvey(tuple(names), [(face, named) for face, named in found.new if face not in denied])


def _named_regions(
    library: Library, read: Source, names: list[FoundName], people: People, progress: Progress
) -> Iterator[FaceDecision]:
    """Usable names with their places; those without a place go into `people`, the others into `names`."""
    files = library.photos.files()
    for number, (sha256, path, width, height) in enumerate(files):
        progress(number, len(files), "Reading names")
        if frame_path.split(path)[1] is not None:  # a picture of a video
            continue
        found = read(Path(path))
        if found.people:
            people[sha256] = (path, found.people)
        names += [FoundName(path, each.name, Outcome.REFUSED, each.reason) for each in found.unusable]
        for region in _as_faces_lie(library, sha256, path, (width, height), found.regions, names):
            if name := _usable(path, region.name, names):
                yield _decision(sha256, path, (width, height), name, region.box)
    progress(len(files), len(files), "Names read")


def _decision(sha256: str, path: str, size: tuple[int, int], name: str, box: Box) -> FaceDecision:
    """box: in shares of the picture, whose size is (width, height)."""
    place = carried(box, (1, 1), size, 0)
    return FaceDecision(sha256, path, place, person=name, source=LabelSource.IMPORTED.value)


def _as_faces_lie(
    library: Library,
    sha256: str,
    path: str,
    size: tuple[int, int],
    regions: Sequence[NamedRegion],
    names: list[FoundName],
) -> list[NamedRegion]:
    """The regions of a photo. Those that may be meant in two ways are taken in the one in which more of them are on
    faces; where that is no help, they go into `names`."""
    unclear = [region for region in regions if region.other is not None]
    if not unclear:
        return list(regions)
    known = library.decisions.known([sha256])

    def on_faces(boxes: Iterable[Box]) -> int:
        return len(match([_decision(sha256, path, size, "", box) for box in boxes], known)[0])

    stored = on_faces(region.box for region in unclear)
    turned = on_faces(region.other for region in unclear if region.other is not None)
    clear = [region for region in regions if region.other is None]
    if stored == turned > 0:
        names += [FoundName(path, region.name, Outcome.REFUSED, UNCLEAR) for region in unclear]
        return clear
    return clear + [
        replace(region, box=region.other or region.box) if turned > stored else region for region in unclear
    ]


def _usable(path: str, name: str, names: list[FoundName]) -> str | None:
    """The name as it is given to people. One that can't be used goes into `names`."""
    try:
        return clean(name)
    except InvalidName as error:
        names.append(FoundName(path, name, Outcome.REFUSED, _clause(str(error))))
        return None


def _clause(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def as_rows(names: Sequence[FoundName]) -> list[dict[str, Any]]:
    """The names as plain values for JSON."""
    return [asdict(each) for each in names]
