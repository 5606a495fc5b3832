"""Human decisions as a JSON or Parquet file that another library, with another detector, can take over.

Faces are known by their photo's sha256 and their box there. Taking over matches boxes by their overlap; what finds
no match is written to a file of the same form, to be taken over once the photos are imported: nothing is lost.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from faceid_core.atomic import replaced
from faceid_core.errors import DecisionsUnusable, NotWritable, PathNotFound, UnknownChoice
from faceid_core.geometry import SAME_FACE_IOU, best_pairs, overlaps
from faceid_core.library import FaceBox, FaceDecision, FaceRef, Library, PairDecision, PersonDecision
from faceid_core.values import Box, Flag, LabelSource

FORMAT, VERSION = "faceid-decisions", 1


@dataclass(frozen=True, slots=True)
class Decided:
    """What a file holds."""

    people: tuple[PersonDecision, ...]
    faces: tuple[FaceDecision, ...]
    pairs: tuple[PairDecision, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """What taking over did, in faces. disagreeing: this library had decided otherwise and keeps its decision;
    without_photo, without_face: the photo is not here, or no face where the box is."""

    taken: int
    disagreeing: int
    without_photo: int
    without_face: int
    rest: Path | None = None


def export(library: Library, file: Path) -> Decided:
    """Write all decisions to `file`, *.json or *.parquet. Raises UnknownChoice, PathNotFound, NotWritable."""
    said = library.decisions
    everything = Decided(tuple(said.people()), tuple(said.faces()), tuple(said.pairs()))
    write(everything, file)
    return everything


def replay(library: Library, file: Path, *, rest: Path | None = None, actor: str) -> Replayed:
    """Take the decisions of `file` over; those that find no face go to `rest` (default: beside `file`).

    Raises DecisionsUnusable, NotWritable. What was decided here already stays.
    """
    decided = read(file)
    photos = [end.photo for pair in decided.pairs for end in (pair.one, pair.other)]
    known = library.decisions.known([*(face.photo for face in decided.faces), *photos])
    matched, lost = match(decided.faces, known)
    pairs, lost_pairs = match_pairs(decided.pairs, known)
    beside = rest or file.with_name(f"{file.stem}.rest{file.suffix}")
    if lost or lost_pairs:  # first the file, then the library: whatever happens in between, nothing is lost
        named = {name for face in lost for name in _names(face)}
        people = tuple(person for person in decided.people if person.name in named)
        write(Decided(people, tuple(lost), tuple(lost_pairs)), beside)
    found = {name for _, face in matched for name in _names(face)}
    missed = {name for face in lost for name in _names(face)} - found
    found_people = [person for person in decided.people if person.name not in missed]
    disagreeing = library.decisions.take_over(found_people, matched, pairs, actor=actor).disagreeing
    nowhere = sum(face.photo not in known for face in lost)
    return Replayed(
        len(matched) - len(disagreeing),
        len(disagreeing),
        nowhere,
        len(lost) - nowhere,
        beside if lost or lost_pairs else None,
    )


def match(
    faces: Sequence[FaceDecision], known: dict[str, list[FaceBox]]
) -> tuple[list[tuple[int, FaceDecision]], list[FaceDecision]]:
    """Faces with their id here, and those that are not here. The largest overlaps on a photo are settled first."""
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
    """(id, id, same) of the pairs both of whose faces are here, and the others."""
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


def write(decided: Decided, file: Path) -> None:
    """Complete or not at all. Raises UnknownChoice, PathNotFound, NotWritable."""
    writer = _WRITERS.get(file.suffix.lower())
    if writer is None:
        raise UnknownChoice(f"Name the file *{' or *'.join(_WRITERS)}, not {file.name}.")
    if not file.absolute().parent.is_dir():
        raise PathNotFound(f"There is no folder {file.absolute().parent}; create it or choose another one.")
    try:
        with replaced(file) as partial:
            writer(decided, partial)
    except OSError as error:
        raise NotWritable(f"{file} can't be written ({error.strerror}); choose another folder.") from error


def read(file: Path) -> Decided:
    """Raises DecisionsUnusable for whatever is no complete file of decisions."""
    reader = _READERS.get(file.suffix.lower(), _read_json)
    try:
        people, faces, pairs = reader(file)
        return Decided(tuple(map(_person, people)), tuple(map(_face, faces)), tuple(map(_pair, pairs)))
    except FileNotFoundError as error:
        raise DecisionsUnusable(f"There is no file {file}; check the path.") from error
    except OSError as error:  # pyarrow's errors are among these, or are ValueErrors
        raise DecisionsUnusable(f"{file} can't be read ({error.strerror or 'no Parquet file'}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DecisionsUnusable(
            f"{file} holds no decisions; give a file that `faceid decisions export` wrote."
        ) from error


Rows = list[dict[str, Any]]


def _person_row(person: PersonDecision) -> dict[str, Any]:
    born = person.birth_date.isoformat() if person.birth_date else None
    return {"name": person.name, "birth_date": born, "hidden": person.hidden}


def _face_row(face: FaceDecision) -> dict[str, Any]:
    return {
        "photo": face.photo,
        "path": face.path,
        "box": list(face.box.as_tuple()),
        "person": face.person,
        "source": face.source,
        "at": face.at.isoformat() if face.at else None,
        "flag": face.flag,
        "not": list(face.not_people),
        "cover_of": face.cover_of,
    }


def _person(row: dict[str, Any]) -> PersonDecision:
    born = date.fromisoformat(row["birth_date"]) if row["birth_date"] else None
    return PersonDecision(row["name"], born, bool(row["hidden"]))


def _face(row: dict[str, Any]) -> FaceDecision:
    left, top, right, bottom = (float(edge) for edge in row["box"])
    return FaceDecision(
        photo=row["photo"],
        path=row["path"],
        box=Box(left, top, right, bottom),
        person=row["person"],
        source=LabelSource(row["source"]).value,
        at=datetime.fromisoformat(row["at"]) if row["at"] else None,
        flag=Flag(row["flag"]).value,
        not_people=tuple(row["not"]),
        cover_of=row["cover_of"],
    )


def _pair_row(pair: PairDecision) -> dict[str, Any]:
    return {"one": _ref_row(pair.one), "other": _ref_row(pair.other), "same": pair.same}


def _ref_row(face: FaceRef) -> dict[str, Any]:
    return {"photo": face.photo, "path": face.path, "box": list(face.box.as_tuple())}


def _pair(row: dict[str, Any]) -> PairDecision:
    return PairDecision(_ref(row["one"]), _ref(row["other"]), bool(row["same"]))


def _ref(row: dict[str, Any]) -> FaceRef:
    left, top, right, bottom = (float(edge) for edge in row["box"])
    return FaceRef(row["photo"], row["path"], Box(left, top, right, bottom))


def _head() -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, "made_at": datetime.now(UTC).isoformat(timespec="seconds")}


def _check_head(head: dict[str, Any]) -> None:
    if head["format"] != FORMAT or int(head["version"]) != VERSION:
        raise ValueError("another format")


def _write_json(decided: Decided, file: Path) -> None:
    people, faces = list(map(_person_row, decided.people)), list(map(_face_row, decided.faces))
    document = {**_head(), "people": people, "faces": faces, "pairs": list(map(_pair_row, decided.pairs))}
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def _read_json(file: Path) -> tuple[Rows, Rows, Rows]:
    """People, faces and pairs; older files have no pairs."""
    document = json.loads(file.read_text(encoding="utf-8"))
    _check_head(document)
    return document["people"], document["faces"], document.get("pairs", [])


def _write_parquet(decided: Decided, file: Path) -> None:
    """A row per face; people and pairs are few and go, as JSON, into the file's own description."""
    import pyarrow as pa
    from pyarrow import parquet

    text, texts = pa.string(), pa.list_(pa.string())
    columns = {"photo": text, "path": text, "box": pa.list_(pa.float64(), 4), "person": text, "source": text,
               "at": text, "flag": text, "not": texts, "cover_of": text}  # fmt: skip
    people, pairs = list(map(_person_row, decided.people)), list(map(_pair_row, decided.pairs))
    head = json.dumps({**_head(), "people": people, "pairs": pairs})
    schema = pa.schema(list(columns.items()), metadata={FORMAT: head})
    parquet.write_table(pa.Table.from_pylist([_face_row(face) for face in decided.faces], schema=schema), file)


def _read_parquet(file: Path) -> tuple[Rows, Rows, Rows]:
    from pyarrow import parquet

    table = parquet.read_table(file)
    head = json.loads((table.schema.metadata or {})[FORMAT.encode()])
    _check_head(head)
    return head["people"], table.to_pylist(), head.get("pairs", [])


_WRITERS: dict[str, Callable[[Decided, Path], None]] = {".json": _write_json, ".parquet": _write_parquet}
_READERS: dict[str, Callable[[Path], tuple[Rows, Rows, Rows]]] = {".json": _read_json, ".parquet": _read_parquet}
