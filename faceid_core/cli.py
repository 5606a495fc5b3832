"""The command line. Each command opens the library, calls one step and prints its outcome.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 2 a mistake that the printed
sentence explains, 1 a failure that we did not expect. Heavy imports stay inside the commands: `faceid --help`
answers at once.
"""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from faceid_core import __version__
from faceid_core.console import Refused, print_json, print_table, progress_bar, say
from faceid_core.errors import FaceIdError

if TYPE_CHECKING:
    from faceid_core.importing import ImportReport
    from faceid_core.library import Library
    from faceid_core.settings import Settings
    from faceid_core.values import Recognised

PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
JSON = click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")


class _Commands(click.Group):
    """Shows an expected error as its sentence; commands appear in the order of work, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FaceIdError as error:
            raise Refused(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--library",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the library [default: data, or FACEID_LIBRARY].",
)
@click.option("-v", "--verbose", is_flag=True, help="Log what happens inside.")
@click.version_option(__version__, prog_name="faceid")
@click.pass_context
def main(ctx: click.Context, library: Path | None, verbose: bool) -> None:
    """Find, group and name the faces in your photos, and train a recogniser from those names."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if not verbose:
        warnings.simplefilter("ignore")  # what torch and others tell their developers is not for users
    ctx.obj = library


def _settings(ctx: click.Context, **overrides: Any) -> Settings:
    from pydantic import ValidationError

    from faceid_core.settings import Settings

    chosen = {name: value for name, value in {"library": ctx.obj, **overrides}.items() if value is not None}
    try:
        return Settings(**chosen)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        raise Refused(
            f"The setting FACEID_{name} can't be used: {wrong['msg']}; correct it or unset it."
        ) from error


@contextmanager
def _library(ctx: click.Context, **overrides: Any) -> Iterator[Library]:
    from faceid_core.library import Library

    with Library.open(_settings(ctx, **overrides)) as library:
        yield library


@main.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--people", default=8, show_default=True, type=click.IntRange(2, 200), help="People in the album.")
@click.option("--photos", default=60, show_default=True, type=click.IntRange(2, 5000), help="Photos in the album.")
@click.option("--seed", default=1, show_default=True, help="Another seed draws other people.")
@click.option("--serve/--no-serve", default=True, help="Open the web app when all is ready.")
@click.option("--host", help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=int, help="Port to listen on [default: 8501].")
@click.pass_context
def demo(
    ctx: click.Context,
    folders: tuple[Path, ...],
    people: int,
    photos: int,
    seed: int,
    serve: bool,
    host: str | None,
    port: int | None,
) -> None:
    """Import, group and map a sample album that is drawn here - or the photos in FOLDER - and open the web app."""
    with _library(ctx, host=host, port=port) as library:
        _import(library, folders or (_album(library, people, photos, seed),))
        if library.counts().faces:
            _group(library)
            _draw_map(library)
        else:
            say("No face was found in these photos; import photos that show people.")
        settings = library.settings
    if serve:
        _serve(settings)


def _album(library: Library, people: int, photos: int, seed: int) -> Path:
    from faceid_core.sample import draw_album

    with progress_bar("photos") as progress:
        album = draw_album(
            library.settings.album_folder, people=people, photos=photos, seed=seed, progress=progress
        )
    say(f"Drew {len(album.photos)} photos of {len(album.people)} invented people.")
    return album.folder


@main.command("import")
@PATHS
@JSON
@click.pass_context
def import_(ctx: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Find the faces in photos and folders of photos. Running it again continues where it stopped."""
    with _library(ctx) as library:
        report = _import(library, paths)
    if as_json:
        print_json(report.as_dict())
    if report.failed == report.photos:
        raise Refused("None of these files could be imported; the lines above say why.")


def _import(library: Library, paths: tuple[Path, ...]) -> ImportReport:
    from faceid_core.importing import import_photos

    with progress_bar("photos") as progress:
        report = import_photos(library, paths, progress=progress)
    for failure in report.failures:
        say(f"Skipped {failure.path}: {failure.reason}.")
    say(
        f"{report.imported} photos imported with {report.faces} faces, {report.unchanged} already here, "
        f"{report.duplicates} duplicates, {report.failed} unreadable ({report.seconds:.1f} s)."
    )
    return report


@main.command()
@click.option("--algorithm", help="How to group [default: FACEID_CLUSTERER].")
@click.option("--threshold", type=click.FloatRange(0, min_open=True), help="Largest distance within a group.")
@JSON
@click.pass_context
def cluster(ctx: click.Context, algorithm: str | None, threshold: float | None, as_json: bool) -> None:
    """Group the faces anew. Names stay as they are."""
    with _library(ctx) as library:
        report = _group(library, algorithm=algorithm, threshold=threshold)
    if as_json:
        print_json(report)


def _group(library: Library, **options: Any) -> dict[str, Any]:
    from faceid_core import pipeline

    with progress_bar("steps") as progress:
        report = pipeline.cluster(library, **options, progress=progress)
    say(
        f"{report.faces} faces: {report.grouped} in {report.clusters} groups, "
        f"{report.single} on their own ({report.seconds:.1f} s)."
    )
    return report.as_dict()


@main.command("map")
@click.option("--projector", help="How to draw [default: FACEID_PROJECTOR].")
@JSON
@click.pass_context
def map_(ctx: click.Context, projector: str | None, as_json: bool) -> None:
    """Draw the map of all faces anew."""
    with _library(ctx) as library:
        report = _draw_map(library, projector=projector)
    if as_json:
        print_json(report)


def _draw_map(library: Library, **options: Any) -> dict[str, Any]:
    from faceid_core import pipeline

    with progress_bar("steps") as progress:
        report = pipeline.project(library, **options, progress=progress)
    say(f"Mapped {report.faces} faces ({report.seconds:.1f} s).")
    return report.as_dict()


@main.command()
@JSON
@click.pass_context
def people(ctx: click.Context, as_json: bool) -> None:
    """List the people that have a name."""
    from dataclasses import asdict

    with _library(ctx) as library:
        named = library.people.all()
    if as_json:
        print_json([asdict(person) for person in named])
    elif named:
        print_table(("Name", "Faces", "Photos"), [(p.name, p.faces, p.photos) for p in named])
    else:
        say("Nobody has a name yet; run `faceid serve` and name the groups in the browser.")


@main.command()
@click.option("--epochs", type=click.IntRange(1, 200), help="Passes over the faces.")
@JSON
@click.pass_context
def train(ctx: click.Context, epochs: int | None, as_json: bool) -> None:
    """Train a recogniser from the names given so far."""
    from faceid_core import pipeline
    from faceid_core.training import TrainOptions

    options = TrainOptions() if epochs is None else TrainOptions(epochs=epochs)
    with _library(ctx) as library, progress_bar("batches") as progress:
        model = pipeline.train(library, options=options, progress=progress)
    say(
        f"Model {model.id} knows {len(model.classes)} people; "
        f"{model.metrics['accuracy']:.1%} of the held-out faces got the right name."
    )
    if as_json:
        print_json({"model": model.id, "classes": model.classes, "threshold": model.threshold, **model.metrics})


@main.command()
@PATHS
@JSON
@click.pass_context
def recognise(ctx: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Say who is in photos, with the newest recogniser. Nothing is stored."""
    from faceid_core import images, pipeline
    from faceid_core.errors import UnreadableImage

    results: dict[str, list[Recognised]] = {}
    unreadable = 0
    with _library(ctx) as library:
        recogniser = pipeline.recogniser(library)
        for path in images.walk(paths):
            try:
                photo = images.read(path, max_megapixels=library.settings.max_megapixels)
                results[str(path)] = recogniser.recognise(photo.pixels)
            except UnreadableImage as error:
                say(f"Skipped {path}: {error}.")
                unreadable += 1
    _print_recognised(results, as_json)
    if unreadable and not results:
        raise Refused("None of these files is a photo that can be read; give JPEG, PNG, HEIC or similar files.")


def _print_recognised(results: dict[str, list[Recognised]], as_json: bool) -> None:
    from faceid_core.recognition import as_dict

    if as_json:
        print_json([{"photo": path, "faces": [as_dict(face) for face in faces]} for path, faces in results.items()])
        return
    for path, faces in results.items():
        known = ", ".join(f"{face.name or 'unknown'} ({face.probability:.0%})" for face in faces)
        click.echo(f"{path}: {known or 'no face'}")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def export(ctx: click.Context, file: Path) -> None:
    """Write one row per face to FILE.csv or FILE.json."""
    from faceid_core.exporting import export as write

    with _library(ctx) as library:
        faces = write(library, file)
    say(f"Wrote {faces} faces to {file}.")


@main.command()
@click.option("--host", help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=int, help="Port to listen on [default: 8501].")
@click.pass_context
def serve(ctx: click.Context, host: str | None, port: int | None) -> None:
    """Open the web app."""
    with _library(ctx, host=host, port=port) as library:
        settings = library.settings
    _serve(settings)


def _serve(settings: Settings) -> None:
    from importlib import import_module

    # By name: faceid_core must not depend on the web app that stands on it.
    serve_app = import_module("webapp.server").serve
    serve_app(settings, announce=lambda url: say(f"faceid is at {url} - press Ctrl+C to stop."))


@main.command(hidden=True)
@click.pass_context
def work(ctx: click.Context) -> None:
    """Run queued jobs until stopped; the web app starts this by itself."""
    from faceid_core.jobs import Worker

    with _library(ctx) as library:
        worker = Worker(library)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop.set())
        worker.run()


@main.command()
@JSON
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check versions, the engine, the database and free disk; say what is missing and how to get it."""
    from dataclasses import asdict

    from faceid_core.doctor import examine

    checks = examine(_settings(ctx))
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(("", "What", "Found", "Advice"), [(c.mark, c.name, c.found, c.advice) for c in checks])
    if not all(check.ok for check in checks):
        raise Refused("Something needs attention; the table says what and how.")


@main.group()
def db() -> None:
    """Look after the database."""


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the database to this version of the program."""
    from faceid_core.database import upgrade as to_head

    to_head(_settings(ctx))
    say("The database is up to date.")


if __name__ == "__main__":
    sys.exit(main())
