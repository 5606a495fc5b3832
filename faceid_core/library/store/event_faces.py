"""An index of the faces mentioned by journal events, which saves reading the whole journal.

It is derived from the events' changes: `note` updates it when an event is written or rewritten. Undone events
count, because they can be redone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Text, cast, delete, or_, select
from sqlmodel import Session, col

from faceid_core.library.store.bulk import add_rows
from faceid_core.library.store.database import chunks
from faceid_core.library.store.tables import Event, EventFace, Face


def note(session: Session, event_id: int, changes: Sequence[dict[str, Any]]) -> None:
    """Index an event with these changes, as stored. Faces that no longer exist are left out."""
    session.execute(delete(EventFace).where(col(EventFace.event_id) == event_id))
    for chunk in chunks(sorted(faces_in(changes))):
        there = select(col(Face.id)).where(col(Face.id).in_(chunk))
        rows = [{"face_id": face, "event_id": event_id} for face in session.scalars(there)]
        add_rows(session, EventFace, rows)


def note_again(session: Session, faces: Collection[int]) -> None:
    """Index restored faces again. Reads the whole journal."""
    if not faces:
        return
    text = cast(col(Event.changes), Text)
    keys = ("id", "face_id", "other_id", "cover_face_id")
    told = or_(*(text.contains(f'"{key}": {face}') for key in keys for face in faces))
    events = session.execute(select(Event.id, Event.changes).where(told))  # type: ignore[call-overload]
    rows = [
        {"face_id": face, "event_id": event} for event, changes in events for face in faces_in(changes) & set(faces)
    ]
    add_rows(session, EventFace, rows)


def mentioned(session: Session, faces: Iterable[int]) -> set[int]:
    """Return the faces that are mentioned by any event."""
    found: set[int] = set()
    for chunk in chunks(faces):
        found.update(session.scalars(select(col(EventFace.face_id)).where(col(EventFace.face_id).in_(chunk))))
    return found


def faces_in(changes: Iterable[dict[str, Any]]) -> set[int]:
    """Return the faces mentioned in an event's changes: as face rows, labels, pairs or covers."""
    return {face for change in changes for face in _faces_of(change) if face is not None}


def _faces_of(change: dict[str, Any]) -> Iterator[int | None]:
    for row in filter(None, (change["before"], change["after"])):
        yield row.get("id") if change["table"] == "face" else row.get("face_id")
        yield row.get("other_id")
        yield row.get("cover_face_id")
