"""The commands that carry names out and in: names write, undo, runs, push, pull."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
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
    put,
    say,
    say_first,
)
from faceid_core.cli.parameters import IDENTITY, PATH
from faceid_core.wording import file_name

if TYPE_CHECKING:
    from faceid_core.exchange.photo_servers import PhotoServer
    from faceid_core.steps.write_names import FileProblem


@click.group(cls=Commands)
def names() -> None:
    """Exchange names with other programs."""


@names.command()
@click.argument("folders", nargs=-1, type=PATH, metavar="[FOLDER]...")
@click.option("--dry-run", is_flag=True, help="Only report what would change.")
@click.option("--embed", is_flag=True, help="Write into the photos themselves with ExifTool, keeping copies.")
@JSON
@click.pass_context
def write(ctx: click.Context, folders: tuple[Path, ...], dry_run: bool, embed: bool, as_json: bool) -> None:
    """Write names into XMP files beside the photos.

    Covers the photos in FOLDER [default: all photos]. What other programs wrote there stays. The photos are not
    touched without --embed.
    """
    from faceid_core.media import folders as media_folders
    from faceid_core.steps.write_names import write_names

    media_folders.walk(folders)  # raises PathNotFound
    with library_of(ctx) as library, progress_bar("photos") as progress:
        done = write_names(library, folders, embed=embed, dry_run=dry_run, progress=progress)
    if dry_run:
        for path in done.paths:
            (say if as_json else put)(file_name(path))
    _say_problems([*done.conflicts, *done.failures])
    undo = f" Undo it with `faceid names undo {done.run}`." if done.run else ""
    say(f"{done.in_words()}.{undo}")
    if as_json:
        print_json(done.as_dict())


@names.command()
@click.argument("number", type=IDENTITY, required=False)
@JSON
@click.pass_context
def undo(ctx: click.Context, number: int | None, as_json: bool) -> None:
    """Restore the files that the run NUMBER (default: the latest) changed.

    Files that have changed since are left alone and listed.
    """
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
    """List the latest runs of `faceid names write`."""
    with library_of(ctx) as library:
        found = library.written_names.runs()
    if as_json:
        print_json([asdict(run) for run in found])
        return
    if not found:
        say("No run yet; `faceid names write` makes one.")
        return
    rows = [
        (run.id, f"{run.at:%Y-%m-%d %H:%M}", run.actor, run.files, "undone" if run.undone else "") for run in found
    ]
    print_table(("Number", "When (UTC)", "Who", "Files", ""), rows)


KIND = click.argument("kind", type=click.Choice(["immich", "photoprism"]))
URL = click.argument("url")


@names.command()
@KIND
@URL
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
@YES
@JSON
@click.pass_context
def push(ctx: click.Context, kind: str, url: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Name the faces on a server such as https://photos.example.org.

    Says first what it will do. Names that are there stay. The key is read from IMMICH_API_KEY or
    PHOTOPRISM_ACCESS_TOKEN, or asked for; it is not stored.
    """
    from faceid_core.steps.push_names import push_names

    server = _server(kind, url)
    with library_of(ctx) as library:
        with progress_bar("photos") as progress:
            plan = push_names(library, server, dry_run=True, progress=progress)
        say(f"{plan.in_words()}.")
        if not dry_run and plan.changes:
            ask(yes, "Nothing was pushed")
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
    """Import names from a server such as https://photos.example.org.

    Names that were given here stay. The key is read as for push. The import is one decision, which you can undo.
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

    token = os.environ.get(TOKENS[kind], "")
    if not token and not sys.stdin.isatty():
        raise Refused(f"Give the key in {TOKENS[kind]}, or run this in a terminal to be asked for it.")
    token = token or click.prompt("Key", hide_input=True, err=True)
    return SERVERS[kind](url, token.strip())


def _say_problems(problems: Sequence[FileProblem]) -> None:
    say_first([problem_line(each.path, each.name, each.reason) for each in problems])
