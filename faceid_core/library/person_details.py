"""Details of people besides faces: name, dates, hidden, favourite."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core.errors import BadInput, NameTaken
from faceid_core.library import person_names
from faceid_core.library.store.person_tables import PersonDetails
from faceid_core.library.store.row_changes import Change, Row, current_rows
from faceid_core.library.store.tables import Person
from faceid_core.values import EARLIEST, utc_now

Day = date | Literal["unchanged"] | None

COLUMNS: tuple[Any, ...] = (PersonDetails.death_date, PersonDetails.favourite)


def renamed(session: Session, person_id: int, name: str) -> Row:
    """Return the columns for a new name. Raises InvalidName, NameTaken."""
    name = person_names.clean(name)
    other = session.scalars(select(Person).where(col(Person.name_key) == person_names.key(name))).first()
    if other is not None and other.id != person_id:
        raise NameTaken(
            f"There is already a person called “{other.name}”. Choose another name, such as “{other.name} (2)”, or "
            "merge the two."
        )
    return {"name": name, "name_key": person_names.key(name)}


def checked(day: date | None, what: str) -> date | None:
    """Check that a day can be a birth or death date. Raises BadInput."""
    if day is not None and day > date.today():
        raise BadInput(f"A {what} date can't be in the future; choose an earlier one.")
    if day is not None and day < EARLIEST:
        raise BadInput(f"Choose a {what} date from {EARLIEST.year} on.")
    return day


def details_of(session: Session, people: Sequence[int]) -> dict[int, Row]:
    """Return person id -> details, for people who have any."""
    rows = current_rows(session, "persondetails", col(PersonDetails.person_id), people)
    return {row["person_id"]: row for row in rows}


def detail_changes(session: Session, person_id: int, death_date: Day, favourite: bool | None) -> list[Change]:
    """Return the changes that set these details. Raises BadInput for an impossible new date."""
    before = details_of(session, [person_id]).get(person_id)
    known = before or {"person_id": person_id, "death_date": None, "favourite": False}
    after = {**known, "at": utc_now()}
    if death_date not in ("unchanged", known["death_date"]):
        assert death_date != "unchanged"
        after["death_date"] = checked(death_date, "death")
    if favourite is not None:
        after["favourite"] = favourite
    same = all(after[name] == known[name] for name in ("death_date", "favourite"))
    return [] if same else [Change("persondetails", before, after if _says(after) else None)]


def known_anew(person_id: int, death_date: date | None, favourite: bool) -> Change:
    """Return the change that adds details from another library. The date is not checked."""
    row = {"person_id": person_id, "death_date": death_date, "favourite": favourite, "at": utc_now()}
    return Change("persondetails", None, row)


def check_order(born: date | None, died: date | None) -> None:
    """Raise BadInput if the death is before the birth."""
    if born is not None and died is not None and died < born:
        raise BadInput("The death date is before the birth date; correct one of the two.")


def merged_details(session: Session, keep_id: int, others: Sequence[int]) -> list[Change]:
    """Delete the details of the others, after using them to fill gaps in those of the person who is kept."""
    found = details_of(session, [keep_id, *others])
    changes = [Change("persondetails", found[other], None) for other in others if other in found]
    mine = found.get(keep_id)
    known = [found[one] for one in (keep_id, *others) if one in found]
    if not known:
        return []
    died = next((row["death_date"] for row in known if row["death_date"]), None)
    after = {"person_id": keep_id, "death_date": died, "favourite": any(row["favourite"] for row in known)}
    if mine is None or any(mine[name] != value for name, value in after.items()):
        changes.append(Change("persondetails", mine, {**after, "at": utc_now()}))
    return changes


def _says(row: Row) -> bool:
    return bool(row["death_date"] or row["favourite"])


def described(before: Row, after: Row, details: Sequence[Change]) -> tuple[str, str]:
    """Return the kind and summary of the event that changes a person."""
    old, new, born = before["name"], after["name"], after["birth_date"]
    said: list[tuple[str, str]] = []
    if old != new:
        said.append(("rename", f"renamed “{old}” to “{new}”"))
    if before["birth_date"] != born:
        said.append(("birth date", _dated("birth", new, born)))
    for change in details:
        said += _details_described(new, change.before or {}, change.after or {})
    if before["hidden"] != after["hidden"]:
        said.append(("hide", f"hid “{new}”" if after["hidden"] else f"unhid “{new}”"))
    summary = ", ".join(text for _, text in said)
    return (said[0][0] if len(said) == 1 else "describe"), summary[:1].upper() + summary[1:]


def _details_described(name: str, before: Row, after: Row) -> list[tuple[str, str]]:
    said = []
    if before.get("death_date") != after.get("death_date"):
        said.append(("death date", _dated("death", name, after.get("death_date"))))
    if bool(before.get("favourite")) != bool(after.get("favourite")):
        made = "made “{}” a favourite" if after.get("favourite") else "made “{}” no favourite any more"
        said.append(("favourite", made.format(name)))
    return said


def _dated(what: str, name: str, day: date | None) -> str:
    return f"set the {what} date of “{name}” to {day}" if day else f"removed the {what} date of “{name}”"
