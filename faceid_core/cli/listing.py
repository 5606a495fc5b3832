"""The commands that only read a library: photos, people, evaluate, history."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from faceid_core.cli.console import (
    DAY,
    JSON,
    NO_NAMES,
    Refused,
    library_of,
    print_json,
    print_table,
    progress_bar,
    put,
    say,
)
from faceid_core.cli.parameters import PATH, GivenPath, Real
from faceid_core.errors import NotFound
from faceid_core.wording import count, file_name

if TYPE_CHECKING:
    from faceid_core.library import Library, PhotoQuery


def QUERY(command: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802 - used like JSON
    """The options that say which photos; `query_of` takes their values."""
    for option in reversed(
        (
            click.option("--with", "people", multiple=True, metavar="NAME",
                         help="Someone who is in the photo; repeatable."),
            click.option("--without", multiple=True, metavar="NAME",
                         help="Someone who is not in the photo; repeatable."),
            click.option("--from", "first", type=DAY, metavar="YYYY-MM-DD", help="Taken on or after this day."),
            click.option("--until", "last", type=DAY, metavar="YYYY-MM-DD", help="Taken on or before this day."),
            click.option("--folder", help="In this folder or its subfolders."),
            click.option("--text", help="Part of the path."),
            click.option("--blurred", is_flag=True, help="Having faces, none of them sharp."),
            click.option("--copies", is_flag=True, help="Having the same picture as another photo."),
            click.option("--screenshots", is_flag=True, help="Screenshots, by the names of their files."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def query_of(library: Library, *, people: tuple[str, ...], without: tuple[str, ...], first: datetime | None,
             last: datetime | None, folder: str | None, text: str | None, blurred: bool = False,
             copies: bool = False, screenshots: bool = False) -> PhotoQuery:  # fmt: skip
    """What the options of QUERY ask for. Raises NotFound for a name that nobody has."""
    from faceid_core.library import PhotoQuery
    from faceid_core.media import folders

    if copies and not library.read_only:
        library.photos.note_copies()
    return PhotoQuery(
        people=tuple(library.people.known(name).id for name in people),
        without=tuple(library.people.known(name).id for name in without),
        taken_from=first.date() if first else None,
        taken_to=last.date() if last else None,
        folder=str(folders.absolute(folder)) if folder else None,
        text=text,
        blurred=blurred,
        copies=copies,
        screenshots=screenshots,
    )


@click.command()
@QUERY
@click.option("--missing", is_flag=True, help="Instead list photos whose files are gone.")
@click.option(
    "--look-in",
    "places",
    multiple=True,
    type=PATH,
    metavar="FOLDER",
    help="With --missing: find them in FOLDER and remember where they are; repeatable.",
)
@JSON
@click.pass_context
def photos(ctx: click.Context, /, missing: bool, places: tuple[Path, ...], as_json: bool, **wanted: Any) -> None:
    """List photos, latest import first. Several options must all match."""
    if places:
        if not missing:
            raise Refused("--look-in needs --missing.")
        _look_for(ctx, places, as_json)
        return
    with library_of(ctx) as library:
        query = query_of(library, **wanted)
        found = library.photos.missing() if missing else library.photos.page(limit=sys.maxsize, query=query)
    if as_json:
        print_json([asdict(photo) for photo in found])
        return
    for photo in found:
        put(file_name(photo.path))
    if not found:
        say("No photo is missing." if missing else "No photo matches.")


def _look_for(ctx: click.Context, places: tuple[Path, ...], as_json: bool) -> None:
    """Print where missing photos are now; tell how many are not found."""
    from faceid_core.steps.find_missing import find_missing

    with library_of(ctx) as library, progress_bar() as progress:
        done = find_missing(library, places, progress=progress)
    if as_json:
        found = [{"id": photo.id, "was": photo.path, "now": path} for photo, path in done.found]
        print_json({"found": found, "missing": [asdict(photo) for photo in done.missing]})
    else:
        for _, path in done.found:
            put(file_name(path))
    say(f"{count(len(done.found), 'photo')} found, {len(done.missing):,} still missing.")


@click.command()
@JSON
@click.pass_context
def people(ctx: click.Context, as_json: bool) -> None:
    """List everyone who has a name."""
    with library_of(ctx) as library:
        named = library.people.all()
    if as_json:
        print_json([asdict(person) for person in named])
    elif named:
        print_table(("Name", "Faces", "Photos"), [(p.name, p.faces, p.photos) for p in named])
    else:
        say(NO_NAMES)


@click.command()
@click.option("--algorithm", help="How to group [default: FACEID_CLUSTERER].")
@click.option("--threshold", type=Real(0, 2, min_open=True), help="Largest distance within a group.")
@click.option(
    "--folder", type=PATH,
    help="Instead test the recogniser in use on a folder that has one subfolder per person.",
)  # fmt: skip
@click.option("--split", is_flag=True, help="With --folder: learn from half of it and test on the rest.")
@click.option(
    "--report", type=GivenPath(dir_okay=False), metavar="FILE",
    help="With --folder: write an HTML report to FILE.",
)  # fmt: skip
@JSON
@click.pass_context
def evaluate(
    ctx: click.Context,
    algorithm: str | None,
    threshold: float | None,
    folder: Path | None,
    split: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Compare the groups with the names given.

    Groups all faces as if nobody had a name yet, and changes nothing.
    """
    if folder is not None:
        if algorithm or threshold:
            raise Refused("--algorithm and --threshold are for groups and can't be combined with --folder.")
        _evaluate_folder(ctx, folder, split, report, as_json)
        return
    if split or report:
        raise Refused("--split and --report need --folder.")
    from faceid_core.steps.evaluate import evaluate_clusters

    with library_of(ctx) as library:
        found = evaluate_clusters(library, algorithm=algorithm, threshold=threshold)
    if as_json:
        print_json(found.as_dict())
        return
    say(f"{found.algorithm} at {found.threshold}, on {found.faces:,} named faces of {found.people:,} people:")
    rows = [
        (name, *(f"{value:.1%}" for value in (scores.precision, scores.recall, scores.f)))
        for name, scores in (("Pairs of faces", found.pairwise), ("Faces (BCubed)", found.bcubed))
    ]
    print_table(("", "Precision", "Recall", "F"), rows)
    say(f"Purity {found.purity:.1%}; {found.acts:,} names needed, {found.people:,} at the least.")
    say(f"{found.pairs.in_words()}.")


def _evaluate_folder(ctx: click.Context, folder: Path, split: bool, report: Path | None, as_json: bool) -> None:
    from faceid_core.atomic import replaced
    from faceid_core.exchange.evaluation_page import as_html
    from faceid_core.steps.evaluate_folder import evaluate_folder

    with library_of(ctx) as library, progress_bar("photos") as progress:
        found = evaluate_folder(library, folder, split=split, progress=progress)
    if report is not None:
        with replaced(report, private=True) as file:
            file.write_text(as_html(found, title=f"Recognition on {folder.name}"), encoding="utf-8")
        say(f"Written to {report}.")
    if as_json:
        print_json(found)
        return
    data = found["data"]
    say(f"On {data['known']:,} faces of people it knows and {data['strangers']:,} of strangers:")
    rows = [
        (name, *("-" if point[key] is None else f"{point[key]:.1%}" for key in ("tpir", "fpir", "precision")))
        for name, point in (("As chosen", found["chosen"]), ("At 1%", found["at_1"]), ("At 0.1%", found["at_01"]))
    ]
    print_table(("Threshold", "Recognised", "Misnamed", "Correct names"), rows)


@click.command()
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to list.")
@click.option("--by", metavar="NAME", help="Only this user's; “program” is faceid itself.")
@JSON
@click.pass_context
def history(ctx: click.Context, limit: int, by: str | None, as_json: bool) -> None:
    """List the latest decisions and groupings, newest first."""
    with library_of(ctx) as library:
        events = library.journal.recent(limit, actor=by)
        if by is not None and not events:
            names = ", ".join(library.journal.actors()) or "nobody yet"
            raise NotFound(f"Nothing was decided by {by}; --by takes one of: {names}.")
    if as_json:
        print_json([asdict(event) for event in events])
        return
    rows = [(e.id, f"{e.at:%Y-%m-%d %H:%M}", e.actor, e.summary, "undone" if e.undone else "") for e in events]
    print_table(("Number", "When (UTC)", "Who", "What", ""), rows)
