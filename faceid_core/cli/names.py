"""The commands that carry names out and in: names write, undo, runs, push, pull."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from faceid_core.cli.console import JSON, Commands, library_of, print_json, print_table, progress_bar, say
from faceid_core.wording import file_name

if TYPE_CHECKING:
    from faceid_core.exchange.photo_servers import PhotoServer
    from faceid_core.steps.write_names import FileProblem

MOST_LINES = 20
"""How many files that were left alone are told one by one."""


@click.group(cls=Commands)
def names() -> None:
    """Write the names into XMP files beside the photos, for other programs, and take that back."""


@names.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--dry-run", is_flag=True, help="Only report what would change.")
@click.option("--embed", is_flag=True, help="Write into the photos themselves, with ExifTool; copies are kept.")
@JSON
@click.pass_context
def write(ctx: click.Context, folders: tuple[Path, ...], dry_run: bool, embed: bool, as_json: bool) -> None:
    """Write the names of the photos in FOLDER (default: of all photos) into XMP sidecars.

    What other programs wrote there stays. The photos are not touched without --embed.
    """
    from faceid_core.steps.write_names import write_names

    with library_of(ctx) as library, progress_bar("photos") as progress:
        done = write_names(library, folders, embed=embed, dry_run=dry_run, progress=progress)
    if dry_run:
        for path in done.paths:
            click.echo(file_name(path), err=as_json)
    _say_problems([*done.conflicts, *done.failures])
    undo = f" Take it back with `faceid names undo {done.run}`." if done.run else ""
    say(f"{done.in_words()}.{undo}")
    if as_json:
        print_json(done.as_dict())


@names.command()
@click.argument("number", type=int, required=False)
@JSON
@click.pass_context
def undo(ctx: click.Context, number: int | None, as_json: bool) -> None:
    """Give the files of a writing, by its NUMBER or the latest, their former bytes. Files changed since stay."""
    from faceid_core.steps.write_names import undo_writing

    with library_of(ctx) as library, progress_bar("files") as progress:
        done = undo_writing(library, number, progress=progress)
    _say_problems(done.conflicts)
    say(f"{done.in_words()}.")
    if as_json:
        print_json(done.as_dict())


@names.command()
@JSON
@click.pass_context
def runs(ctx: click.Context, as_json: bool) -> None:
    """List the latest writings with their numbers."""
    with library_of(ctx) as library:
        found = library.written_names.runs()
    if as_json:
        print_json([asdict(run) for run in found])
        return
    rows = [
        (run.id, f"{run.at:%Y-%m-%d %H:%M}", run.actor, run.files, "undone" if run.undone else "") for run in found
    ]
    print_table(("Number", "When (UTC)", "Who", "Files", ""), rows)


KIND = click.argument("kind", type=click.Choice(["immich", "photoprism"]))
URL = click.argument("url")
YES = click.option("--yes", "-y", is_flag=True, help="Do it without asking.")


@names.command()
@KIND
@URL
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
@YES
@JSON
@click.pass_context
def push(ctx: click.Context, kind: str, url: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Give the faces that a server, such as https://photos.example.org, does not know their names.

    It says first what it will do. Names there stay. The key is read from IMMICH_API_KEY or
    PHOTOPRISM_ACCESS_TOKEN, or asked for; it is kept nowhere.
    """
    from faceid_core.steps.push_names import push_names

    server = _server(kind, url)
    with library_of(ctx) as library:
        with progress_bar("photos") as progress:
            plan = push_names(library, server, dry_run=True, progress=progress)
        say(f"{plan.in_words()}.")
        if not dry_run and plan.changes:
            if not yes:
                click.confirm("Do it?", abort=True, err=True)
            with progress_bar("photos") as progress:
                plan = push_names(library, server, progress=progress)
            say(f"{plan.in_words()}.")
    if as_json:
        print_json(plan.as_dict())


@names.command()
@KIND
@URL
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
@JSON
@click.pass_context
def pull(ctx: click.Context, kind: str, url: str, dry_run: bool, as_json: bool) -> None:
    """Import the names that a server, such as https://photos.example.org, has for the library's photos.

    Names that were given here stay. The key is read as for push. The import is one decision, which can be undone.
    """
    from faceid_core.exchange.photo_servers import names_of
    from faceid_core.steps.import_names import as_rows, survey_names, take_and_list

    server = _server(kind, url)
    act = survey_names if dry_run else take_and_list
    with library_of(ctx) as library, progress_bar("photos") as progress:
        found = act(library, source=partial(names_of, server), progress=progress)
    say(f"{found.summary().in_words()}.")
    if as_json:
        print_json({**found.summary().as_dict(), "names": as_rows(found.names)})


def _server(kind: str, url: str) -> PhotoServer:
    """The token comes from the environment or the keyboard: arguments are seen by others and kept by shells."""
    from faceid_core.exchange.photo_servers import SERVERS, TOKENS

    token = os.environ.get(TOKENS[kind], "") or click.prompt("Key", hide_input=True, err=True)
    return SERVERS[kind](url, token.strip())


def _say_problems(problems: Sequence[FileProblem]) -> None:
    for each in problems[:MOST_LINES]:
        name = f"“{each.name}”: " if each.name else ""
        say(f"{file_name(each.path)}: {name}{each.reason}.")
    if len(problems) > MOST_LINES:
        say(f"… and {len(problems) - MOST_LINES:,} more; --json lists them all.")
