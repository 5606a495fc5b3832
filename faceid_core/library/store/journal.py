"""The journal: every human decision, and every new grouping, is one event that holds each changed row before and
after.

An act is a list of changes; applying them and writing the event is one transaction. Undo applies them backwards,
after making sure that no row has changed since.
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
"""The kind of event that can't be undone: it says that something went for good, and keeps nothing of it."""

REMOVED = "remove files"
"""The kind of event that says that files went for good."""

AUDIT_PAGE = 1000
"""Events that are read at once for the audit."""

SHARED = "share"
"""The kind of event that says that a link was made or removed."""

USERS, TOKENS = "user", "token"
"""The kinds of event that say who may come in. Their summaries name users, never a secret."""

ACCESS = (USERS, TOKENS)
"""Kinds of events that only owners see."""

FINAL = {
    ERASED: "Erased data can't be restored; import the photos again to find the faces in them.",
    REMOVED: "Deleted files can't be restored.",
    SHARED: "A link can't be undone here; links are made and removed on the page Sharing.",
    USERS: "Who may sign in can't be undone here; users are added, changed and removed on the page Users.",
    TOKENS: "A token can't be undone here; tokens are made and removed on the page Users.",
}
"""Kinds of events that are never undone, and what to tell whoever tries."""

Token = tuple[Any, ...]
"""What one event needs and another one touches."""


class Journal:
    """Reads, undoes and redoes human decisions: an editor their own, an owner those of everybody. It tells
    names, also those of hidden people: viewers read none of it (NotAllowed)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recent(self, limit: int = 20, *, before: int | None = None, actor: str | None = None) -> list[EventView]:
        """The newest events first, behind the event `before`; only those of one actor when asked for. Who came in
        or went is told to owners only."""
        self._database.actor.require(Role.EDITOR)
        # Without the changes: a bulk act's rows are megabytes that no list shows.
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
        """Every event, the oldest first, a page at a time; from `start` on and before `end` (UTC without a zone),
        and by one actor, where asked for: who acted, or who undid it."""
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
            with self._database.read() as session:  # not one for all: a slow reader must hold nobody up
                rows = session.execute(wanted.where(col(Event.id) > last)).all()
            yield from (AuditEntry(*(*row[:-1], row[-1] or None)) for row in rows)
            if len(rows) < AUDIT_PAGE:
                return
            last = rows[-1][0]

    def note(self, summary: str) -> EventView:
        """Note that files went for good. It can't be undone."""
        with self._database.write(Role.OWNER) as session:
            event = note(session, REMOVED, summary)
            session.flush()
            return _view(event)

    def last_erasure(self) -> datetime | None:
        """When something was erased last, in UTC without a zone."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return session.scalar(select(func.max(Event.at)).where(col(Event.kind) == ERASED))

    def actors(self) -> list[str]:
        """Everybody who decided something, by name."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            return list(session.scalars(select(col(Event.actor)).distinct().order_by(col(Event.actor))))

    def may_undo(self, event: EventView) -> bool:
        """Whether whoever acts may undo this event, or redo an undone one; another decision may be in the way."""
        return not event.final and _may(self._database.actor, event)

    def later(self, event_id: int) -> int:
        """How many events `undo_to` would take back."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(Event).where(*_standing_after(event_id))) or 0

    def undo(self, event_id: int | None = None) -> EventView:
        """Take an event back, by default the newest that may be. Raises NotFound, BadInput with the reason,
        NotAllowed for an editor where it is somebody else's."""
        with self._database.write() as session:
            return _undo(session, _find(session, event_id, undone=False))

    def redo(self, event_id: int | None = None) -> EventView:
        """Do an undone event again, by default the one that was undone last. Raises as `undo` does."""
        with self._database.write() as session:
            return _redo(session, _find(session, event_id, undone=True))

    def undo_to(self, event_id: int) -> list[EventView]:
        """Back to where this event was the newest: take back, all or none, every later one that stands.

        Returns them as they were taken back. Erasures stay, as they can't be undone. Raises NotFound, BadInput.
        """
        with self._database.write(Role.OWNER) as session:
            if session.get(Event, event_id) is None:
                raise NotFound(f"There is no decision {event_id} to go back to.")
            later = select(col(Event.id)).where(*_standing_after(event_id)).order_by(col(Event.id).desc())
            ids = session.scalars(later).all()
            return _in_any_order(session, ids, lambda event: _undo(session, event))

    def redo_all(self, ids: Sequence[int]) -> list[EventView]:
        """Do these undone events again, all or none, the oldest first. Raises as `undo` does."""
        with self._database.write() as session:
            for number in ids:
                _find(session, number, undone=True)
            return _in_any_order(session, sorted(ids), lambda event: _redo(session, event))


def note(session: Session, kind: str, summary: str) -> Event:
    """Write an event of a kind in FINAL, in the caller's transaction and name."""
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
    """Act on all events in the given order; one that is refused is tried again after the others, as events that
    were redone may build on each other in another order. Raises the refusal when no event is left that goes."""
    done: list[EventView] = []
    waiting = list(ids)
    while waiting:
        refused: list[int | None] = []
        for number in waiting:
            try:
                with session.begin_nested():
                    event = session.get_one(Event, number)
                    done.append(act(event))
                session.expunge(event)  # a bulk act's rows are megabytes
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
    """Apply an act and write its event, in the caller's transaction and name. Returns the event; an act without
    changes leaves none. Raises Conflict.

    done: changes of the same act that are applied already (a new person, whose id only the database knows).
    """
    if not changes and not done:
        return None
    if changes:
        apply(session, changes)
    rows = [{"table": c.table, "before": encode(c.before), "after": encode(c.after)} for c in (*done, *changes)]
    event = Event(actor=acting(session).name, kind=kind, summary=summary, changes=rows)
    session.add(event)
    session.flush()  # the database knows its id
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
    """A refusal to apply the changes that undo or redo the event names the decision that is in the way, and speaks
    of none where none is."""
    newest_first = col(Event.id).desc()
    try:
        with session.begin_nested():  # PostgreSQL answers no question after an error until that is rolled back
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
    """Whether a standing event may have changed rows after this one did, or after this one was undone. An older one
    can't have: to be redone it needs the rows as they were before this one."""
    return event.undone_at is not None or (other.id or 0) > (event.id or 0)


def _rows_before(changes: Sequence[Change]) -> dict[Token, Row | None]:
    """The rows that changes start from, by table and key."""
    return {(c.table, *key_of(c.table, c.before or c.after)): c.before for c in changes}


def _overwrites(changes: Sequence[Change], rows: Mapping[Token, Row | None]) -> bool:
    """Whether another event left one of these rows as something else."""
    left = {(c.table, *key_of(c.table, c.before or c.after)): c.after for c in changes}
    return any(left[token] != rows[token] for token in left.keys() & rows.keys())


def _needs(applied: Sequence[Change]) -> set[Token]:
    """What must not be otherwise for changes to be applied, beside the rows that they start from."""
    needed: set[Token] = set()
    for change in applied:
        before, after = change.before, change.after
        if change.table == "person" and before and not after:
            needed.add(("faces of", before["id"]))  # a person goes without them
        if change.table == "handbox" and before and not after:
            needed.add(("decided of", before["face_id"]))  # a face that only a human saw goes with its box
        if after and "name_key" in after:
            needed.add(("name", after["name_key"]))
        if after and change.table in _CONTRARY:
            needed.add((_CONTRARY[change.table], after["face_id"], after["person_id"]))
            needed.add(("person is there", after["person_id"]))
        if after and change.table in _OF_PEOPLE:
            needed.add(("person is there", after["person_id"]))
    return needed


def _touches(changes: Sequence[Change]) -> set[Token]:
    """What the event did, as it stands, that may be against what another one needs."""
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
"""What else belongs to a person, who can't go without it."""

_CONTRARY = {"label": "rejection", "rejection": "label"}
"""A face can't be somebody and be said not to be."""


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
