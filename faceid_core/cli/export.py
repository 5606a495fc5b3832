"""The command that writes faces and photos for other programs and for people."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from faceid_core.cli.console import DAY, JSON, library_of, print_json, progress_bar, say, say_first
from faceid_core.cli.parameters import PATH, Real
from faceid_core.wording import count, file_name

if TYPE_CHECKING:
    from faceid_core.library import ExportQuery, Library

FLAGS = ("none", "not_a_face", "stranger")


@click.command()
@click.argument("target", type=PATH)
@click.option(
    "--as",
    "form",
    metavar="FORM",
    help="albums, gallery, imagefolder, lfw, webdataset, huggingface, coco, fiftyone, cvat, labelstudio, "
    "table or embeddings [default: by the extension of TARGET].",
)
@click.option("--person", "people", multiple=True, metavar="NAME", help="Only faces of this person; repeatable.")
@click.option("--from", "first", type=DAY, metavar="YYYY-MM-DD", help="Photos taken on or after this day.")
@click.option("--until", "last", type=DAY, metavar="YYYY-MM-DD", help="Photos taken on or before this day.")
@click.option("--folder", help="Photos in this folder or its subfolders.")
@click.option("--text", help="Part of the photo's path.")
@click.option("--quality", type=Real(0, 1), default=0.0, show_default=True, help="Lowest quality of a face.")
@click.option(
    "--flag",
    "flags",
    multiple=True,
    type=click.Choice(FLAGS),
    help="Faces with this flag; repeatable [default: none; for a table, all].",
)
@click.option(
    "--split",
    type=Real(0, 1, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of each person's photos to hold out for validation.",
)
@click.option(
    "--link",
    type=click.Choice(["copy", "hard", "symbolic"]),
    default="copy",
    show_default=True,
    help="How albums refer to your files.",
)
@click.option("--preview", is_flag=True, help="Only say how much that is.")
@JSON
@click.pass_context
def export(ctx: click.Context, /, target: Path, form: str | None, split: float, link: Any, preview: bool,
           as_json: bool, **wanted: Any) -> None:  # fmt: skip
    """Write faces and photos for other programs.

    TARGET is FILE.csv, .json, .parquet or .npz, or a new folder or .zip.

    Hidden people, and those who refused consent, are never exported.
    """
    from faceid_core.steps import export as step

    with library_of(ctx) as library, progress_bar() as progress:
        form = form or step.form_of(target)
        query = _query(library, form, **wanted)
        if preview:
            found, size = step.preview(library, form, query)
        else:
            done = step.export_as(library, target, form, query, split=split, link=link, progress=progress)
    if preview:
        people = count(found.people, "person", "people")
        say(f"{count(found.faces, 'face')} of {people} on {count(found.photos, 'photo')}, "
            f"about {step.size_in_words(size)}.")  # fmt: skip
        if as_json:
            print_json({**asdict(found), "bytes": size})
        return
    say_first([f"{file_name(problem)}." for problem in done.problems])
    say(step.in_words(done, target))
    if as_json:
        print_json(done.as_dict())


def _query(
    library: Library, form: str, *, people: tuple[str, ...], quality: float, flags: tuple[str, ...], **photos: Any
) -> ExportQuery:
    from faceid_core.cli.listing import query_of
    from faceid_core.steps.export import as_query

    ids = [library.people.known(name).id for name in people]
    asked = query_of(library, people=(), without=(), **photos)
    return as_query(form, people=ids, photos=asked, quality=quality, flags=flags)
