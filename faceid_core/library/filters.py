"""What photos can be asked for, and how the database is asked.

A search finds only by what the page shows to whoever asks: it would else confirm every guess.
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
"""PostgreSQL keeps no NUL."""


@dataclass(frozen=True, slots=True)
class PhotoQuery:
    """Photos that meet all of these conditions.

    people: ids of persons who are all on the photo, with a face or without; without: of those who are not.
    taken_from, taken_to: local days, both included; a photo without a date meets neither.
    folder: the photo lies there or in a folder below, for owners only; text: part of the path, in any case: of
    all of it for owners, of the folder's and the file's name for editors, of the file's name for viewers.
    Hidden people, and faces that were hidden, are nobody to a viewer. blurred: there are faces, none of them sharp;
    copies: another photo is a copy of it; screenshots: its file is named as one. alone: nobody else is on it, with
    or without a name; camera: its model; tag: in any case, for editors only. only: ids of the photos in
    question. by_date: no condition; the photos come by the day of the shot.
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
        """Whether the query, apart from the status and the order, asks for nothing in particular."""
        return self == PhotoQuery(status=self.status, by_date=self.by_date)

    def as_json(self) -> dict[str, Any]:
        """What it says, as plain values; not the status."""
        fields = {name: value for name, value in asdict(self).items() if value and name != "status"}
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in fields.items()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any] | str) -> PhotoQuery:
        """Of photos that could be read. fields: as `as_json` gives them, or that as JSON. Raises BadInput for
        anything else: an unknown condition that is left out would find more photos than were asked for."""
        try:
            text = fields if isinstance(fields, str) else json.dumps(fields)
            return replace(_reader().validate_json(text), status=PhotoStatus.DONE)
        except (ValidationError, TypeError, ValueError) as error:
            raise BadInput("That search can't be read; choose the photos on the page Photos.") from error


@cache
def _reader() -> TypeAdapter[PhotoQuery]:
    return TypeAdapter(PhotoQuery)


def photo_conditions(query: PhotoQuery, actor: Actor) -> Iterator[Any]:
    """Conditions on Photo. Raises NotAllowed for a folder unless an owner asks."""
    yield from _said_conditions(query, actor)
    if query.taken_from is not None:
        yield col(Photo.taken_at) >= _midnight(query.taken_from)
    if query.taken_to is not None:
        yield col(Photo.taken_at) <= datetime.combine(query.taken_to, time.max)  # the last day has no next
    if query.folder:
        actor.require(Role.OWNER)
        folder = query.folder.rstrip("/\\") + _separator(query.folder)
        yield func.substr(col(Photo.path), 1, len(folder)) == folder  # LIKE would not tell A from a in SQLite
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
    """On what people said of the photo and its faces."""
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
    """A face on the photo that is none of these people's."""
    yield col(Face.photo_id) == col(Photo.id)
    yield col(Face.flag).in_([Flag.NONE.value, Flag.STRANGER.value])
    theirs = select(col(Label.face_id)).where(col(Label.person_id).in_(people))
    yield col(Face.id).not_in(theirs)


def _other_person(people: tuple[int, ...]) -> Iterator[Any]:
    """Somebody else who is on the photo without a face."""
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
"""How systems name the files of screenshots: Android, iOS, macOS, Windows, GNOME and KDE, in the languages that
were looked up. SQLite compares letters beyond ASCII as they are written here."""


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
    yield col(Photo.path).icontains(text, autoescape=True)  # quick, and rules out nearly all
    if not actor.role.includes(Role.OWNER):
        names = 2 if actor.role.includes(Role.EDITOR) else 1
        yield _last_names(names).icontains(text, autoescape=True)


def _last_names(names: int) -> Any:
    """The end of the path: the file's name, or its folder's, too. Libraries know both kinds of separators."""
    path = col(Photo.path)
    letters = func.replace(func.replace(path, "/", ""), "\\", "")
    above: Any = path
    for _ in range(names):
        above = func.rtrim(func.rtrim(above, "/\\"), letters)  # SQL knows no last occurrence
    return func.substr(path, func.length(above) + 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _separator(folder: str) -> str:
    """The one that its paths are written with: a library may come from another system."""
    return "\\" if "\\" in folder and "/" not in folder else "/"
