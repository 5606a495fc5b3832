"""Export human decisions, and replay them in another library, whatever detector found its faces.

Faces are known by their photo's SHA-256 and their box there. A replay matches boxes by their overlap; what finds no
match is written to a file of the same form, to be replayed once the photos are imported: nothing is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faceid_core.errors import DecisionsUnusable, InvalidName
from faceid_core.exchange import decisions_file
from faceid_core.exchange.decisions_file import (
    ConsentEntry,
    DecisionsFile,
    FaceEntry,
    FaceReference,
    PairEntry,
    PersonEntry,
    PhotoEntry,
    PresentEntry,
    wrong_entry,
)
from faceid_core.geometry import SAME_FACE_IOU, best_pairs, overlaps
from faceid_core.library import (
    ConsentView,
    FaceBox,
    FaceDecision,
    FaceRef,
    Library,
    PairDecision,
    PersonDecision,
    PhotoDecision,
    person_names,
)
from faceid_core.values import Box, ConsentState, Flag, Presence


@dataclass(frozen=True, slots=True)
class Decided:
    """What a file holds."""

    people: tuple[PersonDecision, ...]
    faces: tuple[FaceDecision, ...]
    pairs: tuple[PairDecision, ...] = ()
    photos: tuple[PhotoDecision, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether there is a decision about any face or photo."""
        return bool(self.faces or self.pairs or self.photos)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did, in faces. disagreeing: this library had decided otherwise and keeps its decision;
    without_photo, without_face: the photo is not here, or has no face at the box."""

    taken: int
    disagreeing: int
    without_photo: int
    without_face: int
    rest: Path | None = None


def export(library: Library, file: Path) -> Decided:
    """Write all decisions to `file`, *.json or *.parquet. Raises UnknownChoice, PathNotFound, NotWritable."""
    decisions = library.decisions
    everything = Decided(
        tuple(decisions.people()),
        tuple(decisions.faces()),
        tuple(decisions.pairs()),
        tuple(library.tags.decided()),
    )
    write(everything, file)
    return everything


def replay(library: Library, file: Path, *, rest: Path | None = None) -> Replayed:
    """Apply the decisions in `file`; those that match no face here go to `rest` (default: beside `file`).

    Raises DecisionsUnusable, NotWritable. Decisions already made in this library stay.
    """
    decided = read(file)
    known = library.decisions.known(_photos_of(decided))
    here, left = _divided(decided, known)
    beside = (rest or file.with_name(f"{file.stem}.rest{file.suffix}")) if left.says_something else None
    if beside is not None:  # first the file, then the library: whatever happens in between, nothing is lost
        write(left, beside)
    disagreeing = library.decisions.take_over(here.people, here.faces, here.pairs, here.photos).disagreeing
    nowhere = sum(face.photo not in known for face in left.faces)
    return Replayed(
        len(here.faces) - len(disagreeing), len(disagreeing), nowhere, len(left.faces) - nowhere, beside
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Matched:
    """The decisions that are about something here. faces: with their ids; pairs: (id, id, same)."""

    people: list[PersonDecision]
    faces: list[tuple[int, FaceDecision]]
    pairs: list[tuple[int, int, bool]]
    photos: list[PhotoDecision]


def _photos_of(decided: Decided) -> list[str]:
    """The SHA-256 of all photos that the decisions are about; some more than once."""
    ends = [end for pair in decided.pairs for end in (pair.one, pair.other)]
    faces = [face.photo for face in decided.faces]
    return [*faces, *(end.photo for end in ends), *(each.photo for each in decided.photos)]


def _divided(decided: Decided, known: dict[str, list[FaceBox]]) -> tuple[_Matched, Decided]:
    """The decisions about what is here, and the rest. Adds faces drawn by hand that are missing here to `known`."""
    _, lost = match(decided.faces, known)
    drawn = [face for face in lost if face.by_hand and face.photo in known]
    for number, face in enumerate(drawn, 1):
        known[face.photo].append(FaceBox(-number, face.box))
    faces, lost = match(decided.faces, known)
    pairs, lost_pairs = match_pairs(decided.pairs, known)
    photos, lost_photos = (
        [each for each in decided.photos if (each.photo in known) is there] for there in (True, False)
    )
    here = {name for _, face in faces for name in _names(face)} | _present(photos)
    there = {name for face in lost for name in _names(face)} | _present(lost_photos)
    people = [person for person in decided.people if person.name not in there - here]
    theirs = tuple(person for person in decided.people if person.name in there)
    left = Decided(theirs, tuple(lost), tuple(lost_pairs), tuple(lost_photos))
    return _Matched(people, faces, pairs, photos), left


def match(
    faces: Sequence[FaceDecision], known: dict[str, list[FaceBox]]
) -> tuple[list[tuple[int, FaceDecision]], list[FaceDecision]]:
    """Faces with their ids here, and those that are not here. In each photo the largest overlaps are matched
    first."""
    by_photo: dict[str, list[FaceDecision]] = defaultdict(list)
    for face in faces:
        by_photo[face.photo].append(face)
    matched: list[tuple[int, FaceDecision]] = []
    lost: list[FaceDecision] = []
    for photo, wanted in by_photo.items():
        pairs = _pairs([face.box for face in wanted], known.get(photo, []))
        matched += [(pairs[index], face) for index, face in enumerate(wanted) if index in pairs]
        lost += [face for index, face in enumerate(wanted) if index not in pairs]
    return matched, lost


def match_pairs(
    pairs: Sequence[PairDecision], known: dict[str, list[FaceBox]]
) -> tuple[list[tuple[int, int, bool]], list[PairDecision]]:
    """(id, id, same) of the pairs with both faces here, and the other pairs."""
    ends = dict.fromkeys(end for pair in pairs for end in (pair.one, pair.other))
    matched, _ = match([FaceDecision(end.photo, end.path, end.box) for end in ends], known)
    ids = {FaceRef(face.photo, face.path, face.box): number for number, face in matched}
    here = [pair for pair in pairs if pair.one in ids and pair.other in ids]
    return [(ids[pair.one], ids[pair.other], pair.same) for pair in here], [p for p in pairs if p not in here]


def _pairs(boxes: Sequence[Box], known: Sequence[FaceBox]) -> dict[int, int]:
    """Index of a box -> id of its face, each face once."""
    pairs = best_pairs(overlaps(boxes, [face.box for face in known]), SAME_FACE_IOU)
    return {index: known[place].id for index, place in pairs.items()}


def _names(face: FaceDecision) -> Iterable[str]:
    return [name for name in (face.person, face.cover_of, *face.not_people) if name]


def _present(photos: Iterable[PhotoDecision]) -> set[str]:
    return {name for photo in photos for name, _ in photo.people}


def write(decided: Decided, file: Path) -> None:
    """Complete or not at all. Raises UnknownChoice, PathNotFound, NotWritable."""
    people = [_person_entry(person) for person in decided.people]
    pairs = [PairEntry(one=_reference(p.one), other=_reference(p.other), same=p.same) for p in decided.pairs]
    document = DecisionsFile(
        people=tuple(people), faces=tuple(map(_entry, decided.faces)), pairs=tuple(pairs),
        photos=tuple(map(_photo_entry, decided.photos)),
    )  # fmt: skip
    decisions_file.write(document, file)


def read(file: Path) -> Decided:
    """What `file` holds, all of it usable. Raises DecisionsUnusable, which names the entry and the field."""
    document = decisions_file.read(file)
    names = _names_in(document, file)
    people = tuple(
        PersonDecision(names[p.name], p.birth_date, p.hidden, _consent(p.consent), p.death_date, p.favourite)
        for p in document.people
    )
    pairs = tuple(PairDecision(_face_ref(p.one), _face_ref(p.other), p.same) for p in document.pairs)
    photos = tuple(
        PhotoDecision(
            each.photo, each.path, tuple((names[who.name], who.presence.value) for who in each.people), each.tags
        )
        for each in document.photos
    )
    return Decided(people, tuple(_decision(face, names) for face in document.faces), pairs, photos)


def _names_in(document: DecisionsFile, file: Path) -> dict[str, str]:
    """Each name as the file spells it -> the name of that person.

    Raises DecisionsUnusable for an empty name, and for a face of somebody who is not among the file's people.
    """
    names: dict[str, str] = {}
    by_key: dict[str, str] = {}
    for place, person in enumerate(document.people, 1):
        try:
            name = person_names.clean(person.name)
        except InvalidName as error:
            raise DecisionsUnusable(wrong_entry(file, f"person {place:,}, name", "it is empty")) from error
        names[person.name] = by_key.setdefault(person_names.key(name), name)
    for where, named in _all_named(document):
        for spelling in filter(None, named):
            key = person_names.key(spelling)
            if spelling not in names and key not in by_key:
                reason = f"nobody among the file's people is called {spelling}"
                raise DecisionsUnusable(wrong_entry(file, where, reason))
            names.setdefault(spelling, by_key.get(key, spelling))
    return names


def _all_named(document: DecisionsFile) -> Iterator[tuple[str, Sequence[str | None]]]:
    """Each place that names people, and the names."""
    for place, face in enumerate(document.faces, 1):
        yield f"face {place:,}, person", [face.person]
        yield f"face {place:,}, not", face.not_people
        yield f"face {place:,}, cover_of", [face.cover_of]
    for place, photo in enumerate(document.photos, 1):
        yield f"photo {place:,}, people", [who.name for who in photo.people]


def _photo_entry(photo: PhotoDecision) -> PhotoEntry:
    present = tuple(PresentEntry(name=name, presence=Presence(how)) for name, how in photo.people)
    return PhotoEntry(photo=photo.photo, path=photo.path, people=present, tags=photo.tags)


def _person_entry(person: PersonDecision) -> PersonEntry:
    said = person.consent
    known = None
    if said.state is not ConsentState.UNKNOWN:
        state: Literal["given", "refused"] = "refused" if said.state is ConsentState.REFUSED else "given"
        known = ConsentEntry(state=state, basis=said.basis, given_on=said.given_on, until=said.until)
    return PersonEntry(
        name=person.name, birth_date=person.birth_date, hidden=person.hidden, consent=known,
        death_date=person.death_date, favourite=person.favourite,
    )  # fmt: skip


def _consent(entry: ConsentEntry | None) -> ConsentView:
    if entry is None:
        return ConsentView()
    return ConsentView(ConsentState(entry.state), entry.basis, entry.given_on, entry.until)


def _entry(face: FaceDecision) -> FaceEntry:
    return FaceEntry(
        photo=face.photo,
        path=face.path,
        box=face.box.as_tuple(),
        person=face.person,
        source=face.source,  # type: ignore[arg-type]  # pydantic checks it
        at=face.at,
        flag=Flag(face.flag),
        not_people=face.not_people,
        cover_of=face.cover_of,
        by_hand=face.by_hand,
    )


def _decision(face: FaceEntry, names: Mapping[str, str]) -> FaceDecision:
    return FaceDecision(
        photo=face.photo,
        path=face.path,
        box=Box(*face.box),
        person=names[face.person] if face.person else None,
        source=face.source,
        at=face.at,
        flag=face.flag.value,
        not_people=tuple(names[name] for name in face.not_people),
        cover_of=names[face.cover_of] if face.cover_of else None,
        by_hand=face.by_hand,
    )


def _reference(face: FaceRef) -> FaceReference:
    return FaceReference(photo=face.photo, path=face.path, box=face.box.as_tuple())


def _face_ref(face: FaceReference) -> FaceRef:
    return FaceRef(face.photo, face.path, Box(*face.box))
