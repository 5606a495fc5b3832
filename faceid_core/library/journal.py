"""The journal: every human decision is one event that holds each changed row before and after.

An act is a list of changes; applying them and writing the event is one transaction. Undo applies them backwards,
after making sure that no row has changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Table, delete, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer
from sqlmodel import Session, SQLModel, col

from faceid_core.database import Database, chunks
from faceid_core.errors import BadInput, NotFound
from faceid_core.library.views import EventView
from faceid_core.tables import Event, Face, Label, Person, Rejection, utc_now

Row = dict[str, Any]

JOURNALLED: dict[str, type[SQLModel]] = {"person": Person, "face": Face, "label": Label, "rejection": Rejection}
"""Tables that hold human decisions, parents first."""

_FACE_COLUMNS = {"id", "flag"}
"""The only columns of a face that a human decides."""

ERASED = "erase"
"""The kind of event that can't be undone: it says that something went for good, and keeps nothing of it."""

_IN_THE_WAY = "A later decision builds on this one or stands in its way; undo that one first."


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a table in JOURNALLED before and after; None where it does not exist."""

    table: str
    before: Row | None
    after: Row | None

    def reversed(self) -> Change:
        return Change(self.table, self.after, self.before)


class Journal:
    """Reads, undoes and redoes human decisions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recent(self, limit: int = 20) -> list[EventView]:
        """The newest events first."""
        with self._database.read() as session:
            # Without the changes: a bulk act's rows are megabytes that no list shows.
            light = select(Event).options(defer(Event.changes))  # type: ignore[arg-type]
            events = session.scalars(light.order_by(col(Event.id).desc()).limit(limit))
            return [_view(event) for event in events]

    def undo(self, event_id: int | None = None, *, actor: str = "") -> EventView:
        """Take an event back, by default the newest that stands. Raises NotFound, BadInput with the reason."""
        with self._database.write() as session:
            event = _find(session, event_id, undone=False)
            _apply(session, [change.reversed() for change in reversed(_changes(event))])
            event.undone_at = utc_now()
            return _view(event)

    def redo(self, event_id: int | None = None, *, actor: str = "") -> EventView:
        """Do an undone event again, by default the one that was undone last. Raises NotFound, BadInput."""
        with self._database.write() as session:
            event = _find(session, event_id, undone=True)
            _apply(session, _changes(event))
            event.undone_at = None
            return _view(event)


def record(
    session: Session,
    kind: str,
    summary: str,
    changes: Sequence[Change],
    *,
    actor: str,
    done: Sequence[Change] = (),
) -> None:
    """Apply an act and write its event, in the caller's transaction. An act without changes leaves no event.

    done: changes of the same act that are applied already (a new person, whose id only the database knows).
    """
    if not changes:
        return
    _apply(session, changes)
    rows = [{"table": c.table, "before": encode(c.before), "after": encode(c.after)} for c in (*done, *changes)]
    session.add(Event(actor=actor, kind=kind, summary=summary, changes=rows))


def row_of(row: SQLModel) -> Row:
    """The columns of a row that the journal keeps."""
    values = row.model_dump()
    return {key: values[key] for key in _FACE_COLUMNS} if isinstance(row, Face) else values


def current_rows(session: Session, table: str, column: Any, values: Iterable[int]) -> list[Row]:
    """The rows of a journalled table whose column has one of the values. Plain rows: making objects of them
    took half of the time of a bulk act."""
    kept = [each for each in _sql_table(table).c if table != "face" or each.name in _FACE_COLUMNS]
    session.flush()
    found: list[Row] = []
    for chunk in chunks(values):
        rows = session.execute(select(*kept).where(column.in_(chunk))).mappings()
        found += [dict(row) for row in rows]
    return found


def _view(event: Event) -> EventView:
    assert event.id is not None
    undone, final = event.undone_at is not None, event.kind == ERASED
    return EventView(event.id, event.at, event.actor, event.kind, event.summary, undone, final)


def _find(session: Session, event_id: int | None, *, undone: bool) -> Event:
    if event_id is not None:
        event = session.get(Event, event_id)
        if event is None or (event.undone_at is not None) != undone:
            raise NotFound(f"Decision {event_id} is not there to be {'redone' if undone else 'undone'}.")
        if event.kind == ERASED:
            raise BadInput("What was erased is gone for good; import the photos again to find their faces anew.")
        return event
    standing = col(Event.undone_at).is_not(None) if undone else col(Event.undone_at).is_(None)
    wanted = select(Event).where(standing, col(Event.kind) != ERASED)
    order = (col(Event.undone_at).desc(), col(Event.id)) if undone else (col(Event.id).desc(),)
    event = session.scalars(wanted.order_by(*order).limit(1)).first()
    if event is None:
        raise NotFound(f"There is nothing to {'redo' if undone else 'undo'}.")
    return event


def encode(row: Row | None) -> Row | None:
    """A row as it is kept in an event: JSON types only."""
    if row is None:
        return None
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in row.items()}


def _decode(row: Row | None) -> Row | None:
    if row is None:
        return None
    decoded = dict(row)
    for key in ("at", "created_at"):
        if decoded.get(key):
            decoded[key] = datetime.fromisoformat(decoded[key])
    if decoded.get("birth_date"):
        decoded["birth_date"] = date.fromisoformat(decoded["birth_date"])
    return decoded


def _changes(event: Event) -> list[Change]:
    return [Change(c["table"], _decode(c["before"]), _decode(c["after"])) for c in event.changes]


@cache
def _keys(table: str) -> tuple[str, ...]:
    return tuple(column.name for column in _sql_table(table).primary_key)


def _sql_table(table: str) -> Table:
    found: Table = JOURNALLED[table].__table__  # type: ignore[attr-defined]
    return found


def _apply(session: Session, changes: Sequence[Change]) -> None:
    """Write the changes. New rows come first, parents before children; rows go last, children before parents, so
    that a person who goes takes no face along that the same act has just moved."""
    _refuse_conflicts(session, changes)
    _refuse_bereaved(session, changes)
    try:
        _write(session, changes)
    except IntegrityError as error:  # a name that is taken again, or a person or face that is gone
        raise BadInput(_IN_THE_WAY) from error
    _refuse_contradiction(session, changes)
    session.expire_all()


def _write(session: Session, changes: Sequence[Change]) -> None:
    for table in JOURNALLED:
        mine = [change for change in changes if change.table == table]
        added = [change.after for change in mine if change.after and not change.before]
        if added:
            session.execute(insert(_sql_table(table)), added)
        _update(session, table, [change.after for change in mine if change.before and change.after])
    for table in reversed(JOURNALLED):
        _delete(session, table, [c.before for c in changes if c.table == table and c.before and not c.after])


def _refuse_conflicts(session: Session, changes: Sequence[Change]) -> None:
    """Every row must be as the act saw it, or a later decision would be overwritten."""
    for table in JOURNALLED:
        mine = [change for change in changes if change.table == table]
        expected = {key_of(table, change.before or change.after): change.before for change in mine}
        keys = _keys(table)
        found: dict[tuple[Any, ...], Row] = {}
        first = _sql_table(table).c[keys[0]]
        for row in current_rows(session, table, first, {key[0] for key in expected}):
            found[key_of(table, row)] = row
        if any(found.get(key) != before for key, before in expected.items()):
            raise BadInput("A later decision changed the same faces; undo that one first.")


def _refuse_bereaved(session: Session, changes: Sequence[Change]) -> None:
    """A person may only go when the act itself cares for every label and rejection of theirs: the database would
    silently take along those that later decisions added."""
    gone = [c.before["id"] for c in changes if c.table == "person" and c.before and not c.after]
    if not gone:
        return
    for table, column in (("label", col(Label.person_id)), ("rejection", col(Rejection.person_id))):
        cared_for = {key_of(table, c.before) for c in changes if c.table == table and c.before}
        if any(key_of(table, row) not in cared_for for row in current_rows(session, table, column, gone)):
            raise BadInput(_IN_THE_WAY)


def _refuse_contradiction(session: Session, changes: Sequence[Change]) -> None:
    """A face can't be a person and be said not to be: redoing an old naming must not meet a newer no."""
    faces = {c.after["face_id"] for c in changes if c.after and c.table in ("label", "rejection")}
    both = select(Label.face_id).join(  # type: ignore[call-overload]
        Rejection,
        (col(Rejection.face_id) == col(Label.face_id)) & (col(Rejection.person_id) == col(Label.person_id)),
    )
    for chunk in chunks(faces):
        if session.execute(both.where(col(Label.face_id).in_(chunk)).limit(1)).first():
            raise BadInput(_IN_THE_WAY)


def key_of(table: str, row: Row | None) -> tuple[Any, ...]:
    """The values of the row's primary key."""
    assert row is not None
    return tuple(row[key] for key in _keys(table))


def _delete(session: Session, table: str, rows: Sequence[Row]) -> None:
    columns = tuple_(*(_sql_table(table).c[key] for key in _keys(table)))
    for chunk in chunks(rows):
        session.execute(delete(_sql_table(table)).where(columns.in_([key_of(table, row) for row in chunk])))


def _update(session: Session, table: str, rows: Sequence[Row]) -> None:
    """Rows that get the same values are written in one statement: naming a thousand faces is one update."""
    keys = _keys(table)
    groups: dict[tuple[tuple[str, Any], ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        values = tuple((name, value) for name, value in row.items() if name not in keys)
        groups.setdefault(values, []).append(key_of(table, row))
    columns = tuple_(*(_sql_table(table).c[key] for key in keys))
    for values, members in groups.items():
        for chunk in chunks(members):
            session.execute(update(_sql_table(table)).where(columns.in_(chunk)).values(dict(values)))
