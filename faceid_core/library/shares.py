"""Shared links, which show a person or a search to anyone who has them.

A link always shows the current photos. It stops working when it expires or is removed, when a person whom its
search includes or excludes is hidden, erased or renamed, or when a person whom it shows refuses consent.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, literal, or_, select, update
from sqlmodel import Session, col

from faceid_core.errors import BadInput, NotFound
from faceid_core.library import passwords, person_names
from faceid_core.library.filters import PhotoQuery, photo_conditions
from faceid_core.library.store import journal
from faceid_core.library.store.database import Database
from faceid_core.library.store.photo_tables import PersonOnPhoto
from faceid_core.library.store.records import PhotoView
from faceid_core.library.store.tables import Consent, Face, Label, Person, Photo, ShareLink
from faceid_core.library.store.withholding import withheld_faces
from faceid_core.values import LOCAL_OWNER, Box, ConsentState, Flag, Role, utc_now
from faceid_core.wording import count

DEFAULT_DAYS, LONGEST_DAYS = 14, 365

SECRET_BYTES = 32
"""256 bits can't be guessed, so a plain SHA-256 protects them as well as a slow hash would, and the timing of a
look-up by hash reveals nothing about any secret."""

LARGEST_ID = 2**31 - 1
"""PostgreSQL refuses to compare with larger values."""

GONE = "This link is no longer valid; ask whoever sent it for a new one."
"""Used for links that never existed, have expired or were removed, so that the reason is not revealed."""


@dataclass(frozen=True, slots=True)
class ShareView:
    """A link. people: ids of people who are shown and never blurred. person: the name of the person it shows, None
    for a search. password: the hash, never shown."""

    id: int
    query: PhotoQuery
    title: str
    person: str | None
    show_name: bool
    blur_others: bool
    downloads: bool
    password: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    views: int
    viewed_at: datetime | None
    is_valid: bool

    @property
    def heading(self) -> str:
        """The title of the shared page. It contains the name only if the owner chose so."""
        return (self.person if self.show_name and self.person else self.title) or "Shared photos"


class Shares:
    """Creates, lists, opens and removes links."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- for the owner ------------------------------------------------------------------------------------------
    def add(
        self,
        query: PhotoQuery,
        *,
        title: str = "",
        days: int = DEFAULT_DAYS,
        password: str | None = None,
        show_name: bool = False,
        blur_others: bool = True,
        downloads: bool = False,
    ) -> tuple[ShareView, str]:
        """Create a link to the photos that match a query. A query for just one person makes a link to that person.
        Returns the link and its secret, which is not available later.

        show_name: show the person's name. blur_others: blur all faces except those of the people in the query.
        Raises BadInput, NotFound, InvalidName, PasswordUnusable, NotAllowed.
        """
        self._database.actor.require(Role.OWNER)
        if replace(query, status=None).is_empty:
            raise BadInput("Choose a person or a search first; a link to all photos would show everything.")
        if not 1 <= days <= LONGEST_DAYS:
            raise BadInput(f"A link can be valid for 1 to {LONGEST_DAYS} days.")
        title = person_names.clean(title) if title.strip() else ""
        if password is not None:
            passwords.check_usable(password, title)
        secret, stored = secrets.token_urlsafe(SECRET_BYTES), passwords.hashed(password) if password else None
        with self._database.write(Role.OWNER) as session:
            _refuse_missing(session, query)
            now = utc_now()
            link = ShareLink(
                digest=_digest(secret), person_id=_only_person(query), query=query.as_json(), title=title,
                show_name=show_name, blur_others=blur_others, downloads=downloads, password=stored,
                created_by=self._database.actor.name, created_at=now, expires_at=now + timedelta(days=days),
            )  # fmt: skip
            session.add(link)
            session.flush()
            # The audit entry names nobody, because it stays when they are erased.
            journal.note(session, journal.SHARED, f"Made link {link.id}, valid for {count(days, 'day')}")
            return _view(session, link), secret

    def all(self) -> list[ShareView]:
        """Return all links, newest first, including expired ones. Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            links = session.scalars(select(ShareLink).order_by(col(ShareLink.id).desc())).all()
            return [_view(session, link) for link in links]

    def remove(self, share_id: int) -> None:
        """Delete a link, which stops working at once. Raises NotFound, NotAllowed."""
        with self._database.write(Role.OWNER) as session:
            if not session.execute(delete(ShareLink).where(col(ShareLink.id) == share_id)).rowcount:  # type: ignore[attr-defined]
                raise NotFound(f"There is no link {share_id}; `faceid share list` lists them.")
            journal.note(session, journal.SHARED, f"Removed link {share_id}")

    # --- for whoever has the link -------------------------------------------------------------------------------
    def open(self, secret: str) -> ShareView:
        """Return the valid link with this secret. Raises NotFound, with the same message whatever the reason."""
        with self._database.read() as session:
            link = session.scalars(select(ShareLink).where(col(ShareLink.digest) == _digest(secret))).first()
            if link is None or not (view := _view(session, link)).is_valid:
                raise NotFound(GONE)
            return view

    def count_view(self, share_id: int) -> None:
        """Count a visit."""
        seen = update(ShareLink).where(col(ShareLink.id) == share_id)
        with self._database.write(Role.OWNER) as session:
            session.execute(seen.values(views=col(ShareLink.views) + 1, viewed_at=utc_now()))

    def photos(self, share: ShareView, *, after: int | None = None, limit: int = 60) -> list[PhotoView]:
        """List the photos of the link, latest import first, after the photo `after`."""
        wanted = _photos(share).limit(limit)
        if after is not None:
            wanted = wanted.where(col(Photo.id) < min(after, LARGEST_ID))
        with self._database.read() as session:
            return [PhotoView(*row) for row in session.execute(wanted)]

    def number(self, share: ShareView) -> int:
        """Count the photos of the link."""
        with self._database.read() as session:
            return session.scalar(select(func.count(col(Photo.id))).where(*_conditions(share))) or 0

    def photo(self, share: ShareView, photo_id: int) -> tuple[PhotoView, list[Box]]:
        """Return a photo of the link and the faces to blur, in pixels of the upright photo. Raises NotFound."""
        with self._database.read() as session:
            wanted = _photos(share).where(col(Photo.id) == photo_id)
            row = session.execute(wanted).first() if photo_id <= LARGEST_ID else None
            if row is None:
                raise NotFound(GONE)
            return PhotoView(*row), _blurred(session, share, photo_id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _only_person(query: PhotoQuery) -> int | None:
    alone = PhotoQuery(people=query.people[:1])
    return query.people[0] if query.people and replace(query, status=None) == alone else None


def _refuse_missing(session: Session, query: PhotoQuery) -> None:
    if not _all_visible(session, query):
        raise NotFound("A person in this search is hidden, has refused consent or no longer exists; choose others.")


def _all_visible(session: Session, query: PhotoQuery) -> bool:
    """Whether all people in a query exist and are not hidden, and no person that it shows has refused consent. If
    an excluded person disappeared, the link would show more photos."""
    named = {*query.people, *query.without}
    there = select(func.count(col(Person.id))).where(col(Person.id).in_(named), col(Person.hidden).is_(False))
    refused = select(col(Consent.person_id)).where(
        col(Consent.person_id).in_(query.people), col(Consent.state) == ConsentState.REFUSED.value
    )
    return not named or (session.scalar(there) == len(named) and session.scalar(refused.limit(1)) is None)


def _view(session: Session, link: ShareLink) -> ShareView:
    query = PhotoQuery.from_json(link.query)
    person = session.get(Person, link.person_id) if link.person_id else None
    assert link.id is not None
    return ShareView(
        link.id, query, link.title, person.name if person else None, link.show_name, link.blur_others,
        link.downloads, link.password, link.created_by, link.created_at, link.expires_at, link.views,
        link.viewed_at, is_valid=link.expires_at > utc_now() and _all_visible(session, query),
    )  # fmt: skip


def _conditions(share: ShareView) -> Iterator[Any]:
    """Yield conditions on Photo. Hidden faces don't make a photo match."""
    yield from photo_conditions(replace(share.query, people=()), LOCAL_OWNER)  # only owners create links
    for person in share.query.people:
        faces = select(col(Face.photo_id)).join(Label, col(Label.face_id) == col(Face.id))
        theirs = faces.where(col(Label.person_id) == person, col(Face.flag) == Flag.NONE.value)
        others = select(col(PersonOnPhoto.photo_id)).where(col(PersonOnPhoto.person_id) == person)
        yield col(Photo.id).in_(theirs.union_all(others))


def _photos(share: ShareView) -> Any:
    """Select the fields of PhotoView except the number of faces, which visitors must not see."""
    columns = (Photo.id, Photo.path, Photo.width, Photo.height, Photo.taken_at, Photo.status, Photo.error)
    wanted = select(*columns, literal(0)).where(*_conditions(share))  # type: ignore[call-overload]
    return wanted.order_by(col(Photo.id).desc())


def _blurred(session: Session, share: ShareView, photo_id: int) -> list[Box]:
    """Return the faces to blur: all except those of the people in the query or, without blur_others, those of
    people who are hidden or refused consent. Boxes that are not a face are skipped."""
    hidden = or_(col(Person.hidden), col(Face.id).in_(withheld_faces()))
    wanted = (
        select(Face, col(Label.person_id), hidden)
        .outerjoin(Label, col(Label.face_id) == col(Face.id))
        .outerjoin(Person, col(Person.id) == col(Label.person_id))
        .where(col(Face.photo_id) == photo_id, col(Face.flag) != Flag.NOT_A_FACE.value)
    )
    return [
        Box(face.left, face.top, face.right, face.bottom)
        for face, person, hidden in session.execute(wanted)
        if face.flag == Flag.HIDDEN.value or hidden or (share.blur_others and person not in share.query.people)
    ]
