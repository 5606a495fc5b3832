"""The command line. Each command opens the library, calls one step and prints its outcome.

Results go to standard output, everything else to standard error. Exit codes: 0 success, 2 an expected error that
one printed sentence explains, 130 stopped by Ctrl+C, 1 a bug. Heavy imports stay inside the commands, so that
`faceid --help` answers at once.
"""

from __future__ import annotations

import logging
import signal
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from faceid_core import __version__
from faceid_core.cli import (
    access,
    export,
    faces,
    listing,
    models,
    names,
    privacy,
    recognise,
    recognisers,
    share,
    upkeep,
)
from faceid_core.cli.console import (
    GIVE_PHOTOS,
    JSON,
    Interrupted,
    MaybeNumber,
    PlainLines,
    Sections,
    import_summary,
    library_of,
    new_library_of,
    print_json,
    progress_bar,
    say,
    settings_of,
)
from faceid_core.cli.parameters import PATH, Real
from faceid_core.errors import NoFaces, UnknownChoice, UnreadableImage
from faceid_core.wording import count

if TYPE_CHECKING:
    from faceid_core.importing.finding import Found
    from faceid_core.importing.report import ImportReport
    from faceid_core.library import Library
    from faceid_core.settings import Settings

PATHS = click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH...")
PORT = click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: any free port [default: 8501]."
)
VIDEO = click.option(
    "--video", "video_seconds", type=Real(0), metavar="[SECONDS]",
    help="Include videos, with one frame every SECONDS [without a number: 1; default: skip videos].",
)  # fmt: skip
EXCLUDE = click.option(
    "--exclude", multiple=True, metavar="PATTERN",
    help="Files or folders to leave out, as in a .gitignore; repeatable.",
)  # fmt: skip
SMALLEST_FACE = click.option(
    "--smallest-face", type=click.Choice(["fast", "normal", "every"]),
    help="Smallest faces to look for: people in front, also groups and crowds, or all [default: normal].",
)  # fmt: skip
HOST = click.option("--host", help="Address to listen on [default: 127.0.0.1].")
INSECURE = click.option(
    "--insecure",
    is_flag=True,
    default=None,
    help="Allow a --host that others can reach although nobody has to sign in.",
)  # fmt: skip


@click.group("faceid", cls=Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--library",
    metavar="FOLDER",
    help="The library's folder; give it before the command [default: FACEID_LIBRARY or data].",
)
@click.option("-v", "--verbose", is_flag=True, help="Log details.")
@click.version_option(__version__, prog_name="faceid")
@click.pass_context
def main(ctx: click.Context, library: str | None, verbose: bool) -> None:
    """Find, group and name the faces in your photos, then train a recogniser on those names."""
    if not verbose:
        warnings.simplefilter("ignore")  # that libraries give about each other
    handler = logging.StreamHandler()
    handler.setFormatter(PlainLines("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    ctx.obj = library


@click.command()
@click.argument("folders", nargs=-1, type=PATH, metavar="[FOLDER]...")
@click.option("--people", default=8, show_default=True, type=click.IntRange(2, 200), help="People in the album.")
@click.option("--photos", default=60, show_default=True, type=click.IntRange(2, 5000), help="Photos in the album.")
@click.option("--seed", default=1, show_default=True, help="A different seed draws different people.")
@click.option("--serve/--no-serve", default=True, help="Start the web app afterwards.")
@HOST
@PORT
@INSECURE
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
    insecure: bool | None,
) -> None:
    """Try faceid with a sample album or your own photos.

    Draws the album, or takes the photos in FOLDER; imports, groups and maps them, then starts the web app.
    """
    from faceid_core.importing.searching import begun

    found = _find(folders) if folders else None
    web = {"host": host, "port": port, "insecure": insecure}
    if serve:
        _refuse_open_door(ctx, web)
    number = len(found.files) if found else photos
    with begun(settings_of(ctx), number) as executor, new_library_of(ctx, **web) as library:
        if serve:
            library.refuse_open_door()
        report = _import(library, found or [_album(library, people, photos, seed)], executor=executor)
        _check_not_in_vain(library, report)
        _group(library)
        _draw_map(library)
        settings = library.settings
    if serve:
        _serve(settings)


def _album(library: Library, people: int, photos: int, seed: int) -> Path:
    from faceid_core.sample import draw_album

    with progress_bar("photos") as progress:
        album = draw_album(
            library.settings.album_folder, people=people, photos=photos, seed=seed, progress=progress
        )
    say(f"The sample album has {len(album.photos)} photos of {len(album.people)} people; nobody in it is real.")
    return album.folder


@click.command("import", cls=MaybeNumber)
@PATHS
@click.option("--again", is_flag=True, help="Also search known photos again; names stay with their faces.")
@VIDEO
@SMALLEST_FACE
@EXCLUDE
@JSON
@click.pass_context
def import_(
    ctx: click.Context,
    paths: tuple[Path, ...],
    again: bool,
    video_seconds: float | None,
    smallest_face: str | None,
    exclude: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find the faces in photos and folders of photos.

    Running it again processes only new or changed files.
    """
    from faceid_core.importing.searching import begun

    given = {"video_seconds": video_seconds, "smallest_face": smallest_face}
    settings = settings_of(ctx, **given)
    if smallest_face and settings.detector != "centerface":
        say("--smallest-face has no effect: only the default detector, centerface, supports it.")
    found = _find(paths, videos=settings.video_seconds > 0, exclude=exclude)
    with begun(settings, len(found.files), again) as executor, new_library_of(ctx, **given) as library:
        before = library.gallery.newest_face()
        report = _import(library, found, again=again, executor=executor)
        more = recognisers.suggested_since(library, before) if report.faces else {}
        if as_json:
            print_json(report.as_dict() | more)
        _check_not_in_vain(library, report)


@click.command(cls=MaybeNumber)
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="FOLDER...")
@VIDEO
@EXCLUDE
@click.option("--poll", is_flag=True, help="For network drives, which report no changes.")
@click.pass_context
def watch(
    ctx: click.Context, folders: tuple[Path, ...], video_seconds: float | None, exclude: tuple[str, ...], poll: bool
) -> None:
    """Import folders and watch them for changes, until stopped."""
    from faceid_core.importing.report import ImportReport
    from faceid_core.steps.jobs import run_pending
    from faceid_core.steps.watch import watch_folders, watchable

    watchable(folders)  # a wrong path is refused before a new library is made
    with new_library_of(ctx) as library:
        for _ in watch_folders(library, folders, video_seconds=video_seconds, exclude=exclude, poll=poll or None):
            for job in run_pending(library):  # the worker of a server may be faster
                if job.kind == "import":
                    say(job.error or import_summary(ImportReport(**job.result)))


def _find(paths: tuple[Path, ...], *, videos: bool = False, exclude: tuple[str, ...] = ()) -> Found:
    """The photos under the paths. Called before a new library is created. Raises PathNotFound, NothingToImport."""
    from faceid_core.importing.finding import photos_under

    return photos_under(paths, videos=videos, exclude=exclude)


def _import(library: Library, paths: Found | list[Path], **options: Any) -> ImportReport:
    from faceid_core.importing.run import import_photos

    try:
        with progress_bar("photos") as progress:
            report = import_photos(library, paths, **options, progress=progress)
    except KeyboardInterrupt as stop:
        raise Interrupted(
            "Stopped. Photos imported so far are kept; run the same command again to resume."
        ) from stop
    for failure in report.failures:
        say(f"Skipped {failure.path}: {failure.reason}.")
    for left in report.left_out:
        say(f"Left out: {left}.")
    say(import_summary(report))
    return report


def _check_not_in_vain(library: Library, report: ImportReport) -> None:
    """Raises UnreadableImage or NoFaces if the import left nothing to work with."""
    if report.failed == report.photos:
        raise UnreadableImage(f"None of these files could be imported, for the reasons above; {GIVE_PHOTOS}")
    if not library.counts().faces:
        raise NoFaces("No face was found in these photos; import photos that show people.")


@click.command()
@click.option("--algorithm", help="How to group [default: FACEID_CLUSTERER].")
@click.option("--threshold", type=Real(0, min_open=True), help="Largest distance within a group.")
@click.option(
    "--strictness", type=Real(-2, 2), default=0, show_default=True,
    help="From -2 (fewer groups) to 2 (fewer mixed groups); replaces --threshold.",
)  # fmt: skip
@click.option("--new", "new_only", is_flag=True, help="Only add new faces to the groups; no other face moves.")
@click.option("--preview", is_flag=True, help="Only report what would change.")
@JSON
@click.pass_context
def cluster(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """Group the faces again. Names stay as they are."""
    with library_of(ctx) as library:
        report = _group(library, **options)
    if as_json:
        print_json(report)


def _group(library: Library, **options: Any) -> dict[str, Any]:
    from faceid_core.steps.cluster import cluster_faces

    with progress_bar() as progress:
        report = cluster_faces(library, **options, progress=progress)
    say(
        f"{count(report.faces, 'face')}: {report.grouped:,} in {count(report.clusters, 'group')}, "
        f"{report.single:,} single ({report.seconds:.1f} s)."
    )
    if changes := report.changes():
        say(f"Compared with the previous groups: {changes}.")
    if report.measured:
        say(f"{report.measured.in_words()}.")
    return report.as_dict()


@click.command("map")
@click.option("--projector", help="How to arrange the faces [default: FACEID_PROJECTOR].")
@JSON
@click.pass_context
def map_(ctx: click.Context, projector: str | None, as_json: bool) -> None:
    """Redraw the map of all faces."""
    with library_of(ctx) as library:
        report = _draw_map(library, projector=projector)
    if as_json:
        print_json(report)


def _draw_map(library: Library, **options: Any) -> dict[str, Any]:
    from faceid_core.steps.map_faces import map_faces

    with progress_bar() as progress:
        report = map_faces(library, **options, progress=progress)
    say(f"Mapped {count(report.faces, 'face')} ({report.seconds:.1f} s).")
    return report.as_dict()


@click.command()
@HOST
@PORT
@INSECURE
@click.pass_context
def serve(ctx: click.Context, host: str | None, port: int | None, insecure: bool | None) -> None:
    """Start the web app."""
    web = {"host": host, "port": port, "insecure": insecure}
    _refuse_open_door(ctx, web)
    with new_library_of(ctx, **web) as library:
        library.refuse_open_door()
        settings = library.settings
    _serve(settings)


def _refuse_open_door(ctx: click.Context, web: dict[str, Any]) -> None:
    """Raises BadInput before a new library is made, in which there is no user yet."""
    from faceid_core.library import refuse_open_door
    from faceid_core.library.store import database

    settings = settings_of(ctx, **web)
    if not database.exists(settings):
        refuse_open_door(settings)


def _serve(settings: Settings) -> None:
    from importlib import import_module

    # By name: faceid_core must not depend on the web app, which is built on it.
    serve_app = import_module("webapp.server").serve
    serve_app(settings, announce=lambda url: say(f"faceid is at {url} - press Ctrl+C to stop."))


@click.command()
@click.option(
    "--only", "kinds", multiple=True, metavar="KIND",
    help="Run only this kind of job, such as import; repeatable [default: all].",
)  # fmt: skip
@click.option("--with-parent", is_flag=True, hidden=True, help="The web app's own worker, which ends with it.")
@click.pass_context
def work(ctx: click.Context, kinds: tuple[str, ...], with_parent: bool) -> None:
    """Run the web app's background jobs, until stopped.

    With PostgreSQL, several machines can do this.
    """
    from faceid_core.steps.jobs import KINDS
    from faceid_core.steps.work import Worker

    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise UnknownChoice(f"There is no kind of job {unknown[0]}; choose among {', '.join(sorted(KINDS))}.")
    with new_library_of(ctx) as library:
        worker = Worker(library, kinds=kinds or None, is_only_helping=not with_parent)
        if not with_parent:
            worker.parent = None
            say(f"Waiting for jobs ({', '.join(kinds) or 'all kinds'}) - press Ctrl+C to stop.")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop.set())
        worker.run()


main.add_section("Photos", demo, import_, watch, listing.photos, faces.faces)
main.add_section(
    "Groups and names",
    cluster, map_, listing.evaluate, listing.people, listing.history, upkeep.undo, upkeep.redo,
)  # fmt: skip
main.add_section("Recognisers", recognisers.train, recognise.recognise, recognisers.recognisers, models.models)
main.add_section("Other programs and people", export.export, names.names, upkeep.decisions, share.share)
main.add_section("The web app and its users", serve, work, access.user, access.token)
main.add_section(
    "Keeping, consent and erasing",
    upkeep.doctor, upkeep.back_up, upkeep.restore, upkeep.db, privacy.consent, privacy.retention, privacy.audit,
    upkeep.erase,
)  # fmt: skip
