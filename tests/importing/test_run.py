"""The import: complete, idempotent, resumable, and patient with bad files."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from faceid_core.errors import JobCancelled, NothingToImport, PathNotFound
from faceid_core.executors.process_pool import ProcessPool
from faceid_core.geometry import carried
from faceid_core.importing import photo as worker_photo
from faceid_core.importing import run, searching, storing, work
from faceid_core.importing.run import import_photos
from faceid_core.library import Library, PhotoQuery
from faceid_core.media import images
from faceid_core.media.source import Photograph
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.values import NewPhoto, PhotoStatus


def single(album: Album) -> Path:
    return album.folder / next(name for name, faces in album.photos.items() if len(faces) == 1)


def test_the_album_is_imported_with_its_faces(filled: Library, album: Album) -> None:
    counts = filled.counts()
    drawn = sum(len(faces) for faces in album.photos.values())
    assert counts.photos == len(album.photos)
    assert counts.failed == 0
    assert drawn * 0.98 <= counts.faces <= drawn + 1


def test_boxes_are_stored_in_upright_pixels(filled: Library, album: Album) -> None:
    """Some photos are stored turned: their boxes must fit the picture as one looks at it."""
    for photo in filled.photos.page():
        truth = album.photos[Path(photo.path).name]
        for face in filled.faces.of_photo(photo.id):
            assert max(face.box.iou(true.box) for true in truth) > 0.4
        assert photo.taken_at is not None


def test_again_means_nothing_new(filled: Library, album: Album) -> None:
    before = filled.counts()
    report = import_photos(filled, [album.folder])
    assert (report.unchanged, report.imported) == (len(album.photos), 0)
    assert filled.counts() == before


def test_the_same_bytes_elsewhere_are_one_photo(filled: Library, album: Album, tmp_path: Path) -> None:
    before = filled.counts().photos
    shutil.copy(single(album), tmp_path / "copy.jpg")
    report = import_photos(filled, [tmp_path / "copy.jpg"])
    assert (report.duplicates, report.imported) == (1, 0)
    assert filled.counts().photos == before


def test_the_same_bytes_twice_in_one_import_are_one_photo(empty: Library, album: Album, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(single(album), tmp_path / name)
    report = import_photos(empty, [tmp_path / "a.jpg", tmp_path / "b.jpg"])
    assert (report.imported, report.duplicates, report.faces) == (1, 1, 1)


def named_single(library: Library, album: Album, folder: Path) -> Path:
    """A photo of its own with one face, imported and named."""
    path = Path(shutil.copy(single(album), folder / "mine.jpg"))
    import_photos(library, [path])
    library.people.name_faces([1], "Ada")
    return path


def names(library: Library) -> list[tuple[int, str | None, str | None]]:
    return [
        (face.id, face.person, face.source)
        for photo in library.photos.page()
        for face in library.faces.of_photo(photo.id)
    ]


@pytest.mark.slow
def test_a_file_that_is_turned_and_saved_again_keeps_its_name(empty: Library, album: Album, tmp_path: Path) -> None:
    path = named_single(empty, album, tmp_path)
    before = empty.faces.get(1).box
    picture = ImageOps.exif_transpose(Image.open(path))
    picture.transpose(Image.Transpose.ROTATE_270).save(path, quality=80)
    report = import_photos(empty, [tmp_path])
    assert (report.photos, report.renewed, report.imported) == (1, 1, 0)
    assert names(empty) == [(1, "Ada", "human")]
    assert empty.faces.get(1).box.iou(carried(before, picture.size, picture.size[::-1], 3)) > 0.5
    assert empty.problems() == []


@pytest.mark.slow
def test_a_smaller_copy_gets_the_name_as_one_event(empty: Library, album: Album, tmp_path: Path) -> None:
    path = named_single(empty, album, tmp_path)
    picture = ImageOps.exif_transpose(Image.open(path))
    picture.resize((picture.width * 3 // 4, picture.height * 3 // 4)).save(tmp_path / "copy.jpg", quality=70)
    report = import_photos(empty, [tmp_path])
    assert (report.unchanged, report.imported) == (1, 1)
    assert sorted(names(empty)) == [(1, "Ada", "human"), (2, "Ada", "imported")]
    empty.journal.undo()
    assert sorted(names(empty)) == [(1, "Ada", "human"), (2, None, None)]


@pytest.mark.slow
def test_another_detector_keeps_the_names(empty: Library, album: Album, tmp_path: Path) -> None:
    named_single(empty, album, tmp_path)
    before = empty.faces.get(1)
    empty.settings.detector = "hog"
    assert import_photos(empty, [tmp_path]).unchanged == 1
    report = import_photos(empty, [tmp_path], again=True)
    assert (report.renewed, report.unchanged) == (1, 0)
    assert (1, "Ada", "human") in names(empty)
    assert empty.faces.get(1).box != before.box


@pytest.mark.slow
def test_names_survive_the_change_from_mmod_to_centerface(empty: Library, album: Album, tmp_path: Path) -> None:
    """And a later import without `again` leaves what the old detector found as it is."""
    empty.settings.detector = "mmod"
    named_single(empty, album, tmp_path)
    before = empty.faces.get(1)
    empty.settings.detector = "centerface"
    assert import_photos(empty, [tmp_path]).unchanged == 1
    assert empty.faces.get(1).box == before.box
    report = import_photos(empty, [tmp_path], again=True, smallest_face="fast")
    assert (report.renewed, report.unchanged) == (1, 0)
    assert names(empty) == [(1, "Ada", "human")]
    assert empty.faces.get(1).box != before.box
    assert empty.problems() == []


@pytest.mark.parametrize("given", [None, "every"])
def test_the_smallest_face_of_an_import_replaces_the_setting(
    given: Any, empty: Library, album: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Noting(storing.ImportRun):
        def store_all(self, *_: Any) -> None:
            seen.append(self.settings.smallest_face)

    monkeypatch.setattr(run, "ImportRun", Noting)
    shutil.copy(single(album), tmp_path)
    import_photos(empty, [tmp_path], smallest_face=given)
    assert seen == [given or "normal"]
    assert empty.settings.smallest_face == "normal"


@pytest.mark.slow
def test_searching_again_reads_the_same_bytes_once(empty: Library, album: Album, tmp_path: Path) -> None:
    path = named_single(empty, album, tmp_path)
    shutil.copy(path, tmp_path / "copy.jpg")
    report = import_photos(empty, [tmp_path], again=True)
    assert (report.renewed, report.unchanged, report.photos) == (1, 1, 2)
    assert names(empty) == [(1, "Ada", "human")]


@pytest.mark.slow
def test_bad_files_become_rows_with_a_reason_and_the_rest_goes_on(
    empty: Library, album: Album, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    good = single(album).read_bytes()
    (folder / "good.jpg").write_bytes(good)
    (folder / "cut.jpg").write_bytes(good[: len(good) // 3])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("not a picture")
    report = import_photos(empty, [folder])
    assert (report.photos, report.imported, report.failed) == (4, 1, 3)
    assert {Path(failure.path).name for failure in report.failures} == {"cut.jpg", "empty.jpg", "text.jpg"}
    failed = empty.photos.page(query=PhotoQuery(status=PhotoStatus.FAILED))
    assert len(failed) == 3
    assert all(photo.error for photo in failed)


@pytest.mark.slow
def test_a_repaired_file_takes_the_place_of_its_failure(empty: Library, album: Album, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"rubbish")
    import_photos(empty, [photo])
    shutil.copy(single(album), photo)
    report = import_photos(empty, [photo])
    assert report.imported == 1
    assert (empty.counts().photos, empty.counts().failed) == (1, 0)


@pytest.mark.slow
def test_a_cancelled_import_keeps_what_it_did_and_goes_on_later(empty: Library, album: Album) -> None:
    def stop_after_three(done: int, total: int, message: str = "") -> None:
        if done >= 3:
            raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        import_photos(empty, [album.folder], progress=stop_after_three)
    kept = empty.counts().photos
    assert 3 <= kept < len(album.photos)
    report = import_photos(empty, [album.folder])
    assert report.unchanged == kept
    assert empty.counts().photos == len(album.photos)


def test_no_folder_and_an_empty_folder_are_said_plainly(empty: Library, tmp_path: Path) -> None:
    with pytest.raises(PathNotFound):
        import_photos(empty, [tmp_path / "nowhere"])
    (tmp_path / "void").mkdir()
    with pytest.raises(NothingToImport, match="no photo"):
        import_photos(empty, [tmp_path / "void"])


def misbehave(file: work.File, **options: object) -> NewPhoto:
    """Stands in for `analyse` in a worker: three photos hang, kill their worker once, or always."""
    marker = file.path.with_suffix(".seen")
    first = not marker.exists()
    marker.touch()
    if file.path.stem == "hangs":
        time.sleep(60)
    if file.path.stem == "kills" or (file.path.stem == "kills-once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    return worker_photo.unread(file, options["settings"], "fine")  # type: ignore[arg-type]


@pytest.mark.slow
def test_photos_that_hang_or_kill_end_as_one_reason_each(
    empty: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "hangs", "kills", "kills-once", "b", "c"):
        (folder / f"{name}.jpg").write_bytes(name.encode())
    monkeypatch.setattr(storing, "look_at", misbehave)
    empty.settings.max_photo_seconds = 1
    report = import_photos(empty, [folder], executor=ProcessPool(2, limit_s=1))
    reasons = {Path(failure.path).stem: failure.reason for failure in report.failures}
    assert reasons.pop("hangs") == "it took longer than 1 seconds; raise FACEID_MAX_PHOTO_SECONDS to wait for it"
    assert reasons.pop("kills") == storing.CRASHED
    assert reasons == dict.fromkeys(("a", "b", "c", "kills-once"), "fine")
    assert report.failed == report.photos == 6


def test_many_photos_are_imported_in_processes_with_the_limit_of_the_settings(empty: Library) -> None:
    settings = empty.settings.model_copy(update={"workers": 1, "max_photo_seconds": 7})
    pool = searching.executor_for(settings, searching.POOL_FROM)
    assert isinstance(pool, ProcessPool)
    assert (pool.workers, pool.limit_s) == (1, 7)


@pytest.mark.slow
@pytest.mark.parametrize(("enough_px", "reads"), [(worker_photo.CROP_EYES_PX, 1), (500, 2)])
def test_faces_of_a_draft_are_those_of_the_whole_photo(
    enough_px: int,
    reads: int,
    engine_settings: Settings,
    album: Album,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Large faces are cut from the draft; small ones from the whole photo, so that it is read a second time."""
    import cv2

    whole = cv2.resize(images.read(single(album)).pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    monkeypatch.setattr(worker_photo, "CROP_EYES_PX", enough_px)
    path = tmp_path / "large.jpg"
    path.write_bytes(images.encode_jpeg(whole, 95))
    settings = engine_settings.model_copy(update={"detection_side_px": 640})
    detector, embedder = worker_photo.networks(settings.model_dump_json(), None)
    calls: list[object] = []
    real = images.read

    def counting(*given: Any, **wish: Any) -> Photograph:
        calls.append(given)
        return real(*given, **wish)

    monkeypatch.setattr(images, "read", counting)
    photo = worker_photo.analyse(work.File(path, 1, 1), settings=settings)
    assert len(calls) == reads
    assert (photo.width, photo.height) == (whole.shape[1], whole.shape[0])
    (face,) = photo.faces
    (expected,) = worker_photo.find_faces(whole, detector, embedder)
    assert face.face.box.iou(expected.face.box) > 0.9
    assert np.abs(face.face.landmarks - expected.face.landmarks).max() < 0.03 * expected.face.box.width
    assert np.linalg.norm(face.vector - expected.vector) < 0.15
    assert face.quality.score == pytest.approx(expected.quality.score, abs=0.1)
