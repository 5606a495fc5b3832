"""People's consent to being recognised: given, refused or unknown, on which basis, and until when.

A refusal deletes every picture and vector of the person's faces in the same transaction, see store.withholding.
The boxes keep their names, so that a face found there again is not embedded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from faceid_core.errors import BadInput, NotFound, OutOfDate
from faceid_core.library.drawn import AGAIN
from faceid_core.library.store import journal, withholding
from faceid_core.library.store.database import Database, acting
from faceid_core.library.store.records import NO_CONSENT, Act, ConsentView
from faceid_core.library.store.row_changes import Change, Row, current_rows
from faceid_core.library.store.tables import Consent, Label, Person
from faceid_core.values import ConsentState, Role, utc_now
from faceid_core.wording import count

LONGEST_BASIS = 200
"""In characters. "signed form 2026-03, folder B" takes 30."""

KIND = "consent"
"""The kind of event."""


@dataclass(frozen=True, slots=True)
class Withholding:
    """What a refusal deletes: the number of faces that lose their picture and vector, and of recognisers trained on
    them."""

    faces: int
    models: int


@dataclass(frozen=True, slots=True)
class ConsentChanged(Act):
    """person: the name; withheld: what was deleted, which is nothing unless consent was refused."""

    person: str
    withheld: Withholding


class Consents:
    """Sets consent and lists people whose consent has ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, person_id: int) -> ConsentView:
        """Return a person's consent. Raises NotFound, NotAllowed."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            _named(session, person_id)
            row = session.get(Consent, person_id)
            return _view(row) if row else ConsentView()

    def preview(self, person_id: int) -> Withholding:
        """Return what a refusal would delete now. Raises NotFound, NotAllowed."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            _named(session, person_id)
            return _found(session, [person_id])

    def set(
        self,
        person_id: int,
        state: ConsentState,
        *,
        basis: str = "",
        given_on: date | None = None,
        until: date | None = None,
        drawn: ConsentView | None = None,
    ) -> ConsentChanged:
        """Set a person's consent, as one event. basis: where it is documented; given_on: the day it was given;
        until: the last day on which it is valid. The state “unknown” has none of these.

        Raises NotFound, BadInput for impossible dates, OutOfDate if it differs from `drawn`, NotAllowed: only
        owners enter or lift a refusal.
        """
        wanted = checked(ConsentView(state, basis, given_on, until))
        with self._database.write(Role.EDITOR) as session:
            name = _named(session, person_id)
            found = session.get(Consent, person_id)
            before = _view(found) if found else ConsentView()
            if ConsentState.REFUSED in (state, before.state):
                acting(session).require(Role.OWNER)
            _check_drawn(name, before, drawn)
            withheld = _found(session, [person_id]) if state is ConsentState.REFUSED else Withholding(0, 0)
            changes = consent_changes(session, {person_id: wanted})
            summary = f"Set the consent of “{name}” to {state.value}"
            event = journal.record(session, KIND, summary, changes)
        return ConsentChanged(event, name, withheld)

    def last_refusal(self) -> datetime | None:
        """Return when the latest refusal still in force was entered, in naive UTC."""
        self._database.actor.require(Role.OWNER)
        refused = col(Consent.state) == ConsentState.REFUSED.value
        with self._database.read() as session:
            return session.scalar(select(func.max(Consent.at)).where(refused))

    def ended(self, today: date) -> list[int]:
        """Return the ids of people whose consent expired before this day."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            return list(session.scalars(_ended(today)))

    def refuse_ended(self, today: date) -> ConsentChanged:
        """Turn expired consents into refusals, as one event that names nobody."""
        with self._database.write(Role.OWNER) as session:
            people = list(session.scalars(_ended(today)))
            withheld = _found(session, people)
            rows = current_rows(session, "consent", col(Consent.person_id), people)
            at = utc_now()
            changes = [
                Change("consent", row, {**row, "state": ConsentState.REFUSED.value, "at": at}) for row in rows
            ]
            summary = f"Retention: {count(len(people), 'person', 'people')}: consent ended, now refused"
            return ConsentChanged(journal.record(session, KIND, summary, changes), "", withheld)


def checked(wanted: ConsentView) -> ConsentView:
    """Check and normalise a consent for storage. Raises BadInput."""
    if wanted.state is ConsentState.UNKNOWN:
        return ConsentView()
    basis = " ".join(wanted.basis.split())
    if len(basis) > LONGEST_BASIS:
        raise BadInput(f"Write the basis of the consent in at most {LONGEST_BASIS} characters.")
    if not basis.isprintable():
        raise BadInput("The basis of the consent holds characters that can't be shown; type it again.")
    if wanted.given_on and wanted.given_on > date.today():
        raise BadInput("Consent can't be given on a day in the future; choose an earlier one.")
    if wanted.state is ConsentState.REFUSED:
        return ConsentView(wanted.state, basis, wanted.given_on)
    if wanted.until and wanted.given_on and wanted.until < wanted.given_on:
        raise BadInput("Consent can't end before it was given; correct one of the two days.")
    return ConsentView(wanted.state, basis, wanted.given_on, wanted.until)


def consent_changes(session: Session, wanted: dict[int, ConsentView]) -> list[Change]:
    """Return the changes that set these consents. wanted: person id -> consent."""
    rows = {row["person_id"]: row for row in current_rows(session, "consent", col(Consent.person_id), wanted)}
    now = utc_now()
    changes: list[Change] = []
    for person, view in wanted.items():
        before = rows.get(person)
        after = None if view.state is ConsentState.UNKNOWN else {"person_id": person, **_columns(view), "at": now}
        if _said(before) != _said(after):
            changes.append(Change("consent", before, after))
    return changes


def strictest(said: Sequence[ConsentView]) -> ConsentView:
    """Return the consent that applies when several people turn out to be one: a refusal first, then the consent
    that ends first. Unknown consents do not count."""
    refused = [one for one in said if one.state is ConsentState.REFUSED]
    given = [one for one in said if one.state is ConsentState.GIVEN]
    return next(iter(refused or sorted(given, key=lambda one: one.until or date.max)), ConsentView())


def merged_consents(session: Session, keep_id: int, others: Sequence[int]) -> list[Change]:
    """Give the strictest consent to the person who is kept, and delete those of the others. Raises NotAllowed: only
    owners may extend a refusal to another person's faces."""
    rows = session.scalars(select(Consent).where(col(Consent.person_id).in_([keep_id, *others]))).all()
    refusals = sum(row.state == ConsentState.REFUSED.value for row in rows)
    if 0 < refusals < 1 + len(others):
        acting(session).require(Role.OWNER)
    holds = strictest([_view(row) for row in sorted(rows, key=lambda row: row.person_id != keep_id)])
    return consent_changes(session, {keep_id: holds, **dict.fromkeys(others, ConsentView())})


def view_of(
    session: Session, state: str | None, basis: str | None, given_on: date | None, until: date | None
) -> ConsentView:
    """Build the view from the columns of an outer join. Viewers see neither basis nor dates."""
    if state is None:
        return NO_CONSENT
    if not acting(session).role.includes(Role.EDITOR):
        return ConsentView(ConsentState(state))
    return ConsentView(ConsentState(state), basis or "", given_on, until)


COLUMNS: tuple[Any, ...] = (Consent.state, Consent.basis, Consent.given_on, Consent.until)
"""The columns that `view_of` takes."""


def _view(row: Consent) -> ConsentView:
    return ConsentView(ConsentState(row.state), row.basis, row.given_on, row.until)


def _columns(view: ConsentView) -> Row:
    return {"state": view.state.value, "basis": view.basis, "given_on": view.given_on, "until": view.until}


def _said(row: Row | None) -> Row | None:
    return row and {name: value for name, value in row.items() if name != "at"}


def _named(session: Session, person_id: int) -> str:
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("That person is no longer in the library; choose another one.")
    return person.name


def _check_drawn(name: str, now: ConsentView, drawn: ConsentView | None) -> None:
    if drawn is not None and drawn != now:
        raise OutOfDate(f"This page was out of date: the consent of {name} changed meanwhile; {AGAIN}")


def _found(session: Session, people: Sequence[int]) -> Withholding:
    faces = select(func.count()).select_from(Label).where(col(Label.person_id).in_(people))
    return Withholding(session.scalar(faces) or 0, len(withholding.models_of(session, people)))


def _ended(today: date) -> Any:
    given = col(Consent.state) == ConsentState.GIVEN.value
    return select(col(Consent.person_id)).where(given, col(Consent.until) < today).order_by(col(Consent.person_id))
