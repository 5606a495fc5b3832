"""The journal: every human decision and every new grouping is one event, with each changed row before and after.

An action is a list of changes, applied in the transaction that writes the event. Undo applies them in reverse,
after checking that no row has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import defer
from sqlmodel import Session, col

from faceid_core.errors import BadInput, Conflict, NotAllowed, NotFound
from faceid_core.library.store import event_faces
from faceid_core.library.store.database import Database, acting
from faceid_core.library.store.records import AuditEntry, EventView
from faceid_core.library.store.row_changes import Change, Row, apply, changes_of, encode, key_of
from faceid_core.library.store.tables import Event
from faceid_core.values import Actor, Role, utc_now

ERASED = "erase"
"""The kind of event for erasures. It can't be undone and contains nothing of what was erased."""

REMOVED = "remove files"
"""The kind of event for permanently deleted files."""

AUDIT_PAGE = 1000
"""Events read per batch for the audit."""

SHARED = "share"
"""The kind of event for links that were created or removed."""

USERS, TOKENS = "user", "token"
"""The kinds of event for changes to users and tokens. Their summaries name users, but contain no secrets."""

ACCESS = (USERS, TOKENS)
"""Kinds of events that only owners see."""

FINAL = {
    ERASED: "Erased data can't be restored; import the photos again to find their faces.",
    REMOVED: "Deleted files can't be restored.",
    SHARED: "Changes to links can't be undone here; manage links on the page Sharing.",
    USERS: "Changes to users can't be undone here; manage users on the page Users.",
    TOKENS: "Changes to tokens can't be undone here; manage tokens on the page Users.",
}
"""Kinds of events that can't be undone, with the message for users who try."""

Token = tuple[Any, ...]
"""Identifies state that one event needs and another one changes."""


class Journal:
    """Reads, undoes and redoes human decisions. Editors can undo their own, owners those of everybody. It contains
    names of hidden people, so viewers can't read it (NotAllowed)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recent(self, limit: int = 20, *, before: int | None = None, actor: str | None = None) -> list[EventView]:
        """List events, newest first, before the event `before`, optionally of one actor. Only owners see changes to
        users and tokens."""
        self._database.actor.require(Role.EDITOR)
        # Without the changes: the rows of a bulk action take megabytes, and lists don't show them.
        light = select(Event).options(defer(Event.changes)).order_by(col(Event.id).desc()).limit(limit)  # type: ignore[arg-type]
        if before is not None:
            light = light.where(col(Event.id) < before)
        if not self._database.actor.role.includes(Role.OWNER):
            light = light.where(col(Event.kind).not_in(ACCESS))
        if actor is not None:
            light = light.where(col(Event.actor) == actor)
        with self._database.read() as session:
            return [_view(event) for event in session.scalars(light)]

    def audit(
        self, *, start: datetime | None = None, end: datetime | None = None, actor: str | None = None
    ) -> Iterator[AuditEntry]:
        """Yield all events in pages, oldest first, optionally from `start` and before `end` (naive UTC), and of one
        actor, who did or undid them."""
        self._database.actor.require(Role.OWNER)
        return self._audit(start, end, actor)

    def _audit(self, start: datetime | None, end: datetime | None, actor: str | None) -> Iterator[AuditEntry]:
        conditions = [col(Event.at) >= start] if start else []
        conditions += [col(Event.at) < end] if end else []
        conditions += [or_(col(Event.actor) == actor, col(Event.undone_by) == actor)] if actor is not None else []
        columns: tuple[Any, ...] = (
            *(Event.id, Event.at, Event.actor, Event.kind, Event.summary, Event.undone_at, Event.undone_by),
        )
        wanted = select(*columns).where(*conditions).order_by(col(Event.id)).limit(AUDIT_PAGE)
        last = 0
        while True:
            with self._database.read() as session:  # one per page: a slow reader must not block others
                rows = session.execute(wanted.where(col(Event.id) > last)).all()
            yield from (AuditEntry(*(*row[:-1], row[-1] or None)) for row in rows)
            if len(rows) < AUDIT_PAGE:
                return
            last = rows[-1][0]

    def note(self, summary: str) -> EventView:
        """Record that files were permanently deleted. This event can't be undone."""
        with self._database.write(Role.OWNER) as session:
            event = note(session, REMOVED, summary)
            session.flush()
            return _view(event)

    def last_erasure(self) -> datetime | None:
        """Return the time of the last erasure, in naive UTC."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return session.scalar(select(func.max(Event.at)).where(col(Event.kind) == ERASED))

    def actors(self) -> list[str]:
        """Return the names of all actors with events, sorted."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            return list(session.scalars(select(col(Event.actor)).distinct().order_by(col(Event.actor))))

    def may_undo(self, event: EventView) -> bool:
        """Whether the actor may undo this event, or redo it if undone. Another decision may still prevent it."""
        return not event.final and _may(self._database.actor, event)

    def later(self, event_id: int) -> int:
        """Count the events that `undo_to` would undo."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(Event).where(*_standing_after(event_id))) or 0

    def undo(self, event_id: int | None = None) -> EventView:
        """Undo an event, by default the newest that can be undone. Raises NotFound, BadInput with the reason,
        NotAllowed for an editor if it is another user's."""
        with self._database.write() as session:
            return _undo(session, _find(session, event_id, undone=False))

    def redo(self, event_id: int | None = None) -> EventView:
        """Redo an undone event, by default the one undone last. Raises like `undo`."""
        with self._database.write() as session:
            return _redo(session, _find(session, event_id, undone=True))

    def undo_to(self, event_id: int) -> list[EventView]:
        """Go back to when this event was the newest: undo all later events in force, or none.

        Returns them in the order they were undone. Erasures can't be undone and stay. Raises NotFound, BadInput.
        """
        with self._database.write(Role.OWNER) as session:
            if session.get(Event, event_id) is None:
                raise NotFound(f"There is no decision {event_id} to go back to.")
            later = select(col(Event.id)).where(*_standing_after(event_id)).order_by(col(Event.id).desc())
            ids = session.scalars(later).all()
            return _in_any_order(session, ids, lambda event: _undo(session, event))

    def redo_all(self, ids: Sequence[int]) -> list[EventView]:
        """Redo these undone events, all or none, oldest first. Raises like `undo`."""
        with self._database.write() as session:
            for number in ids:
                _find(session, number, undone=True)
            return _in_any_order(session, sorted(ids), lambda event: _redo(session, event))


def note(session: Session, kind: str, summary: str) -> Event:
    """Write an event of a kind in FINAL, in the caller's transaction and under its actor."""
    event = Event(actor=acting(session).name, kind=kind, summary=summary, changes=[])
    session.add(event)
    return event


def _standing_after(event_id: int) -> tuple[Any, ...]:
    return col(Event.id) > event_id, col(Event.undone_at).is_(None), col(Event.kind).not_in(FINAL)


def _may(actor: Actor, event: Event | EventView) -> bool:
    mine = event.actor == actor.name == (event.undone_by or actor.name)
    return actor.role.includes(Role.EDITOR if mine else Role.OWNER)


def _check(session: Session, event: Event) -> None:
    if not _may(acting(session), event):
        who = f"undone by {event.undone_by}" if event.undone_by else f"decided by {event.actor}"
        raise NotAllowed(f"This was {who}; ask them, or an owner.")


def _undo(session: Session, event: Event) -> EventView:
    _check(session, event)
    changes = [change.reversed() for change in reversed(changes_of(event))]
    with _explain_conflict(session, event, changes):
        apply(session, changes)
    event.undone_at, event.undone_by = utc_now(), acting(session).name
    return _view(event)


def _redo(session: Session, event: Event) -> EventView:
    _check(session, event)
    changes = changes_of(event)
    with _explain_conflict(session, event, changes):
        apply(session, changes)
    event.undone_at = event.undone_by = None
    return _view(event)


def _in_any_order(
    session: Session, ids: Sequence[int | None], act: Callable[[Event], EventView]
) -> list[EventView]:
    """Undo or redo all events in the given order. An event that is refused is retried after the others, because
    redone events may depend on each other in another order. Raises the refusal if no event can proceed."""
    done: list[EventView] = []
    waiting = list(ids)
    while waiting:
        refused: list[int | None] = []
        for number in waiting:
            try:
                with session.begin_nested():
                    event = session.get_one(Event, number)
                    done.append(act(event))
                session.expunge(event)  # the rows of a bulk action take megabytes
            except BadInput as error:
                refused.append(number)
                reason = error
        if len(refused) == len(waiting):
            raise reason
        waiting = refused
    return done


def record(
    session: Session,
    kind: str,
    summary: str,
    changes: Sequence[Change],
    *,
    done: Sequence[Change] = (),
) -> EventView | None:
    """Apply an action and write its event, in the caller's transaction and under its actor. Returns the event, or
    None if there are no changes. Raises Conflict.

    done: changes of the same action that were already applied, such as a new person that needed an id.
    """
    if not changes and not done:
        return None
    if changes:
        apply(session, changes)
    rows = [{"table": c.table, "before": encode(c.before), "after": encode(c.after)} for c in (*done, *changes)]
    event = Event(actor=acting(session).name, kind=kind, summary=summary, changes=rows)
    session.add(event)
    session.flush()  # to get its id
    event_faces.note(session, event.id or 0, rows)
    return _view(event)


def _view(event: Event) -> EventView:
    assert event.id is not None
    undone, final = event.undone_at is not None, event.kind in FINAL
    return EventView(
        event.id, event.at, event.actor, event.kind, event.summary, undone, final, event.undone_by or None
    )


@contextmanager
def _explain_conflict(session: Session, event: Event, applied: Sequence[Change]) -> Iterator[None]:
    """If the changes that undo or redo the event are refused, raise a Conflict that names the decision in the way,
    if there is one."""
    newest_first = col(Event.id).desc()
    try:
        with session.begin_nested():  # after an error, PostgreSQL refuses queries until a rollback
            yield
    except Conflict as error:
        standing = select(Event).where(col(Event.undone_at).is_(None), col(Event.id) != event.id)
        needs, rows = _needs(applied), _rows_before(applied)
        with session.no_autoflush:
            for other in session.scalars(standing.order_by(newest_first)).yield_per(20):
                changes = changes_of(other)
                if needs & _touches(changes) or (_came_later(other, event) and _overwrites(changes, rows)):
                    raise BadInput(
                        f"The decision “{other.summary}” depends on this one; undo that one first."
                    ) from error
        raise


def _came_later(other: Event, event: Event) -> bool:
    """Whether an event in force may have changed rows after this one was done or undone. An older event can't have:
    to be redone, it needs the rows as they were before this one."""
    return event.undone_at is not None or (other.id or 0) > (event.id or 0)


def _rows_before(changes: Sequence[Change]) -> dict[Token, Row | None]:
    """Return the rows that changes start from, by table and key."""
    return {(c.table, *key_of(c.table, c.before or c.after)): c.before for c in changes}


def _overwrites(changes: Sequence[Change], rows: Mapping[Token, Row | None]) -> bool:
    """Whether another event left one of these rows in a different state."""
    left = {(c.table, *key_of(c.table, c.before or c.after)): c.after for c in changes}
    return any(left[token] != rows[token] for token in left.keys() & rows.keys())


def _needs(applied: Sequence[Change]) -> set[Token]:
    """Return what else the changes rely on, besides the rows that they start from."""
    needed: set[Token] = set()
    for change in applied:
        before, after = change.before, change.after
        if change.table == "person" and before and not after:
            needed.add(("faces of", before["id"]))  # a person can only be deleted without them
        if change.table == "handbox" and before and not after:
            needed.add(("decided of", before["face_id"]))  # a hand-drawn face is deleted with its box
        if after and "name_key" in after:
            needed.add(("name", after["name_key"]))
        if after and change.table in _CONTRARY:
            needed.add((_CONTRARY[change.table], after["face_id"], after["person_id"]))
            needed.add(("person is there", after["person_id"]))
        if after and change.table in _OF_PEOPLE:
            needed.add(("person is there", after["person_id"]))
    return needed


def _touches(changes: Sequence[Change]) -> set[Token]:
    """Return what the event did that may conflict with what another event needs."""
    touched: set[Token] = set()
    for change in changes:
        before, after = change.before, change.after
        if change.table == "person" and before and not after:
            touched.add(("person is there", before["id"]))
        if after and "name_key" in after:
            touched.add(("name", after["name_key"]))
        if after and change.table in _CONTRARY:
            touched.add((change.table, after["face_id"], after["person_id"]))
            touched.add(("faces of", after["person_id"]))
        if after and change.table in _OF_PEOPLE:
            touched.add(("faces of", after["person_id"]))
        if after and change.table != "clusterrun":
            faces = event_faces.faces_in([{"table": change.table, "before": None, "after": after}])
            touched |= {("decided of", face) for face in faces}
    return touched


_OF_PEOPLE = ("consent", "persononphoto")
"""Other tables with rows of a person, which prevent deleting the person."""

_CONTRARY = {"label": "rejection", "rejection": "label"}
"""A face can't have a person as its label and as a rejection."""


def _find(session: Session, event_id: int | None, *, undone: bool) -> Event:
    if event_id is not None:
        event = session.get(Event, event_id)
        if event is None or (event.undone_at is not None) != undone:
            raise NotFound(f"There is no decision {event_id} to {'redo' if undone else 'undo'}.")
        if event.kind in FINAL:
            raise BadInput(FINAL[event.kind])
        return event
    standing = col(Event.undone_at).is_not(None) if undone else col(Event.undone_at).is_(None)
    wanted = select(Event).where(standing, col(Event.kind).not_in(FINAL))
    if (actor := acting(session)).role is not Role.OWNER:
        wanted = wanted.where(col(Event.actor) == actor.name)
    order = (col(Event.undone_at).desc(), col(Event.id)) if undone else (col(Event.id).desc(),)
    event = session.scalars(wanted.order_by(*order).limit(1)).first()
    if event is None:
        raise NotFound(f"There is nothing to {'redo' if undone else 'undo'}.")
    return event
