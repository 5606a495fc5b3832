"""The command that names the people in photos."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from faceid_core.cli.console import GIVE_PHOTOS, JSON, library_of, print_json, progress_bar, put, put_lines, say
from faceid_core.cli.parameters import PATH, GivenPath, Real
from faceid_core.errors import BadInput, UnreadableImage
from faceid_core.wording import count, file_name, name_or_unknown

if TYPE_CHECKING:
    from faceid_core.exchange.recognition_table import PhotoAnswer
    from faceid_core.library import Library
    from faceid_core.values import Image, Recognised

JPEG_QUALITY = 92


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH...")
@click.option("--threshold", type=Real(0, 1), metavar="PROBABILITY",
              help="Lowest probability at which a face gets a name [default: the recogniser's].")  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with one line per face.")
@click.option("--annotated", type=GivenPath(file_okay=False), metavar="FOLDER",
              help="Also write each photo with boxes and names to this new folder.")  # fmt: skip
@JSON
@click.pass_context
def recognise(
    ctx: click.Context, paths: tuple[Path, ...], threshold: float | None, as_csv: bool, annotated: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Recognise the people in photos. Stores nothing in the library."""
    from faceid_core.importing.finding import photos_under
    from faceid_core.steps.recognise import load_recogniser

    if as_csv and as_json:
        raise click.UsageError("Choose --csv or --json, not both.", ctx)
    with library_of(ctx) as library:
        load_recogniser(library)  # fails before any photo is looked for
        files = photos_under(paths).files
        answers = _answers(library, files, threshold, annotated)
    _print(answers, as_csv=as_csv, as_json=as_json)
    if not any(answer.problem is None for answer in answers):
        raise UnreadableImage(f"None of these files could be read, for the reasons above; {GIVE_PHOTOS}")
    if annotated is not None:
        say(f"Wrote {count(sum(answer.problem is None for answer in answers), 'photo')} to {annotated}.")


def _answers(
    library: Library, files: list[Path], threshold: float | None, annotated: Path | None
) -> list[PhotoAnswer]:
    """In the order of the files. Raises BadInput for a folder that exists and is not empty."""
    from faceid_core.exchange.saving import check_folder
    from faceid_core.steps.recognise_many import file_reader, recognise_many

    if annotated is not None:
        check_folder(annotated)
        annotated.mkdir(exist_ok=True)
    answers: list[PhotoAnswer] = []
    photos = [(file_name(path), path) for path in files]
    with progress_bar("photos") as progress:
        for answer, pixels in recognise_many(library, photos, file_reader(library), threshold=threshold):
            if annotated is not None and pixels is not None:
                _write(annotated, len(answers) + 1, files[len(answers)], pixels, list(answer.faces))
            answers.append(answer)
            progress(len(answers), len(files), answer.photo)
    return answers


def _write(folder: Path, number: int, path: Path, pixels: Image, faces: list[Recognised]) -> None:
    """The numbers distinguish photos of the same name in several folders. Raises BadInput."""
    from faceid_core.media import annotate, images

    target = folder / f"{number:04}-{file_name(path.stem)}.jpg"
    try:
        target.write_bytes(images.encode_jpeg(annotate.draw_names(pixels, faces), quality=JPEG_QUALITY))
    except OSError as error:
        raise BadInput(f"{target} can't be written ({error.strerror}); choose another folder.") from error


def _print(answers: list[PhotoAnswer], *, as_csv: bool, as_json: bool) -> None:
    """The photos with their faces on standard output, why others were skipped on standard error."""
    from faceid_core.exchange import recognition_table

    for answer in answers:
        if answer.problem is not None:
            say(f"Skipped {answer.photo}: {answer.problem}.")
    readable = [answer for answer in answers if answer.problem is None]
    if as_csv:
        table = io.StringIO()
        recognition_table.write_csv(answers, table)
        table.seek(0)
        put_lines(table)
    elif as_json:
        print_json(recognition_table.as_json(readable))
    else:
        for answer in readable:
            faces = ", ".join(f"{_called(face)} ({face.probability:.0%})" for face in answer.faces)
            put(f"{answer.photo}: {faces or 'no face'}")


def _called(face: Recognised) -> str:
    return "unknown" if face.name is None else name_or_unknown(face.name)
