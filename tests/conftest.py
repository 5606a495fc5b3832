"""A sample album, drawn and imported once per run; each test that changes a library gets its own copy."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.sample.album import read_groundtruth
from faceid_core.settings import Settings
from faceid_core.steps.cluster import cluster_faces
from tests import postgres, sharing
from tests.faces import Faces, draw_faces, read_faces

ABOVE = [folder / "shared" / "data" for folder in Path(__file__).resolve().parents]
SHARED = next((folder for folder in ABOVE if folder.is_dir()), ABOVE[-1])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photos; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder with real photos (shared/data above the project) is not here")
    return SHARED


@pytest.fixture(scope="session")
def engine_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a scratch library whose engine folder is shared by all tests."""
    library = sharing.once(tmp_path_factory, "engine-library", lambda folder: (folder / "engine").mkdir())
    return Settings(library=library)


@pytest.fixture(scope="session", autouse=True)
def engine_cache(engine_settings: Settings) -> Iterator[None]:
    """Libraries without an engine folder, also those of other processes, share that one, too: no test writes into
    the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEID_ENGINE_CACHE", str(engine_settings.engine_folder))
        yield


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    """Four people on twelve photos."""

    def draw(folder: Path) -> None:
        sharing.drawn_album(folder / "album", people=4, photos=12, seed=3)

    return read_groundtruth(sharing.once(tmp_path_factory, "album", draw) / "album")


@pytest.fixture(scope="session")
def drawn_faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    """The crops of four people on twenty photos."""
    return read_faces(sharing.once(tmp_path_factory, "drawn-faces", draw_faces))


@pytest.fixture(scope="session")
def imported_folder(album: Album, engine_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library folder with the album imported and grouped. Copy it by copy_library."""

    def fill(folder: Path) -> None:
        sharing.link_engine(folder / "library", engine_settings.engine_folder)
        with Library.open(Settings(library=folder / "library", database_url=None)) as library:
            import_photos(library, [album.folder])
            cluster_faces(library)

    return sharing.once(tmp_path_factory, "imported", fill) / "library"


@pytest.fixture
def filled(imported_folder: Path, tmp_path: Path) -> Iterator[Library]:
    """A library of one's own with the album imported and grouped."""
    with Library.open(Settings(library=sharing.copy_library(imported_folder, tmp_path / "library"))) as library:
        yield library


@pytest.fixture
def empty(engine_settings: Settings, tmp_path: Path) -> Iterator[Library]:
    """An empty library of one's own, with the engine folder that all share."""
    sharing.link_engine(tmp_path / "library", engine_settings.engine_folder)
    with Library.open(sharing.new_library(tmp_path / "library")) as library:
        yield library


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server; tests that need it are skipped where none can be started, but not in CI."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(postgres.running())
        except postgres.NoServer as reason:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no PostgreSQL: {reason}")
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a server for S3, see tests.s3."""
    from tests import s3 as server

    with server.running() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str | None]:
    """The test runs twice: its libraries are in SQLite (None), then in an empty PostgreSQL database."""
    if request.param == "sqlite":
        yield None
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    with server.fresh() as url:
        monkeypatch.setenv("FACEID_DATABASE_URL", url)
        yield url
