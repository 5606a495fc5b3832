"""Photo search: the query, and its translation to SQL.

A search matches only what its user may see. Otherwise its results would confirm guesses about hidden data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import and_, exists, func, or_, select
from sqlmodel import col

from faceid_core.errors import BadInput
from faceid_core.library import person_names
from faceid_core.library.copies import has_copies
from faceid_core.library.store.photo_tables import PersonOnPhoto, PhotoTag
from faceid_core.library.store.tables import Face, Label, Person, Photo
from faceid_core.values import WEAK_PART, Actor, Flag, PhotoStatus, Role

_Ids = tuple[Annotated[int, Field(ge=1, le=2**31 - 1)], ...]
_Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""PostgreSQL can't store NUL."""


@dataclass(frozen=True, slots=True)
class PhotoQuery:
    """Photos that meet all of these conditions.

    people: ids of people who are all on the photo, with or without a face; without: ids of people who are not.
    taken_from, taken_to: local days, both inclusive; a photo without a date matches neither.
    folder: a folder that contains the photo, directly or below, for owners only; text: part of the path, ignoring
    case: of the whole path for owners, of the folder and file name for editors, of the file name for viewers.
    Viewers can't search for hidden people or faces. blurred: there are faces, none of them sharp; copies: another
    photo is a copy of it; screenshots: its file is named like one. alone: nobody else is on it, named or not;
    camera: its model; tag: ignoring case, for editors only. only: restrict the search to these photo ids.
    by_date: not a condition; sort by the day the photo was taken.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    people: _Ids = ()
    without: _Ids = ()
    taken_from: date | None = None
    taken_to: date | None = None
    folder: _Text | None = None
    text: _Text | None = None
    status: PhotoStatus | None = None
    blurred: bool = False
    copies: bool = False
    screenshots: bool = False
    alone: bool = False
    camera: _Text | None = None
    by_date: bool = False
    tag: _Text | None = None
    only: _Ids = ()

    @property
    def is_empty(self) -> bool:
        """Whether the query has no conditions, apart from status and order."""
        return self == PhotoQuery(status=self.status, by_date=self.by_date)

    def as_json(self) -> dict[str, Any]:
        """Return the conditions as plain values, without the status."""
        fields = {name: value for name, value in asdict(self).items() if value and name != "status"}
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in fields.items()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any] | str) -> PhotoQuery:
        """Parse a query for readable photos. fields: the output of `as_json`, as a mapping or a JSON string. Raises
        BadInput for anything else: ignoring an unknown condition would return too many photos."""
        try:
            text = fields if isinstance(fields, str) else json.dumps(fields)
            return replace(_reader().validate_json(text), status=PhotoStatus.DONE)
        except (ValidationError, TypeError, ValueError) as error:
            raise BadInput("That search can't be read; select the photos on the page Photos.") from error


@cache
def _reader() -> TypeAdapter[PhotoQuery]:
    return TypeAdapter(PhotoQuery)


def photo_conditions(query: PhotoQuery, actor: Actor) -> Iterator[Any]:
    """Yield conditions on Photo. Raises NotAllowed for a folder unless the actor is an owner."""
    yield from _said_conditions(query, actor)
    if query.taken_from is not None:
        yield col(Photo.taken_at) >= _midnight(query.taken_from)
    if query.taken_to is not None:
        yield col(Photo.taken_at) <= datetime.combine(query.taken_to, time.max)  # date.max has no next day
    if query.folder:
        actor.require(Role.OWNER)
        folder = query.folder.rstrip("/\\") + _separator(query.folder)
        yield func.substr(col(Photo.path), 1, len(folder)) == folder  # LIKE ignores case in SQLite
    if query.text:
        yield from _text_conditions(query.text, actor)
    if query.blurred:
        yield from _blurred()
    if query.copies:
        yield has_copies()
    if query.screenshots:
        yield _is_screenshot()
    if query.status is not None:
        yield col(Photo.status) == query.status.value


def _said_conditions(query: PhotoQuery, actor: Actor) -> Iterator[Any]:
    """Yield conditions on people, tags, camera and ids."""
    for person in query.people:
        yield col(Photo.id).in_(_photos_of(person, actor))
    for person in query.without:
        yield col(Photo.id).not_in(_photos_of(person, actor))
    if query.alone:
        yield ~exists().where(*_other_face(query.people))
        yield ~exists().where(*_other_person(query.people))
    if query.camera:
        yield col(Photo.camera) == query.camera
    if query.tag:
        yield col(Photo.id).in_(_tagged(query.tag, actor))
    if query.only:
        yield col(Photo.id).in_(query.only)


def _other_face(people: tuple[int, ...]) -> Iterator[Any]:
    """Conditions for a face on the photo that belongs to none of these people."""
    yield col(Face.photo_id) == col(Photo.id)
    yield col(Face.flag).in_([Flag.NONE.value, Flag.STRANGER.value])
    theirs = select(col(Label.face_id)).where(col(Label.person_id).in_(people))
    yield col(Face.id).not_in(theirs)


def _other_person(people: tuple[int, ...]) -> Iterator[Any]:
    """Conditions for another person who is on the photo without a face."""
    yield col(PersonOnPhoto.photo_id) == col(Photo.id)
    yield col(PersonOnPhoto.person_id).not_in(people)


def _tagged(tag: str, actor: Actor) -> Any:
    actor.require(Role.EDITOR)
    return select(col(PhotoTag.photo_id)).where(col(PhotoTag.tag_key) == person_names.key(tag))


SCREENSHOTS = (
    "screenshot", "screen shot", "screen_shot", "screencap", "bildschirmfoto", "capture d’écran", "capture d'écran",
    "captura de pantalla", "captura de tela", "captura de ecrã", "schermata", "schermafbeelding", "skjermbilde",
    "skærmbillede", "skärmavbild", "zrzut ekranu", "снимок экрана", "ekran görüntüsü", "スクリーンショット",
    "截屏", "截图",
)  # fmt: skip
"""Screenshot file names of Android, iOS, macOS, Windows, GNOME and KDE, in the languages that were checked. SQLite
compares non-ASCII letters case-sensitively."""


def _is_screenshot() -> Any:
    name = _last_names(1)
    quick = or_(*(col(Photo.path).icontains(word, autoescape=True) for word in SCREENSHOTS))
    return and_(quick, or_(*(name.icontains(word, autoescape=True) for word in SCREENSHOTS)))


def _blurred() -> Iterator[Any]:
    mine = (col(Face.photo_id) == col(Photo.id), col(Face.flag) == Flag.NONE.value)
    sharpness = col(Face.quality_parts)["sharpness"].as_float()
    yield exists().where(*mine)
    yield ~exists().where(*mine, or_(sharpness >= WEAK_PART, sharpness.is_(None)))


def _photos_of(person: int, actor: Actor) -> Any:
    faces = select(col(Face.photo_id)).join(Label, col(Label.face_id) == col(Face.id))
    faces = faces.where(col(Label.person_id) == person)
    others = select(col(PersonOnPhoto.photo_id)).where(col(PersonOnPhoto.person_id) == person)
    if actor.role.includes(Role.EDITOR):
        return faces.union_all(others)
    shown = faces.join(Person, col(Person.id) == col(Label.person_id)).where(col(Person.hidden).is_(False))
    others = others.join(Person, col(Person.id) == col(PersonOnPhoto.person_id))
    return shown.where(col(Face.flag) != Flag.HIDDEN.value).union_all(others.where(col(Person.hidden).is_(False)))


def _text_conditions(text: str, actor: Actor) -> Iterator[Any]:
    yield col(Photo.path).icontains(text, autoescape=True)  # fast, and rules out nearly all photos
    if not actor.role.includes(Role.OWNER):
        names = 2 if actor.role.includes(Role.EDITOR) else 1
        yield _last_names(names).icontains(text, autoescape=True)


def _last_names(names: int) -> Any:
    """The last 1 or 2 names of the path: the file name, or folder and file name, with either kind of separator."""
    path = col(Photo.path)
    letters = func.replace(func.replace(path, "/", ""), "\\", "")
    above: Any = path
    for _ in range(names):
        above = func.rtrim(func.rtrim(above, "/\\"), letters)  # SQL can't search for a last occurrence
    return func.substr(path, func.length(above) + 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _separator(folder: str) -> str:
    """Return the separator used in its paths: a library may come from another operating system."""
    return "\\" if "\\" in folder and "/" not in folder else "/"
