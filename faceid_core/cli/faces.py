"""The commands for boxes by hand: faces list, add, move, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from faceid_core.cli.console import JSON, Commands, library_of, print_json, print_table, put, say
from faceid_core.cli.parameters import IDENTITY, PATH
from faceid_core.errors import NotFound
from faceid_core.wording import file_name

if TYPE_CHECKING:
    from faceid_core.library import Library

PHOTO = click.argument("photo", type=PATH)
FACE = click.argument("face", type=IDENTITY)
BOX = click.argument("box", type=float, nargs=4, metavar="LEFT TOP RIGHT BOTTOM")


@click.group(cls=Commands)
def faces() -> None:
    """List, draw, move and remove the faces in a photo."""


@faces.command("list")
@PHOTO
@JSON
@click.pass_context
def list_faces(ctx: click.Context, photo: Path, as_json: bool) -> None:
    """List the faces in PHOTO with their numbers and boxes.

    Boxes are in pixels of the upright photo.
    """
    with library_of(ctx) as library:
        found = library.faces.of_photo(_photo(library, photo))
    if as_json:
        print_json(
            [
                {"id": one.id, "box": one.box.as_tuple(), "person": one.person, "flag": one.flag.value}
                for one in found
            ]
        )
    elif found:
        rows = [(one.id, *map(round, one.box.as_tuple()), one.person or "") for one in found]
        print_table(("Number", "Left", "Top", "Right", "Bottom", "Name"), rows)
    else:
        say("This photo has no faces yet; `faceid faces add` draws one.")


@faces.command()
@PHOTO
@BOX
@click.option("--name", help="Who it is.")
@click.pass_context
def add(ctx: click.Context, photo: Path, box: tuple[float, float, float, float], name: str | None) -> None:
    """Draw a face that no detector found, and print its number."""
    from faceid_core.library import person_names
    from faceid_core.steps.describe_boxes import describe_boxes
    from faceid_core.values import Box

    if name is not None:
        person_names.clean(name)  # a wrong name is refused before the face is drawn
    with library_of(ctx) as library:
        made = library.faces.add(_photo(library, photo), Box(*box))
        if name is not None:
            library.people.name_faces([made.face_id], name)
        describe_boxes(library)
        _say_whether_seen(library, made.face_id)
    put(made.face_id)


@faces.command()
@FACE
@BOX
@click.pass_context
def move(ctx: click.Context, face: int, box: tuple[float, float, float, float]) -> None:
    """Move the box of FACE, which keeps its name.

    FACE is a number from `faceid faces list`.
    """
    from faceid_core.steps.describe_boxes import describe_boxes
    from faceid_core.values import Box

    with library_of(ctx) as library:
        library.faces.move(face, Box(*box))
        describe_boxes(library)
        _say_whether_seen(library, face)


@faces.command()
@FACE
@click.pass_context
def remove(ctx: click.Context, face: int) -> None:
    """Mark FACE as not a face; `faceid undo` reverts that."""
    from faceid_core.values import Flag

    with library_of(ctx) as library:
        library.faces.get(face)
        library.faces.flag([face], Flag.NOT_A_FACE)
    say(f"Marked face {face} as not a face.")


def _photo(library: Library, path: Path) -> int:
    """The id of the photo in this file. Raises NotFound."""
    from faceid_core.media import folders

    known = library.photos.at([str(path), str(folders.absolute(path))])
    if not known:
        raise NotFound(f"{file_name(str(path))} is not in the library; import it first.")
    return next(iter(known.values()))


def _say_whether_seen(library: Library, face: int) -> None:
    if not library.faces.crops([face]):
        say("No face can be recognised in this box, so only its name counts.")
