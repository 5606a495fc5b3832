"""Recognition results for many photos as a table: a row per face, and one for each photo without faces."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from faceid_core.exchange.face_table import as_text
from faceid_core.values import Recognised

COLUMNS = (
    "photo", "face", "status", "person_id", "name", "probability", "next_name", "next_probability",
    "left", "top", "right", "bottom", "score", "problem",
)  # fmt: skip
"""The columns that scripts may rely on, in this order."""

NO_FACE, UNREADABLE = "no_face", "unreadable"
"""Values of the column status in addition to those of Recognised.status."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PhotoAnswer:
    """The results for a photo. problem: why it could not be read, in plain words."""

    photo: str
    faces: tuple[Recognised, ...] = ()
    problem: str | None = None


def rows(answers: Iterable[PhotoAnswer]) -> Iterator[Row]:
    """Yield cells by column. face: counts from 1, left to right; boxes are in pixels of the upright photo. An
    unknown face has the status “unknown” and no name, to tell it from a person with that name."""
    for answer in answers:
        if not answer.faces:
            status = NO_FACE if answer.problem is None else UNREADABLE
            yield {"photo": answer.photo, "status": status, "problem": answer.problem}
        for number, face in enumerate(answer.faces, 1):
            yield {"photo": answer.photo, "face": number, **_cells(face)}


def _cells(face: Recognised) -> Row:
    after = face.runners_up[0] if face.runners_up else None
    box = zip(("left", "top", "right", "bottom"), face.box.as_tuple(), strict=True)
    return {
        "status": face.status,
        "person_id": face.person_id,
        "name": face.name,
        "probability": round(face.probability, 4),
        "next_name": after and after.name,
        "next_probability": after and round(after.probability, 4),
        **{edge: round(pixels, 1) for edge, pixels in box},
        "score": round(face.score, 4),
    }


def write_csv(answers: Iterable[PhotoAnswer], stream: IO[str]) -> None:
    """Comma-separated with a header line; missing values are empty. Text that a spreadsheet would run as a formula
    gets an apostrophe in front, see face_table.as_text."""
    writer = csv.DictWriter(stream, COLUMNS, restval="")
    writer.writeheader()
    for row in rows(answers):
        writer.writerow({name: as_text(cell) if isinstance(cell, str) else cell for name, cell in row.items()})


def tab_separated(answers: Iterable[PhotoAnswer]) -> str:
    """Return the table as text that can be pasted into spreadsheets."""
    lines = [COLUMNS, *([row.get(name) for name in COLUMNS] for row in rows(answers))]
    return "\n".join("\t".join("" if cell is None else as_text(_one_line(cell)) for cell in line) for line in lines)


def _one_line(cell: object) -> str:
    return " ".join(str(cell).split())


def as_json(answers: Iterable[PhotoAnswer]) -> list[dict[str, Any]]:
    """Return a list of {photo, faces}, or {photo, faces: [], problem} for a photo that could not be read."""
    return [
        {"photo": answer.photo, "faces": [face.as_dict() for face in answer.faces]}
        | ({} if answer.problem is None else {"problem": answer.problem})
        for answer in answers
    ]


def json_text(answers: Iterable[PhotoAnswer]) -> str:
    """`as_json` as a document."""
    return json.dumps(as_json(answers), ensure_ascii=False, indent=1)
