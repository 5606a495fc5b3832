"""The commands that look after a library: undo, redo, erase, doctor, backup, restore, db, decisions."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from faceid_core.cli.console import (
    JSON,
    YES,
    Commands,
    Refused,
    ask,
    library_of,
    print_json,
    print_table,
    problem_line,
    progress_bar,
    put_lines,
    say,
    say_first,
    settings_of,
)
from faceid_core.cli.parameters import IDENTITY, GivenPath
from faceid_core.cli.privacy import list_backups, may_hold, name_backups
from faceid_core.wording import count

if TYPE_CHECKING:
    from faceid_core.library import ErasedTrace, Erasure, Library
    from faceid_core.steps.backups import Backup

FILE = click.argument("file", type=GivenPath(dir_okay=False))


@click.command()
@click.option("--deep", is_flag=True, help="Also read the whole database and compare it with the history.")
@click.option("--cluster", is_flag=True, help="Instead check that every worker can reach what it needs.")
@JSON
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, deep: bool, cluster: bool) -> None:
    """Check the installation and say how to fix it.

    Covers versions, networks, library and free disk space.
    """
    from dataclasses import asdict

    from faceid_core.steps.check_cluster import examine_cluster
    from faceid_core.steps.doctor import examine

    checks = examine_cluster(settings_of(ctx)) if cluster else examine(settings_of(ctx), deep=deep)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(("", "What", "Found", "Advice"), [(c.mark, c.name, c.found, c.advice) for c in checks])
    if not all(check.ok for check in checks):
        raise Refused("Something needs attention; see the advice in the table.")


BACKUPS = click.option("--backups", is_flag=True, help="Also delete backups made by faceid that hold it.")


@click.command()
@click.argument("number", type=IDENTITY, required=False)
@click.option("--back-to", type=IDENTITY, metavar="NUMBER", help="Undo everything after that decision instead.")
@click.pass_context
def undo(ctx: click.Context, number: int | None, back_to: int | None) -> None:
    """Undo the decision NUMBER [default: the latest]."""
    if number is not None and back_to is not None:
        raise Refused("Give either the number of one decision or --back-to, not both.")
    with library_of(ctx) as library:
        journal = library.journal
        events = [journal.undo(number)] if back_to is None else journal.undo_to(back_to)
    for event in events:
        say(f"Undone: {event.id}, {event.summary}.")
    if not events:
        say("There are no decisions after that one.")


@click.command()
@click.argument("number", type=IDENTITY, required=False)
@click.pass_context
def redo(ctx: click.Context, number: int | None) -> None:
    """Redo the decision NUMBER [default: the last one undone]."""
    with library_of(ctx) as library:
        event = library.journal.redo(number)
    say(f"Redone: {event.id}, {event.summary}.")


@click.group(cls=Commands)
def erase() -> None:
    """Permanently erase people, photos or backups."""


@erase.command("person")
@click.argument("name")
@YES
@BACKUPS
@click.pass_context
def erase_person(ctx: click.Context, name: str, yes: bool, backups: bool) -> None:
    """Erase a person and all their faces.

    That includes vectors, traces in the history, and recognisers trained on them.
    """
    with library_of(ctx) as library:
        person = library.people.known(name)
        holding = _holding(library, library.erasing.trace(person=person.id))
        _sure(library.erasing.person(person.id, preview=True), yes, holding if backups else ())
        gone = library.erasing.person(person.id)
        _say_erased(gone)
        _clear_backups(library, holding, backups)


@erase.command("photo")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@YES
@BACKUPS
@click.pass_context
def erase_photos(ctx: click.Context, paths: tuple[str, ...], yes: bool, backups: bool) -> None:
    """Erase photos, or all frames of videos, from the library. The files stay."""
    from faceid_core.media import folders

    with library_of(ctx) as library:
        wanted = [str(folders.absolute(path)) for path in paths]
        found = library.photos.at(wanted)
        if missing := [path for path in wanted if path not in found]:
            raise Refused(f"The library has no photo {missing[0]}; give the path it was imported from.")
        ids = {*found.values(), *(frame for path in wanted for frame in library.photos.frames(path))}
        holding = _holding(library, library.erasing.trace(photos=ids))
        _sure(library.erasing.photos(ids, preview=True), yes, holding if backups else ())
        gone = library.erasing.photos(ids)
        _say_erased(gone)
        _clear_backups(library, holding, backups)


@erase.command("leftovers")
@YES
@click.pass_context
def erase_leftovers(ctx: click.Context, yes: bool) -> None:
    """Erase recognisers and job results that still name erased people."""
    with library_of(ctx) as library:
        _sure(library.erasing.leftovers(preview=True), yes)
        _say_erased(library.erasing.leftovers())
        name_backups(library)


@erase.command("backups")
@YES
@click.pass_context
def erase_backups(ctx: click.Context, yes: bool) -> None:
    """Delete backups from before the latest erasure or refusal.

    Only those made by faceid; they may still hold what was deleted.
    """
    from faceid_core.steps import backups

    with library_of(ctx) as library:
        found = list(may_hold(library))
        if not found:
            say("faceid knows of no backup from before an erasure.")
            return
        say(f"This permanently deletes {count(len(found), 'backup')}:")
        list_backups(found)
        ask(yes, "Nothing was deleted")
        backups.delete(library.settings, found)
        library.journal.note(f"Deleted {count(len(found), 'backup')}")
    say(f"{count(len(found), 'backup')} deleted.")


def _say_erased(gone: Erasure) -> None:
    from faceid_core.library import BYTES_REMAIN

    say("Erased.")
    if gone.bytes_remain:
        say(BYTES_REMAIN)


def _holding(library: Library, trace: ErasedTrace) -> list[Backup]:
    from faceid_core.steps import backups

    return backups.holding(library.settings, trace)


def _clear_backups(library: Library, holding: list[Backup], delete: bool) -> None:
    from faceid_core.steps import backups

    if not holding:
        say("No backup that faceid knows of still holds it. If you made copies elsewhere, delete them yourself.")
    elif delete:
        backups.delete(library.settings, holding)
        library.journal.note(f"Deleted {count(len(holding), 'backup')}")
        say(f"{count(len(holding), 'backup')} deleted, too.")
    else:
        say(f"{count(len(holding), 'older backup')} still hold{'s' * (len(holding) == 1)} what was erased:")
        list_backups(holding)
        say("`faceid erase backups` deletes backups from before this erasure.")


def _sure(found: Erasure, yes: bool, holding: Sequence[Backup] = ()) -> None:
    """Say what will be erased, and ask. Raises Refused after a no."""
    say(
        f"This erases {count(found.faces, 'face')}, {count(found.photos, 'photo')} from the library and "
        f"{count(found.models, 'recogniser')}, and clears {count(found.events, 'decision')}. It can't be undone."
    )
    if holding:
        say(f"It also deletes {count(len(holding), 'backup')}:")
        list_backups(list(holding))
    ask(yes, "Nothing was erased")


@click.command("backup")
@FILE
@click.option("--replace", is_flag=True, help="Overwrite an older backup.")
@click.pass_context
def back_up(ctx: click.Context, file: Path, replace: bool) -> None:
    """Save the library to FILE, even while the app is running."""
    from faceid_core.steps import back_up as step

    held = step.back_up(settings_of(ctx), file, replace=replace)
    people = count(held.people, "person", "people")
    say(f"{file} holds {count(held.photos, 'photo')}, {count(held.faces, 'face')} and {people}.")


@click.command()
@FILE
@click.pass_context
def restore(ctx: click.Context, file: Path) -> None:
    """Replace the library with the backup FILE.

    The old library is kept in a folder beside it.
    """
    from faceid_core.library.store import database
    from faceid_core.steps import back_up as step

    held, replaced = step.restore(settings_of(ctx), file)
    people = count(held.people, "person", "people")
    say(f"Restored {count(held.photos, 'photo')}, {count(held.faces, 'face')} and {people} as of {held.made_at}.")
    if replaced:
        say(f"The old library is in {replaced}; delete it when you no longer need it.")
    if held.revision < database.HEAD:
        say("It was made by an older version; run `faceid db upgrade` next.")


@click.group(cls=Commands)
def db() -> None:
    """Maintain the database."""


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Upgrade the database to this version of the program."""
    from faceid_core.steps import back_up as step

    copy = step.upgrade(settings_of(ctx))
    say("The database is up to date." + (f" The old one was copied to {copy}." if copy else ""))


@click.group(cls=Commands)
def decisions() -> None:
    """Transfer names and other decisions between libraries."""


@decisions.command("export")
@FILE
@click.pass_context
def export_decisions(ctx: click.Context, file: Path) -> None:
    """Save all decisions to FILE.json or FILE.parquet.

    Faces are identified by the photo's SHA-256 and their box.
    """
    from faceid_core.steps.replay_decisions import export

    with library_of(ctx) as library:
        held = export(library, file)
    people = count(len(held.people), "person", "people")
    say(f"{file} holds the decisions about {count(len(held.faces), 'face')} and {people}.")


@decisions.command("replay")
@FILE
@click.option("--rest", type=GivenPath(dir_okay=False),
              help="File for decisions that match no face here [default: FILE with .rest].")  # fmt: skip
@JSON
@click.pass_context
def replay_decisions(ctx: click.Context, file: Path, rest: Path | None, as_json: bool) -> None:
    """Apply the decisions in FILE to the same photos.

    Import the photos first. Decisions already made in this library win.
    """
    from dataclasses import asdict

    from faceid_core.steps.replay_decisions import replay

    with library_of(ctx) as library:
        done = replay(library, file, rest=rest)
    say(f"Imported the decisions about {count(done.taken, 'face')}.")
    if done.disagreeing:
        say(f"{count(done.disagreeing, 'face')} already had another decision here, which stays.")
    if done.rest:
        say(
            f"{count(done.without_photo, 'face')} in photos that are not in this library and "
            f"{count(done.without_face, 'face')} that the detector did not find are saved in {done.rest}; "
            "import the photos and replay that file."
        )
    if as_json:
        print_json(asdict(done))


@decisions.command("schema")
def decisions_schema() -> None:
    """Print the JSON schema of such files."""
    from faceid_core.exchange.decisions_file import schema

    put_lines(io.StringIO(schema()))


@decisions.command("from-photos")
@JSON
@click.pass_context
def names_from_photos(ctx: click.Context, as_json: bool) -> None:
    """Import names that other programs left in or beside photos.

    Reads digiKam, Lightroom, Picasa, Windows, Google Takeout and others.
    """
    from faceid_core.steps.import_names import Outcome, as_rows, take_and_list

    with library_of(ctx) as library, progress_bar() as progress:
        found = take_and_list(library, progress=progress)
    done = found.summary()
    refused = [each for each in found.names if each.outcome is Outcome.REFUSED]
    say_first([problem_line(each.photo, each.name, each.reason) for each in refused])
    say(f"{done.in_words()}.")
    if as_json:
        print_json({**done.as_dict(), "names": as_rows(found.names)})
