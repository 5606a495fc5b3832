"""An empty library in a temporary folder, and makers of synthetic photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import Box, DetectedFace, NewFace, NewPhoto, Quality
from tests import sharing

EMBEDDER = "test"


@pytest.fixture(autouse=True)
def on_both_databases(database_url: str | None) -> None:
    """Every test of the library runs on SQLite and on PostgreSQL."""


def _empty(folder: Path) -> Settings:
    """Settings of an empty library: of the PostgreSQL database where the test has one, else in a file."""
    settings = Settings(library=folder)
    return sharing.new_library(folder) if settings.database_url is None else settings


def open_empty(folder: Path) -> Library:
    """An empty library, as often as a test likes: on PostgreSQL, whatever the folder, there is only one."""
    library = Library.open(_empty(folder))
    if library._database.engine.dialect.name == "postgresql":
        tables = ", ".join(SQLModel.metadata.tables)
        with library._database.write() as session:
            session.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(_empty(tmp_path / "library")) as opened:
        yield opened


@pytest.fixture
def faces(library: Library) -> list[int]:
    """The ids of 8 faces on 4 photos."""
    library.photos.add_many([new_photo(f"/photos/{n}.jpg", faces=2, quality=0.1 + 0.2 * n) for n in range(4)])
    return [int(face) for face in library.faces.vectors(EMBEDDER).ids]


def new_face(quality: float = 0.5, vector: float = 1.0) -> NewFace:
    return NewFace(
        face=DetectedFace(Box(10, 20, 50, 70), 0.9, np.arange(10, dtype=np.float32).reshape(5, 2)),
        quality=Quality(size=0.1, sharpness=0.2, pose=0.3, exposure=0.4, score=quality),
        crop=b"a JPEG",
        vector=np.full(4, vector, np.float32),
    )


def new_photo(
    path: str, content: str | None = None, *, faces: int = 1, error: str | None = None, quality: float = 0.5
) -> NewPhoto:
    """A photo whose sha256 is `content`, by default its path."""
    return NewPhoto(
        path=path, sha256=path if content is None else content, width=640, height=480,
        taken_at=None, error=error, size_bytes=100, modified_ns=200, detector="mmod", embedder=EMBEDDER,
        faces=() if error else tuple(new_face(quality + 0.01 * n, float(n)) for n in range(faces)),
    )  # fmt: skip
