"""The whole import on real hard files, and on a machine that fails it."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from faceid_core.errors import LibraryBusy, LibraryError
from faceid_core.exchange import face_regions
from faceid_core.executors.process_pool import ProcessPool
from faceid_core.importing.finding import photos_under
from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.values import Box
from faceid_core.vision.detection import make_detector

BAD = re.compile(r"broken|truncated|bomb")
"""Names of the shared files that no reader should accept."""


@pytest.mark.slow
def test_every_hard_file_is_imported_or_has_one_plain_reason(empty: Library, shared_data: Path) -> None:
    folders = [shared_data / "formats", shared_data / "clips"]
    report = import_photos(empty, folders, executor=ProcessPool(2, limit_s=10))
    assert report.photos == len(photos_under(folders).files) > 50
    assert report.imported + report.duplicates + report.unchanged + report.failed == report.photos
    assert all(re.fullmatch(r"[a-z][^\n]{5,150}", failure.reason) for failure in report.failures)
    assert not any("seconds" in failure.reason or "crashed" in failure.reason for failure in report.failures)
    surprising = [failure for failure in report.failures if not BAD.search(failure.path)]
    assert not surprising
    assert not any("bomb" in photo.path for photo in empty.photos.page(limit=1000) if not photo.error)


@pytest.mark.parametrize("where", ["embedded", "sidecar", "embedded_sidecar"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_boxes_agree_with_the_regions_that_the_file_or_the_one_beside_it_names(
    orientation: int, where: str, shared_data: Path, engine_settings: Settings
) -> None:
    path = shared_data / "formats" / "orientation_faces" / "images" / f"photo.{orientation}.{where}.jpg"
    photo = images.read(path)
    shares = [named.box for named in face_regions.of_photo(path)]
    width, height = photo.width, photo.height
    truth = [Box(b.left * width, b.top * height, b.right * width, b.bottom * height) for b in shares]
    found = [face.box for face in make_detector(engine_settings).detect(photo.pixels)]
    assert len(truth) == len(found) == 2
    for region in truth:
        assert max(region.iou(box) for box in found) > 0.4


@pytest.mark.slow
def test_a_locked_database_is_one_sentence_and_the_import_goes_on_later(empty: Library, album: Album) -> None:
    photo = album.folder / next(iter(album.photos))
    with sqlite3.connect(empty.settings.library / "faceid.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        for pooled in _connections(empty):
            pooled.execute("PRAGMA busy_timeout=50")
        with pytest.raises(LibraryBusy, match="Another program is writing"):
            import_photos(empty, [photo])
        other.execute("ROLLBACK")
    assert empty.counts().photos == 0
    assert import_photos(empty, [photo]).imported == 1


def _connections(library: Library) -> list[sqlite3.Connection]:
    """The driver's connections that the pool lends."""
    with library._database.engine.connect() as connection:
        return [connection.connection.driver_connection]  # type: ignore[list-item]


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_nothing_is_half_written(empty: Library, album: Album) -> None:
    """SQLite says "disk is full" likewise where the file may not grow beyond max_page_count."""
    photo = album.folder / max(album.photos, key=lambda name: len(album.photos[name]))
    for connection in _connections(empty):
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(LibraryError, match="disk is full"):
        import_photos(empty, [photo])
    assert (empty.counts().photos, empty.counts().faces) == (0, 0)
    for connection in _connections(empty):
        connection.execute("PRAGMA max_page_count=1000000")
    report = import_photos(empty, [photo])
    assert (report.imported, report.faces) == (1, len(album.photos[photo.name]))


def test_a_photo_that_goes_away_during_the_import_is_a_reason(empty: Library, album: Album, tmp_path: Path) -> None:
    names = list(album.photos)[:2]
    for name in names:
        shutil.copy(album.folder / name, tmp_path / name)

    def take_away(done: int, total: int, message: str = "") -> None:
        (tmp_path / names[1]).unlink(missing_ok=True)

    report = import_photos(empty, [tmp_path], progress=take_away)
    assert (report.imported, report.failed) == (1, 1)
    assert report.failures[0].reason == "the file is no longer there"
