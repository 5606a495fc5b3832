"""Row changes stored in the journal: reading them, applying them, and detecting conflicts with later ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Table, delete, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, col

from faceid_core.errors import BadInput, Conflict
from faceid_core.library.store import event_faces, hand_boxes, person_counts, withholding
from faceid_core.library.store.bulk import add_rows
from faceid_core.library.store.database import chunks
from faceid_core.library.store.person_tables import PersonDetails
from faceid_core.library.store.photo_tables import PersonOnPhoto, PhotoTag
from faceid_core.library.store.tables import (
    ClusterRun,
    Consent,
    Event,
    Face,
    HandBox,
    Label,
    PairConstraint,
    Person,
    Rejection,
    TrainedModel,
)

Row = dict[str, Any]

JOURNALLED: dict[str, type[SQLModel]] = {
    "clusterrun": ClusterRun,
    "trainedmodel": TrainedModel,
    "person": Person,
    "consent": Consent,
    "persondetails": PersonDetails,
    "persononphoto": PersonOnPhoto,
    "phototag": PhotoTag,
    "face": Face,
    "handbox": HandBox,
    "label": Label,
    "rejection": Rejection,
    "verdict": PairConstraint,
}
"""Tables whose changes are events, parents first: human decisions, whether a grouping is in force, and which
recogniser is in use."""

_DECIDED_COLUMNS = {
    "face": {"id", "flag"},
    "clusterrun": {"id", "undone"},
    "trainedmodel": {"id", "precedence", "threshold"},
    "handbox": {"face_id", "photo_id", "left", "top", "right", "bottom", "at"},
}
"""For these tables, the only columns that actions change."""

_CHANGED = "The faces or people concerned have since changed or been deleted; check them and decide again."
"""The generic message for conflicts. The journal replaces it if it finds the decision that caused the conflict."""


_GONE = {
    "clusterrun": "That grouping is too old to be undone or redone; group the faces again.",
    "trainedmodel": "That recogniser was deleted; choose another one on the page Train.",
}
"""Tables whose rows may be deleted although events mention them, with the message for users who undo or redo
one."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of a table in JOURNALLED before and after a change; None if it does not exist."""

    table: str
    before: Row | None
    after: Row | None

    def reversed(self) -> Change:
        """Return the change that undoes this one."""
        return Change(self.table, self.after, self.before)


def row_of(row: SQLModel) -> Row:
    """Return the columns of a row that the journal stores."""
    values = row.model_dump()
    kept = _DECIDED_COLUMNS.get(str(row.__tablename__), values)
    return {key: values[key] for key in values if key in kept}


def current_rows(session: Session, table: str, column: Any, values: Iterable[int]) -> list[Row]:
    """Return the rows of a journalled table whose column has one of the values. They are plain rows: creating
    objects took half the time of a bulk action."""
    kept = [each for each in _sql_table(table).c if each.name in _DECIDED_COLUMNS.get(table, {each.name})]
    session.flush()
    found: list[Row] = []
    for chunk in chunks(values):
        rows = session.execute(select(*kept).where(column.in_(chunk))).mappings()
        found += [dict(row) for row in rows]
    return found


def encode(row: Row | None) -> Row | None:
    """Convert a row to JSON types, as stored in an event."""
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
    for key in ("birth_date", "death_date", "given_on", "until"):
        if decoded.get(key):
            decoded[key] = date.fromisoformat(decoded[key])
    return decoded


def changes_of(event: Event) -> list[Change]:
    """Return the changes of an event, in the order in which they were applied."""
    return [Change(c["table"], _decode(c["before"]), _decode(c["after"])) for c in event.changes]


@cache
def _keys(table: str) -> tuple[str, ...]:
    return tuple(column.name for column in _sql_table(table).primary_key)


def _sql_table(table: str) -> Table:
    found: Table = JOURNALLED[table].__table__  # type: ignore[attr-defined]
    return found


def apply(session: Session, changes: Sequence[Change]) -> None:
    """Write the changes. Rows are inserted first, parents before children, and deleted last, children before
    parents, so that deleting a person does not delete labels that the same action has just moved.

    Raises Conflict if rows have changed since the action read them, BadInput if what it is about is gone.
    """
    _check_conflicts(session, changes)
    _check_orphans(session, changes)
    boxes = [(change.before, change.after) for change in changes if change.table == "handbox"]
    try:
        again = hand_boxes.bring_back(session, boxes)
        _write(session, changes)
        if hand_boxes.needed(session, boxes):
            raise Conflict(_CHANGED)
        hand_boxes.place(session, boxes)
    except IntegrityError as error:  # a name taken in the meantime, or a deleted person or face
        raise Conflict(_CHANGED) from error
    _check_contradictions(session, changes)
    withholding.enforce(session, [(change.table, change.before, change.after) for change in changes])
    _forget_person_counts(session, changes)
    event_faces.note_again(session, again)
    session.expire_all()


def _forget_person_counts(session: Session, changes: Sequence[Change]) -> None:
    rows = [(change.table, row) for change in changes for row in (change.before, change.after) if row]
    people = {row["person_id"] for table, row in rows if table in ("label", "persononphoto")}
    key = {"face": "id", "handbox": "face_id"}
    person_counts.forget(session, people, [row[key[table]] for table, row in rows if table in key])


def _write(session: Session, changes: Sequence[Change]) -> None:
    for table, model in JOURNALLED.items():
        mine = [change for change in changes if change.table == table]
        added = [change.after for change in mine if change.after and not change.before]
        add_rows(session, model, added)
        _update(session, table, [change.after for change in mine if change.before and change.after])
    for table in reversed([name for name in JOURNALLED if name != "handbox"]):  # hand_boxes.place deletes these
        _delete(session, table, [c.before for c in changes if c.table == table and c.before and not c.after])


def _check_conflicts(session: Session, changes: Sequence[Change]) -> None:
    """Raise Conflict unless every row is as the action saw it. Otherwise, another decision would be overwritten."""
    for table in JOURNALLED:
        mine = [change for change in changes if change.table == table]
        expected = {key_of(table, change.before or change.after): change.before for change in mine}
        keys = _keys(table)
        found: dict[tuple[Any, ...], Row] = {}
        first = _sql_table(table).c[keys[0]]
        for row in current_rows(session, table, first, {key[0] for key in expected}):
            found[key_of(table, row)] = row
        if table in _GONE and expected.keys() - found.keys():
            raise BadInput(_GONE[table])
        if any(found.get(key) != before for key, before in expected.items()):
            raise Conflict(_CHANGED)


def _check_orphans(session: Session, changes: Sequence[Change]) -> None:
    """Raise Conflict unless a deletion of a person covers all their labels, rejections and consents: the database
    would silently delete those that later decisions added."""
    gone = [c.before["id"] for c in changes if c.table == "person" and c.before and not c.after]
    if not gone:
        return
    for table, column in (
        ("label", col(Label.person_id)),
        ("rejection", col(Rejection.person_id)),
        ("consent", col(Consent.person_id)),
        ("persondetails", col(PersonDetails.person_id)),
        ("persononphoto", col(PersonOnPhoto.person_id)),
    ):
        cared_for = {key_of(table, c.before) for c in changes if c.table == table and c.before}
        if any(key_of(table, row) not in cared_for for row in current_rows(session, table, column, gone)):
            raise Conflict(_CHANGED)


def _check_contradictions(session: Session, changes: Sequence[Change]) -> None:
    """Raise Conflict if a face would get a person both as label and as rejection, for example by redoing an old
    naming after a newer rejection."""
    faces = {c.after["face_id"] for c in changes if c.after and c.table in ("label", "rejection")}
    both = select(Label.face_id).join(  # type: ignore[call-overload]
        Rejection,
        (col(Rejection.face_id) == col(Label.face_id)) & (col(Rejection.person_id) == col(Label.person_id)),
    )
    for chunk in chunks(faces):
        if session.execute(both.where(col(Label.face_id).in_(chunk)).limit(1)).first():
            raise Conflict(_CHANGED)


def key_of(table: str, row: Row | None) -> tuple[Any, ...]:
    """Return the values of the row's primary key."""
    assert row is not None
    return tuple(row[key] for key in _keys(table))


def _delete(session: Session, table: str, rows: Sequence[Row]) -> None:
    columns = tuple_(*(_sql_table(table).c[key] for key in _keys(table)))
    for chunk in chunks(rows):
        session.execute(delete(_sql_table(table)).where(columns.in_([key_of(table, row) for row in chunk])))


def _update(session: Session, table: str, rows: Sequence[Row]) -> None:
    """Update rows that get the same values in one statement: naming a thousand faces is one update."""
    keys = _keys(table)
    groups: dict[tuple[tuple[str, Any], ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        values = tuple((name, value) for name, value in row.items() if name not in keys)
        groups.setdefault(values, []).append(key_of(table, row))
    columns = tuple_(*(_sql_table(table).c[key] for key in keys))
    for values, members in groups.items():
        for chunk in chunks(members):
            session.execute(update(_sql_table(table)).where(columns.in_(chunk)).values(dict(values)))
