"""The folders that the worker watches."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from faceid_core.library.store.database import Database
from faceid_core.library.store.tables import WatchedFolder
from faceid_core.values import Role


@dataclass(frozen=True, slots=True)
class WatchedView:
    """A watched folder. video_seconds: as for an import, None as in the settings; poll: for network drives."""

    path: str
    video_seconds: float | None = None
    poll: bool = False


class Watched:
    """Adds, lists and removes watched folders. For owners only, as it reveals paths; others get NotAllowed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[WatchedView]:
        """By path."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            rows = session.scalars(select(WatchedFolder).order_by(col(WatchedFolder.path)))
            return [WatchedView(row.path, row.video_seconds, row.poll) for row in rows]

    def add(self, path: str, *, video_seconds: float | None = None, poll: bool = False) -> None:
        """Watch a folder, or change how it is watched."""
        with self._database.write(Role.OWNER) as session:
            session.merge(WatchedFolder(path=path, video_seconds=video_seconds, poll=poll))

    def remove(self, path: str) -> None:
        """Stop watching a folder. Imported photos stay."""
        with self._database.write(Role.OWNER) as session:
            if (row := session.get(WatchedFolder, path)) is not None:
                session.delete(row)
