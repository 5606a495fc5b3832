"""Saved searches for photos, for all users who may search for people."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from faceid_core.errors import BadInput, NameTaken, NotFound
from faceid_core.library import person_names
from faceid_core.library.filters import PhotoQuery
from faceid_core.library.store.database import Database
from faceid_core.library.store.person_tables import SavedSearch
from faceid_core.values import Role

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedSearchView:
    """A saved search."""

    id: int
    name: str
    query: PhotoQuery


class Searches:
    """Saves, lists and removes searches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[SavedSearchView]:
        """Return all searches by name. Those with a folder are for owners only. Searches written by a newer version
        that this one can't read are left out. Raises NotAllowed."""
        self._database.actor.require(Role.EDITOR)
        owner = self._database.actor.role.includes(Role.OWNER)
        with self._database.read() as session:
            rows = session.scalars(select(SavedSearch).order_by(col(SavedSearch.name_key))).all()
            found = [one for row in rows if (one := _view(row)) is not None]
        return [one for one in found if owner or not one.query.folder]

    def add(self, name: str, query: PhotoQuery) -> int:
        """Save a search. Returns its id. Raises BadInput for a search without conditions, InvalidName, NameTaken,
        NotAllowed."""
        self._database.actor.require(Role.EDITOR)
        name = person_names.clean(name)
        if query.is_empty:
            raise BadInput("Choose a condition first; this search finds all photos.")
        with self._database.write(Role.EDITOR) as session:
            key = person_names.key(name)
            if session.scalars(select(SavedSearch).where(col(SavedSearch.name_key) == key)).first() is not None:
                raise NameTaken(f"There is already a search called “{name}”; choose another name.")
            actor = self._database.actor.name
            row = SavedSearch(name=name, name_key=key, query=query.as_json(), created_by=actor)
            session.add(row)
            session.flush()
            return int(row.id or 0)

    def remove(self, search_id: int) -> None:
        """Delete a search. Photos are not changed. Raises NotFound."""
        with self._database.write(Role.EDITOR) as session:
            row = session.get(SavedSearch, search_id)
            if row is None:
                raise NotFound("That search no longer exists.")
            session.delete(row)


def _view(row: SavedSearch) -> SavedSearchView | None:
    try:
        return SavedSearchView(int(row.id or 0), row.name, PhotoQuery.from_json(row.query))
    except BadInput:
        log.warning("the saved search %r can't be read; it is left out of the list", row.name)
        return None
