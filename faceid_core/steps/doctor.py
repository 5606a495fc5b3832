"""What is installed, what works and what is missing: the examination behind `faceid doctor`."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from faceid_core import __version__
from faceid_core.engine import face_recognition_process, sessions
from faceid_core.errors import ExifToolMissing, FaceIdError
from faceid_core.exchange import exiftool
from faceid_core.extras import install
from faceid_core.library.store import database
from faceid_core.settings import Settings
from faceid_core.steps import file_rights
from faceid_core.unknown_settings import unknown_settings

PACKAGES = (
    "onnxruntime", "dlib-bin", "scikit-learn", "umap-learn", "fastai", "torch", "streamlit", "gradio", "plotly",
    "sqlmodel", "pillow", "pillow-heif", "av", "faiss-cpu",
)  # fmt: skip
"""Packages whose version a bug report should name; any other is shown only where something is wrong with it."""

ONLY_TO_TRAIN = ("fastai", "torch")
"""Packages that a slim installation lacks."""

FREE_BYTES = 2 * 1024**3
"""Less free disk than this is worth a warning: 10,000 photos make about 200 MB of crops and vectors."""

WINDOWS = "Keep the library in your own user folder, which other users can't open."


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ok False means that something does not work; advice says what to do."""

    name: str
    found: str
    ok: bool = True
    advice: str = ""

    @property
    def mark(self) -> str:
        """ok or !!, for a table."""
        return "ok" if self.ok else "!!"


def examine(settings: Settings, *, deep: bool = False) -> list[Check]:
    """All checks, in the order in which they are worth reading. Raises nothing. Changes nothing but the rights of
    files that others can read.

    deep: read the whole database, too, and compare all names with the journal.
    """
    rights = _rights(settings)  # first, as opening the library closes some of it
    return [
        Check("faceid", __version__),
        Check("Python", platform.python_version()),
        *_packages(),
        check_engine(settings),
        _library(settings),
        *rights,
        *(_contents(settings) if deep else ()),
        _disk(settings),
        *_unknown_settings(),
        _exiftool(),
        _reference(),
    ]


def _packages() -> Iterator[Check]:
    wanted = _requirements()
    for package in (*PACKAGES, *sorted(wanted.keys() - set(PACKAGES))):
        check = _package(package, wanted.get(package))
        if package in PACKAGES or not check.ok:
            yield check


def _requirements() -> dict[str, Requirement]:
    """What faceid needs to run, by name; nothing where it runs from a folder without being installed."""
    try:
        lines = metadata.requires("faceid") or []
        parsed = [Requirement(line) for line in lines]
    except (metadata.PackageNotFoundError, InvalidRequirement):
        return {}
    return {each.name: each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})}


def _package(package: str, wanted: Requirement | None) -> Check:
    need = f"{package}{wanted.specifier if wanted else ''}"
    advice = f"Install it: uv pip install '{need}'"
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        if package in ONLY_TO_TRAIN:
            only = "Only training the recipes best and head needs it"
            return Check(package, "not installed", advice=f"{only}: {install('train')}")
        return Check(package, "missing", ok=False, advice=advice)
    if wanted and not wanted.specifier.contains(version, prereleases=True):
        return Check(package, version, ok=False, advice=advice)
    return Check(package, version)


def check_engine(settings: Settings) -> Check:
    """Run both networks once on a blank photo: the only proof that they load."""
    with tempfile.TemporaryDirectory(prefix="faceid-doctor-") as scratch:
        # Where there is no library yet, an examination does not begin one with the cache of its networks.
        there = settings if settings.library.is_dir() else settings.model_copy(update={"library": Path(scratch)})
        try:
            found, active = _run_engine(there)
        except Exception as error:  # whatever a damaged installation raises is a finding
            advice = str(error) if isinstance(error, FaceIdError) else f"Set faceid up again ({error})."
            return Check("Engine", "does not run", ok=False, advice=advice)
    idle = [name for name in settings.providers if name not in active]
    if idle:
        advice = f"{', '.join(idle)} did not start; install its drivers, or leave it out of FACEID_PROVIDERS."
        return Check("Engine", found, ok=False, advice=advice)
    return Check("Engine", found)


def _run_engine(settings: Settings) -> tuple[str, list[str]]:
    """What ran, in words, and the providers that ran it."""
    import numpy as np

    from faceid_core.vision.detection import make_detector
    from faceid_core.vision.embedding import make_embedder

    make_detector(settings).detect(np.full((160, 160, 3), 127, np.uint8))
    embedder = make_embedder(settings)
    embedder.embed(np.full((1, embedder.size_px, embedder.size_px, 3), 127, np.uint8))
    active = sessions.active(settings)
    found = f"{settings.detector} and {embedder.name} on {', '.join(active)}, vectors {embedder.computes}"
    return found, active


def _library(settings: Settings) -> Check:
    from faceid_core.library import Library

    where = settings.library.absolute()
    if not settings.library.is_file() and not database.exists(settings):
        return Check("Library", f"none in {where}", advice="The first import creates it.")
    try:
        with Library.open(settings) as library:
            counts, read_only = library.counts(), library.read_only
    except FaceIdError as error:
        return Check("Library", f"{where} can't be used", ok=False, advice=str(error))
    found = f"{where}: {counts.photos} photos, {counts.faces} faces, {counts.people} people"
    return Check("Library", found, ok=read_only is None, advice=read_only or "")


def _rights(settings: Settings) -> list[Check]:
    """Who else can read the library; what is open is closed."""
    if not settings.library.is_dir():
        return []
    if platform.system() == "Windows":
        return [Check("File rights", "those of the folder above", advice=WINDOWS)]
    found = file_rights.open_files(settings)
    if remaining := file_rights.close(found):
        names = file_rights.in_words(remaining, settings.library)
        advice = "Ask the owner of these files to run: chmod -R go= on the library's folder."
        return [Check("File rights", f"others on this machine have rights to {names}", ok=False, advice=advice)]
    if found:
        names = file_rights.in_words(found, settings.library)
        advice = "Closed now; nothing is left to do."
        return [Check("File rights", f"others on this machine had rights to {names}", advice=advice)]
    return [Check("File rights", "only the user who runs faceid has any")]


def _contents(settings: Settings) -> Iterator[Check]:
    from faceid_core.library import Library

    if not database.exists(settings):
        return
    try:
        with Library.open(settings) as library:
            problems = library.problems()
    except FaceIdError as error:
        problems = [str(error)]
    for problem in problems:
        yield Check("Contents", "damaged", ok=False, advice=problem)
    if not problems:
        yield Check("Contents", "complete; all names agree with the history")


def _disk(settings: Settings) -> Check:
    folder = settings.library.absolute()
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    enough = free > FREE_BYTES
    advice = "" if enough else f"Free some space on the disk of {folder}."
    return Check("Free disk", f"{free / 1024**3:.1f} GB", ok=enough, advice=advice)


def _unknown_settings() -> Iterator[Check]:
    """A misspelt variable changes nothing; what it should have set keeps its default."""
    for unknown in unknown_settings():
        yield Check(unknown.name, "is not a setting", ok=False, advice=f"Rename it: {unknown.advice}"
                    if unknown.nearest else "Correct or unset it.")  # fmt: skip


def _exiftool() -> Check:
    try:
        return Check("ExifTool", exiftool.version())
    except ExifToolMissing as error:
        return Check("ExifTool", "not installed", advice=f"Only `faceid names write --embed` needs it. {error}")


def _reference() -> Check:
    try:
        face_recognition_process.require()
    except FaceIdError as error:
        return Check("Reference engine", "not installed", advice=f"Only parity tests need it. {error}")
    return Check("Reference engine", "installed")
