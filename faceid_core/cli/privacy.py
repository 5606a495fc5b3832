"""The commands for those accountable for a library: consent, retention, audit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from faceid_core.cli.console import (
    DAY,
    JSON,
    NO_NAMES,
    YES,
    Commands,
    ask,
    library_of,
    print_json,
    print_table,
    put_lines,
    say,
)
from faceid_core.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Library, PersonView
    from faceid_core.steps.backups import Backup

STATES = ("given", "refused", "unknown")


# --- consent ------------------------------------------------------------------------------------------------
@click.group(cls=Commands)
def consent() -> None:
    """Record who agreed to be recognised and who refused."""


@consent.command("set")
@click.argument("name")
@click.argument("state", type=click.Choice(STATES))
@click.option("--basis", default="", metavar="TEXT", help="Evidence, such as “signed form 2026-03”.")
@click.option("--on", "given_on", type=DAY, metavar="YYYY-MM-DD", help="Day on which they said so.")
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day on which it is valid.")
@YES
@click.pass_context
def set_(ctx: click.Context, name: str, state: str, basis: str, given_on: datetime | None, until: datetime | None,
         yes: bool) -> None:  # fmt: skip
    """Set the consent of the person NAME. “refused” deletes all pictures and vectors of their face."""
    from faceid_core.steps.set_consent import set_consent
    from faceid_core.values import ConsentState

    with library_of(ctx) as library:
        person = library.people.known(name)
        if state == ConsentState.REFUSED:
            _sure_to_refuse(library, person, yes)
        done = set_consent(
            library, person.id, ConsentState(state), basis=basis, given_on=_day(given_on), until=_day(until),
        )  # fmt: skip
        say(f"The consent of {person.name} is {state}." if done.event else "Nothing changed.")
        if done.withheld.models:
            say(f"{count(done.withheld.models, 'recogniser')} deleted; run `faceid train` for one without them.")
        if state == ConsentState.REFUSED:
            name_backups(library)


def _sure_to_refuse(library: Library, person: PersonView, yes: bool) -> None:
    gone = library.consents.preview(person.id)
    say(
        f"This deletes the pictures and vectors of {count(gone.faces, 'face')} and "
        f"{count(gone.models, 'recogniser')}. The names stay on the photos."
    )
    ask(yes, "Nothing was changed")


@consent.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only people with this state.")
@click.option("--ended", is_flag=True, help="Only people whose consent was given and has ended.")
@JSON
@click.pass_context
def list_(ctx: click.Context, state: str | None, ended: bool, as_json: bool) -> None:
    """List everyone with their consent."""
    today = date.today()
    with library_of(ctx) as library:
        people = [
            person
            for person in library.people.all()
            if (state is None or person.consent.state == state) and (not ended or person.consent.has_ended(today))
        ]
    if as_json:
        print_json([{"name": person.name, **asdict(person.consent)} for person in people])
        return
    if not people:
        say("Nobody matches." if state or ended else NO_NAMES)
        return
    rows = [(p.name, _state(p, today), p.consent.basis, p.consent.given_on, p.consent.until) for p in people]
    print_table(("Name", "Consent", "Basis", "Since", "Until"), rows)


def _state(person: PersonView, today: date) -> str:
    return "ended" if person.consent.has_ended(today) else person.consent.state.value


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


# --- retention ----------------------------------------------------------------------------------------------
@click.command()
@click.option("--apply", "carry_out", is_flag=True, help="Do it, instead of only saying what is due.")
@JSON
@click.pass_context
def retention(ctx: click.Context, carry_out: bool, as_json: bool) -> None:
    """Say what is due under your retention rules; --apply does it.

    The rules are the settings FACEID_RETENTION_...
    """
    from faceid_core.steps import retention as step

    with library_of(ctx) as library:
        found = step.apply(library) if carry_out else step.due(library)
    if as_json:
        print_json([{"rule": each.rule, "number": each.number} for each in found])
    elif found:
        print_table(("Done" if carry_out else "Due", "Rule"), [(each.what, each.rule) for each in found])
    else:
        say("No rule is set; see FACEID_RETENTION_... in docs/command-line.md.")
    if not carry_out and any(each.number for each in found):
        say("Nothing was deleted; add --apply to do it. It can't be undone.")


# --- audit --------------------------------------------------------------------------------------------------
@click.command()
@click.option("--from", "first", type=DAY, metavar="YYYY-MM-DD", help="On or after this day (UTC).")
@click.option("--to", "last", type=DAY, metavar="YYYY-MM-DD", help="On or before this day (UTC).")
@click.option("--by", "actor", metavar="WHO", help="Only what this user did or undid.")
@click.pass_context
def audit(ctx: click.Context, first: datetime | None, last: datetime | None, actor: str | None) -> None:
    """Print who did what and when, as CSV.

    For example: faceid audit > audit.csv
    """
    from faceid_core.steps.audit import audit_lines

    with library_of(ctx) as library:
        put_lines(audit_lines(library, first=_day(first), last=_day(last), by=actor))


# --- backups that hold what was erased ----------------------------------------------------------------------
def name_backups(library: Library) -> None:
    """Say, after an erasure or a refusal, which backups may still hold what was deleted."""
    if found := list(may_hold(library)):
        say(f"{count(len(found), 'older backup')} of this library may still hold what was deleted:")
        list_backups(found)
        say("`faceid erase backups` deletes them. If you made copies elsewhere, delete those yourself.")
    else:
        say("faceid knows of no older backup. If you made copies elsewhere, delete them yourself.")


def may_hold(library: Library) -> Iterator[Backup]:
    """The backups made before the latest erasure or refusal."""
    from faceid_core.steps import backups

    moments = [at for at in (library.journal.last_erasure(), library.consents.last_refusal()) if at]
    yield from backups.made_before(library.settings, max(moments)) if moments else ()


def list_backups(found: list[Backup]) -> None:
    """List the backups on standard error, one per line."""
    for backup in found:
        say(f"  {backup.path} ({backup.made_at:%Y-%m-%d %H:%M} UTC, {backup.bytes / 1e6:,.1f} MB)")
