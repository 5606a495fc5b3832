"""The commands that look after a library: doctor, backup, restore, db upgrade."""

from __future__ import annotations

from pathlib import Path

import click

from faceid_core.console import JSON, Commands, Refused, print_json, print_table, say, settings_of
from faceid_core.wording import count

FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@click.option("--deep", is_flag=True, help="Also read the whole database and compare it with the journal.")
@JSON
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, deep: bool) -> None:
    """Check versions, the engine, the library and free disk; say what is missing and how to get it."""
    from dataclasses import asdict

    from faceid_core.doctor import examine

    checks = examine(settings_of(ctx), deep=deep)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(("", "What", "Found", "Advice"), [(c.mark, c.name, c.found, c.advice) for c in checks])
    if not all(check.ok for check in checks):
        raise Refused("Something needs attention; the table says what and how.")


@click.command("backup")
@FILE
@click.option("--replace", is_flag=True, help="Write over an older backup of that name.")
@click.pass_context
def back_up(ctx: click.Context, file: Path, replace: bool) -> None:
    """Write the whole library to FILE, also while the app runs."""
    from faceid_core import backup

    held = backup.back_up(settings_of(ctx), file, replace=replace)
    people = count(held.people, "person", "people")
    say(f"{file} holds {count(held.photos, 'photo')}, {count(held.faces, 'face')} and {people}.")


@click.command()
@FILE
@click.pass_context
def restore(ctx: click.Context, file: Path) -> None:
    """Put the backup FILE in the place of the library; what is there now is kept in a folder beside it."""
    from faceid_core import backup, database

    held, replaced = backup.restore(settings_of(ctx), file)
    people = count(held.people, "person", "people")
    say(f"Restored {count(held.photos, 'photo')}, {count(held.faces, 'face')} and {people} as of {held.made_at}.")
    if replaced:
        say(f"The library from before is in {replaced}; delete that folder when you don't need it.")
    if held.revision < database.HEAD:
        say("It was made by an older version; run `faceid db upgrade` next.")


@click.group(cls=Commands)
def db() -> None:
    """Look after the database."""


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the database to this version of the program."""
    from faceid_core import backup

    copy = backup.upgrade(settings_of(ctx))
    say("The database is up to date." + (f" A copy from before is in {copy}." if copy else ""))


COMMANDS = (doctor, back_up, restore, db)
