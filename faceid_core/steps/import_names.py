"""The step that takes over the names that other programs wrote into the photos of a library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faceid_core import frame_path
from faceid_core.errors import InvalidName
from faceid_core.exchange import face_regions
from faceid_core.geometry import carried
from faceid_core.library import FaceDecision, Library, PersonDecision
from faceid_core.library.person_names import clean, key
from faceid_core.steps.replay_decisions import match
from faceid_core.values import LabelSource, Progress, no_progress
from faceid_core.wording import count


@dataclass(frozen=True, slots=True)
class NamesTaken:
    """What became of the names, in faces. photos: with names in them; people: whose names were taken over; known:
    had that name already; disagreeing: this library says otherwise and keeps that; without_face: no face was found
    in that place."""

    photos: int
    people: int
    taken: int
    known: int
    disagreeing: int
    without_face: int

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
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


def take_names(library: Library, *, progress: Progress = no_progress) -> NamesTaken:
    """Give faces the names that their photos, or the XMP files beside them, hold for that place, as one decision.

    What was decided here already stays. Raises JobCancelled from `progress`, with nothing taken over.
    """
    named = list(_named_regions(library, progress))
    matched, lost = match(named, library.decisions.known(face.photo for face in named))
    new, known, other = _sorted(library, matched)
    people = {key(str(face.person)): PersonDecision(str(face.person)) for _, face in new}
    summary = f"Imported {count(len(new), 'name')} from photos"
    denied: set[int] = set()
    if new:
        denied.update(library.decisions.take_over([*people.values()], new, summary=summary).disagreeing)
    taken = [str(decision.person) for face, decision in new if face not in denied]
    return NamesTaken(
        photos=len({face.photo for face in named}),
        people=len(set(map(key, taken))),
        taken=len(taken),
        known=len(known),
        disagreeing=len(denied) + len(other),
        without_face=len(lost),
    )


Matched = list[tuple[int, FaceDecision]]


def _sorted(library: Library, matched: Matched) -> tuple[Matched, Matched, Matched]:
    """Faces without a name here, that very name, and another one."""
    before = {face.id: face for face in library.faces.get_many([face for face, _ in matched])}
    parts: tuple[Matched, Matched, Matched] = ([], [], [])
    for face, decision in matched:
        here = before[face].person
        parts[0 if here is None else 1 if key(here) == key(str(decision.person)) else 2].append((face, decision))
    return parts


def _named_regions(library: Library, progress: Progress) -> Iterator[FaceDecision]:
    files = library.photos.files()
    for number, (sha256, path, width, height) in enumerate(files):
        progress(number, len(files), "Reading names")
        if frame_path.split(path)[1] is not None:  # a picture of a video
            continue
        for region in face_regions.of_photo(Path(path)):
            if name := _usable(region.name):
                place = carried(region.box, (1, 1), (width, height), 0)
                yield FaceDecision(sha256, path, place, person=name, source=LabelSource.IMPORTED.value)
    progress(len(files), len(files), "Names read")


def _usable(name: str) -> str | None:
    try:
        return clean(name)
    except InvalidName:
        return None
