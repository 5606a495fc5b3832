"""What is installed, what works and what is missing: the examination behind `faceid doctor`."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from faceid_core import __version__
from faceid_core.errors import FaceIdError
from faceid_core.settings import Settings

PACKAGES = (
    "onnxruntime", "dlib-bin", "scikit-learn", "umap-learn", "fastai", "torch", "streamlit", "gradio", "plotly",
    "sqlmodel", "pillow", "pillow-heif",
)  # fmt: skip

FREE_BYTES = 2 * 1024**3
"""Less free disk than this is worth a warning: 10,000 photos make about 200 MB of crops and vectors."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ok False means that something does not work; advice says what to do."""

    name: str
    found: str
    ok: bool = True
    advice: str = ""

    @property
    def mark(self) -> str:
        return "ok" if self.ok else "!!"


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order in which they are worth reading. Never raises for what it finds."""
    return [
        Check("faceid", __version__),
        Check("Python", platform.python_version()),
        *_packages(),
        _engine(settings),
        _database(settings),
        _disk(settings),
        _reference(),
    ]


def _packages() -> Iterator[Check]:
    for package in PACKAGES:
        try:
            yield Check(package, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Check(package, "missing", ok=False, advice=f"Install it: pip install {package}")


def _engine(settings: Settings) -> Check:
    """Run both networks once on a blank photo: the only proof that they load."""
    import numpy as np

    try:
        from faceid_core.detection import make_detector
        from faceid_core.embedding import make_embedder

        make_detector(settings).detect(np.full((160, 160, 3), 127, np.uint8))
        embedder = make_embedder(settings)
        embedder.embed(np.full((1, 150, 150, 3), 127, np.uint8))
    except (FaceIdError, ImportError) as error:
        return Check("Engine", "does not run", ok=False, advice=str(error))
    return Check("Engine", f"{settings.detector}, {embedder.name} on {', '.join(settings.providers)}")


def _database(settings: Settings) -> Check:
    from faceid_core.library import Library

    if not settings.database_url and not (settings.library / "faceid.db").exists():
        return Check("Database", "none yet", advice="It is made by the first import.")
    try:
        with Library.open(settings) as library:
            counts = library.counts()
    except FaceIdError as error:
        return Check("Database", "can't be used", ok=False, advice=str(error))
    return Check("Database", f"{counts.photos} photos, {counts.faces} faces, {counts.people} people")


def _disk(settings: Settings) -> Check:
    folder = settings.library.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    enough = free > FREE_BYTES
    advice = "" if enough else f"Free some space on the disk of {Path(folder)}."
    return Check("Free disk", f"{free / 1024**3:.1f} GB", ok=enough, advice=advice)


def _reference() -> Check:
    if util.find_spec("face_recognition"):
        return Check("Reference engine", "installed")
    return Check(
        "Reference engine", "not installed", advice="Only parity tests need it: pip install faceid[reference]"
    )
