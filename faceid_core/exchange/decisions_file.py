"""The decisions file: all human decisions as JSON or Parquet, which another library can import.

The models define the format, and docs/decisions.schema.json is their JSON schema. A face is identified by its
photo's SHA-256 and its box. In Parquet, each face is a row; the rest is JSON in the file's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pydantic_core
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
)

from faceid_core.errors import DecisionsUnusable
from faceid_core.exchange.saving import save
from faceid_core.values import Flag, Presence
from faceid_core.wording import what_is_wrong

FORMAT: Final = "faceid-decisions"
VERSION: Final = 1

SINGULAR = {"people": "person", "faces": "face", "pairs": "pair", "photos": "photo"}
"""List name -> singular for messages: the first face is "face 1"."""

LONGEST_SHOWN = 60
"""Longest wrong value, in characters, shown in a message. Longer ones are left out."""


def _upright(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    if right < left or bottom < top:
        raise ValueError("it should be left, top, right, bottom, with left <= right and top <= bottom")
    return box


def _day(value: Any) -> Any:
    """Accept only YYYY-MM-DD: pydantic would also parse "9" as a number of seconds."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("it should be a date such as 2001-12-31") from error


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("it should be a time such as 2001-12-31T23:59:59") from error


def _in_utc(moment: datetime) -> datetime:
    """Convert to naive UTC, the form in which all times are stored."""
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError as error:
        raise ValueError("it should be a time between the years 1 and 9999") from error


_Iso = PlainSerializer(lambda moment: moment.isoformat(), return_type=str)
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment), AfterValidator(_in_utc), _Iso]
Edges = Annotated[tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat], AfterValidator(_upright)]


class Entry(BaseModel):
    """Base of all parts of the file: strict types, and fields added by later versions are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", populate_by_name=True)


class ConsentEntry(Entry):
    """A person's consent to being recognised."""

    state: Literal["given", "refused"]
    basis: str = Field(default="", max_length=200, description="Where it is documented")
    given_on: Day | None = Field(default=None, description="The day it was given, YYYY-MM-DD, or null")
    until: Day | None = Field(default=None, description="The last day on which it is valid, YYYY-MM-DD, or null")


class PersonEntry(Entry):
    """A person with their details."""

    name: Name
    birth_date: Day | None = Field(description="YYYY-MM-DD, or null")
    hidden: bool = Field(description="Known, but not shown")
    consent: ConsentEntry | None = Field(default=None, description="Left out where it is unknown")
    death_date: Day | None = Field(default=None, description="YYYY-MM-DD; left out where it is unknown")
    favourite: bool = Field(default=False, description="Shown first; left out where it is not so")

    @model_serializer(mode="wrap")
    def _without_unknown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit unknown values, so that files without them are byte-identical to those of older versions."""
        entry: dict[str, Any] = handler(self)
        for name in ("consent", "death_date", "favourite"):
            if not entry[name]:
                del entry[name]
        return entry


class FaceReference(Entry):
    """A face, identified by a photo and a box."""

    photo: str = Field(min_length=1, description="SHA-256 of the photo's file, in hexadecimal digits")
    path: str = Field(description="Where the photo was, for the reader only")
    box: Edges = Field(description="Left, top, right and bottom in pixels of the upright photo")


class FaceEntry(FaceReference):
    """All decisions about a face."""

    person: Name | None = Field(description="Who it is, one of `people`; null where nobody said so")
    source: Literal["human", "accepted", "imported"] = Field(description="How the face got its name")
    at: Moment | None = Field(description="When it got its name, in UTC; null where it has none")
    flag: Flag = Field(description="What the face is beyond its name")
    not_people: tuple[Name, ...] = Field(alias="not", description="Who it is not, each one of `people`")
    cover_of: Name | None = Field(description="The person whose picture this face is, one of `people`, or null")
    by_hand: Annotated[bool, BeforeValidator(bool)] = Field(
        default=False, description="Whether a human drew or moved the box; left out where not"
    )

    @model_serializer(mode="wrap")
    def _without_false(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit false values, so that files without hand-drawn boxes are byte-identical to those of older
        versions."""
        entry: dict[str, Any] = handler(self)
        if not entry["by_hand"]:
            del entry["by_hand"]
        return entry


class PairEntry(Entry):
    """Whether two faces are the same person."""

    one: FaceReference
    other: FaceReference
    same: bool


class PresentEntry(Entry):
    """A person who is on a photo without an identifiable face."""

    name: Name = Field(description="One of `people`")
    presence: Presence = Field(description="Whether no face is visible, or the head is seen from behind")


class PhotoEntry(Entry):
    """Decisions about a whole photo."""

    photo: str = Field(min_length=1, description="SHA-256 of the photo's file, in hexadecimal digits")
    path: str = Field(description="Where the photo was, for the reader only")
    people: tuple[PresentEntry, ...] = Field(description="Who is on it without a face")
    tags: tuple[Name, ...] = ()


class DecisionsFile(Entry):
    """All human decisions in a library."""

    model_config = ConfigDict(title="Decisions exported by faceid")

    format: Literal["faceid-decisions"] = FORMAT
    version: Literal[1] = VERSION
    made_at: str = Field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"), description="When it was written"
    )
    people: tuple[PersonEntry, ...]
    faces: tuple[FaceEntry, ...]
    pairs: tuple[PairEntry, ...] = ()
    photos: tuple[PhotoEntry, ...] = Field(default=(), description="Left out where nothing was said of any")

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit empty lists, so that files without them are byte-identical to those of older versions."""
        document: dict[str, Any] = handler(self)
        if not document["photos"]:
            del document["photos"]
        return document


def schema() -> str:
    """Return the JSON schema as text, the content of docs/decisions.schema.json."""
    described = DecisionsFile.model_json_schema(by_alias=True)
    described["required"] = ["format", "version", *described["required"]]
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}
    return json.dumps(document, indent=2) + "\n"


def write(decisions: DecisionsFile, file: Path) -> None:
    """Write *.json or *.parquet atomically. Raises UnknownChoice, PathNotFound, NotWritable."""
    save(decisions, file, WRITERS)


def read(file: Path) -> DecisionsFile:
    """Read and validate the decisions in `file`. Raises DecisionsUnusable, which names the entry and the field."""
    reader = READERS.get(file.suffix.lower(), _read_json)
    try:
        document = reader(file)
        _check_head(document, file)
        return DecisionsFile.model_validate_json(document)
    except FileNotFoundError as error:
        raise DecisionsUnusable(f"There is no file {file}; check the path.") from error
    except OSError as error:  # pyarrow's errors are among these, or are ValueErrors
        raise DecisionsUnusable(f"{file} can't be read ({error.strerror or 'no Parquet file'}).") from error
    except ValidationError as error:
        raise DecisionsUnusable(wrong_entry(file, *_first(error))) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _no_decisions(file) from error


def wrong_entry(file: Path, place: str, reason: str, others: int = 0) -> str:
    """Return the message about an invalid entry of `file`. others: how many more are invalid."""
    more = f" (and {others:,} more)" if others else ""
    return f"{file} can't be imported: {place}: {reason}{more}; correct the file or export it again."


def _first(error: ValidationError) -> tuple[str, str, int]:
    """Return the place of the first error, what is wrong, and how many other errors there are."""
    first = error.errors(include_url=False, include_context=False)[0]
    reason = what_is_wrong(first)
    given = "" if first["type"] in ("missing", "value_error") else json.dumps(first["input"], default=str)
    return (
        _place(first["loc"]),
        f"{reason}, not {given}" if 0 < len(given) <= LONGEST_SHOWN else reason,
        error.error_count() - 1,
    )


def _place(location: tuple[int | str, ...]) -> str:
    """Convert ("faces", 16, "flag") to "face 17, flag". Positions inside boxes and lists also count from 1."""
    first, *rest = location
    if first in SINGULAR and rest and isinstance(rest[0], int):
        first, rest = f"{SINGULAR[str(first)]} {rest[0] + 1:,}", rest[1:]
    return ", ".join([str(first), *(f"item {part + 1}" if isinstance(part, int) else part for part in rest)])


def _check_head(document: bytes, file: Path) -> None:
    try:
        head = pydantic_core.from_json(document)
    except ValueError as error:  # damaged, nested too deeply, or a number without end
        raise DecisionsUnusable(
            f"{file} is not a complete JSON file ({error}); choose a file written by `faceid decisions export`."
        ) from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise _no_decisions(file)
    if isinstance(version := head.get("version"), int) and version > VERSION:
        raise DecisionsUnusable(f"{file} was written by a newer faceid; update faceid, then import it again.")


def _no_decisions(file: Path) -> DecisionsUnusable:
    return DecisionsUnusable(f"{file} contains no decisions; choose a file written by `faceid decisions export`.")


def _write_json(decisions: DecisionsFile, file: Path) -> None:
    document = decisions.model_dump(mode="json", by_alias=True)
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def _read_json(file: Path) -> bytes:
    return file.read_bytes()


def _write_parquet(decisions: DecisionsFile, file: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    text, texts = pa.string(), pa.list_(pa.string())
    columns = {"photo": text, "path": text, "box": pa.list_(pa.float64(), 4), "person": text, "source": text,
               "at": text, "flag": text, "not": texts, "cover_of": text}  # fmt: skip
    head = decisions.model_dump(mode="json", by_alias=True)
    rows = head.pop("faces")
    if any("by_hand" in row for row in rows):
        columns["by_hand"] = pa.bool_()
    table_schema = pa.schema(list(columns.items()), metadata={FORMAT: json.dumps(head)})
    parquet.write_table(pa.Table.from_pylist(rows, schema=table_schema), file)


def _read_parquet(file: Path) -> bytes:
    """Return the content of the file as JSON."""
    from pyarrow import parquet

    table = parquet.read_table(file)
    head = pydantic_core.from_json((table.schema.metadata or {})[FORMAT.encode()])
    return pydantic_core.to_json({**head, "faces": table.to_pylist()}, inf_nan_mode="constants")


WRITERS: Mapping[str, Callable[[DecisionsFile, Path], None]] = {".json": _write_json, ".parquet": _write_parquet}
"""Suffix -> writer."""

READERS: Mapping[str, Callable[[Path], bytes]] = {".json": _read_json, ".parquet": _read_parquet}
"""Suffix -> reader of the file as JSON text; any other suffix is read as JSON."""
