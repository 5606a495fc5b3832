"""The journal: every human decision, and every new grouping, is one event that holds each changed row before and
after.

An act is a list of changes; applying them and writing the event is one transaction. Undo applies them backwards,
after making sure that no row has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
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
from faceid_core.tables import ClusterRun, Event, Face, Label, Person, Rejection, utc_now

Row = dict[str, Any]

JOURNALLED: dict[str, type[SQLModel]] = {
    "clusterrun": ClusterRun,
    "person": Person,
    "face": Face,
    "label": Label,
    "rejection": Rejection,
}
"""Tables whose changes are events, parents first: human decisions, and whether a grouping is in force."""

_DECIDED_COLUMNS = {"face": {"id", "flag"}, "clusterrun": {"id", "undone"}}
"""Of these tables, the only columns that acts change."""

ERASED = "erase"
"""The kind of event that can't be undone: it says that something went for good, and keeps nothing of it."""

_IN_THE_WAY = "A later decision builds on this one or stands in its way; undo that one first."

Token = tuple[Any, ...]
"""What one event needs and another one touches."""


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

    def recent(self, limit: int = 20, *, before: int | None = None, actor: str | None = None) -> list[EventView]:
        """The newest events first, behind the event `before`; only those of one actor when asked for."""
        # Without the changes: a bulk act's rows are megabytes that no list shows.
        light = select(Event).options(defer(Event.changes)).order_by(col(Event.id).desc()).limit(limit)  # type: ignore[arg-type]
        if before is not None:
            light = light.where(col(Event.id) < before)
        if actor is not None:
            light = light.where(col(Event.actor) == actor)
        with self._database.read() as session:
            return [_view(event) for event in session.scalars(light)]

    def undo(self, event_id: int | None = None, *, actor: str = "") -> EventView:
        """Take an event back, by default the newest that stands. Raises NotFound, BadInput with the reason."""
        with self._database.write() as session:
            return _undo(session, _find(session, event_id, undone=False), actor)

    def redo(self, event_id: int | None = None, *, actor: str = "") -> EventView:
        """Do an undone event again, by default the one that was undone last. Raises NotFound, BadInput."""
        with self._database.write() as session:
            return _redo(session, _find(session, event_id, undone=True))

    def undo_to(self, event_id: int, *, actor: str = "") -> list[EventView]:
        """Back to where this event was the newest: take back, all or none, every later one that stands.

        Returns them as they were taken back. Erasures stay, as they can't be undone. Raises NotFound, BadInput.
        """
        with self._database.write() as session:
            if session.get(Event, event_id) is None:
                raise NotFound(f"There is no decision {event_id} to go back to.")
            later = (col(Event.id) > event_id, col(Event.undone_at).is_(None), col(Event.kind) != ERASED)
            ids = session.scalars(select(col(Event.id)).where(*later).order_by(col(Event.id).desc())).all()
            return _in_any_order(session, ids, lambda event: _undo(session, event, actor))

    def redo_all(self, ids: Sequence[int]) -> list[EventView]:
        """Do these undone events again, all or none, the oldest first. Raises NotFound, BadInput."""
        with self._database.write() as session:
            for number in ids:
                _find(session, number, undone=True)
            return _in_any_order(session, sorted(ids), lambda event: _redo(session, event))


def _undo(session: Session, event: Event, actor: str) -> EventView:
    with _blaming(session, event):
        _apply(session, [change.reversed() for change in reversed(_changes(event))])
    event.undone_at, event.undone_by = utc_now(), actor
    return _view(event)


def _redo(session: Session, event: Event) -> EventView:
    with _blaming(session, event):
        _apply(session, _changes(event))
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
    kept = _DECIDED_COLUMNS.get(str(row.__tablename__), values)
    return {key: values[key] for key in values if key in kept}


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
    return EventView(
        event.id, event.at, event.actor, event.kind, event.summary, undone, final, event.undone_by or None
    )


@contextmanager
def _blaming(session: Session, event: Event) -> Iterator[None]:
    """A refusal names the decision that is in the way, where one is found."""
    changes, newest_first = _changes(event), col(Event.id).desc()
    try:
        with session.begin_nested():  # PostgreSQL answers no question after an error until that is rolled back
            yield
    except BadInput as error:
        standing = select(Event).where(col(Event.undone_at).is_(None), col(Event.id) != event.id)
        needs = _needs(changes)
        with session.no_autoflush:
            for other in session.scalars(standing.order_by(newest_first)).yield_per(20):
                if needs & _touches(_changes(other)):
                    raise BadInput(
                        f"The decision “{other.summary}” builds on this one or stands in its way; undo that one "
                        "first."
                    ) from error
        raise


def _needs(changes: Sequence[Change]) -> set[Token]:
    """What must be as the event left it for the event to be undone or redone."""
    needed = _rows_of(changes)
    for change in changes:
        row = change.before or change.after
        if row and change.table == "person" and not (change.before and change.after):
            needed.add(("faces of", row["id"]))  # a person goes without them
        needed |= {("person is there", side["person_id"]) for side in _sides(change) if "person_id" in side}
    return needed


def _touches(changes: Sequence[Change]) -> set[Token]:
    """What the event changed that another one may need."""
    touched = _rows_of(changes)
    for change in changes:
        row = change.before or change.after
        if row and change.table == "person" and not (change.before and change.after):
            touched.add(("person is there", row["id"]))
        touched |= {("faces of", side["person_id"]) for side in _sides(change) if "person_id" in side}
    return touched


def _rows_of(changes: Sequence[Change]) -> set[Token]:
    """Changed rows, names given, and pairs of face and person of which something was said."""
    tokens: set[Token] = set()
    for change in changes:
        for side in _sides(change):
            tokens.add((change.table, *key_of(change.table, side)))
            if "name_key" in side:
                tokens.add(("name", side["name_key"]))
            if "person_id" in side:
                tokens.add(("said", side["face_id"], side["person_id"]))
    return tokens


def _sides(change: Change) -> list[Row]:
    return [side for side in (change.before, change.after) if side]


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
        if table == "clusterrun" and expected.keys() - found.keys():
            raise BadInput("That grouping is too old to go back to or forward to; group the faces again.")
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
