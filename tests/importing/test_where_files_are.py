"""A photo is shown as a file that is there, under the name people gave it; the report says what was left out."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from faceid_core.errors import NothingToImport
from faceid_core.importing.run import import_photos
from faceid_core.library import Library, PhotoQuery
from faceid_core.sample import Album
from tests.cli.running import faceid
from tests.importing.test_run import single


def paths(library: Library) -> list[str]:
    return sorted(photo.path for photo in library.photos.page())


@pytest.fixture
def before(tmp_path: Path, album: Album) -> Path:
    """A folder with two photos."""
    folder = tmp_path / "before"
    folder.mkdir()
    for name in list(album.photos)[:2]:
        shutil.copy(album.folder / name, folder)
    return folder


@pytest.mark.slow
def test_a_renamed_folder_is_followed(empty: Library, before: Path, tmp_path: Path) -> None:
    import_photos(empty, [before])
    faces = empty.counts().faces
    after = before.rename(tmp_path / "after")
    assert len(empty.photos.missing()) == 2
    import_photos(empty, [after])
    assert paths(empty) == sorted(map(str, after.iterdir()))
    assert empty.photos.number(PhotoQuery(folder=str(after))) == 2
    assert (empty.counts().photos, empty.counts().faces) == (2, faces)
    assert empty.photos.missing() == []


@pytest.mark.slow
def test_the_other_of_two_copies_is_shown_when_the_first_is_deleted(empty: Library, before: Path) -> None:
    """Also where the other one has long been known, so that nothing about it is new."""
    photo = next(before.iterdir())
    shutil.copy(photo, before / "zz-copy.jpg")
    import_photos(empty, [before])
    photo.unlink()
    report = import_photos(empty, [before])
    assert report.unchanged == report.photos == 2
    assert str(before / "zz-copy.jpg") in paths(empty)
    assert empty.photos.missing() == []


@pytest.mark.slow
def test_a_drive_that_is_not_there_changes_nothing(empty: Library, before: Path, tmp_path: Path) -> None:
    import_photos(empty, [before])
    known = paths(empty)
    before.rename(tmp_path / "unplugged")
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(next((tmp_path / "unplugged").iterdir()), other / "one.jpg")
    import_photos(empty, [other])
    assert len(empty.photos.missing()) == 1
    assert set(paths(empty)) - {str(other / "one.jpg")} < set(known)


def test_a_link_is_shown_as_people_called_it(empty: Library, album: Album, tmp_path: Path) -> None:
    pool, linked = tmp_path / "pool", tmp_path / "album"
    pool.mkdir()
    linked.mkdir()
    shutil.copy(single(album), pool / "SHA256E-0123.jpg")
    (linked / "photo.jpg").symlink_to(Path("..") / "pool" / "SHA256E-0123.jpg")
    import_photos(empty, [linked])
    assert paths(empty) == [str(linked / "photo.jpg")]
    assert empty.photos.number(PhotoQuery(folder=str(linked))) == 1
    assert empty.photos.number(PhotoQuery(text="photo.jpg")) == 1
    report = import_photos(empty, [pool, linked])
    assert (report.duplicates, report.unchanged, report.imported) == (1, 1, 0)
    assert paths(empty) == [str(linked / "photo.jpg")]


def test_a_library_that_knew_only_the_end_of_a_link_learns_its_name(
    empty: Library, album: Album, tmp_path: Path
) -> None:
    pool, linked = tmp_path / "pool", tmp_path / "album"
    pool.mkdir()
    shutil.copy(single(album), pool / "one.jpg")
    import_photos(empty, [pool])
    linked.symlink_to(pool)
    import_photos(empty, [linked])
    assert paths(empty) == [str(linked / "one.jpg")]


def test_what_was_left_out_is_in_the_report(empty: Library, before: Path) -> None:
    for name in ("#recycle/a.jpg", "b.psb", "c.psb"):
        (before / name).parent.mkdir(exist_ok=True)
        (before / name).write_bytes(b"x")
    report = import_photos(empty, [before], exclude=[next(before.glob("*.jpg")).name])
    assert (report.photos, report.imported) == (1, 1)
    left = {each["reason"].split(";")[0]: each["number"] for each in report.as_dict()["left_out"]}
    assert left == {
        "pictures in formats that faceid can't read": 2,
        "recycle bins": 1,
        "files or folders ignored by a pattern": 1,
    }


def test_a_folder_without_photos_says_what_was_left_out(empty: Library, tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    (tmp_path / "void" / "clip.mp4").touch()
    with pytest.raises(NothingToImport, match=r"Left out: videos; to include them, .* \(1\)\."):
        import_photos(empty, [tmp_path / "void"])


@pytest.mark.slow
def test_the_command_says_it_too(before: Path, tmp_path: Path) -> None:
    (before / "b.psb").write_bytes(b"x")
    library = tmp_path / "library"
    ran = faceid("--library", library, "import", "--json", "--exclude", "nothing*", before)
    assert "Left out: pictures in formats that faceid can't read; export them as JPEG, PNG or TIFF (1)." in ran.err
    assert json.loads(ran.out)["left_out"][0]["examples"] == [str(before / "b.psb")]
    before.rename(tmp_path / "after")
    ran = faceid("--library", library, "photos", "--missing")
    assert sorted(ran.out.split()) == sorted(str(before / path.name) for path in (tmp_path / "after").glob("*.jpg"))


def test_the_last_day_of_all_is_a_day(filled: Library) -> None:
    everything = filled.photos.number(PhotoQuery(taken_from=date.min))
    assert everything
    assert filled.photos.number(PhotoQuery(taken_to=date.max)) == everything


def test_a_name_that_is_too_long_is_one_sentence(tmp_path: Path) -> None:
    for arguments in (("import", tmp_path / ("x" * 300)), ("doctor",)):
        library = tmp_path / ("y" * 300 if arguments[0] == "doctor" else "library")
        ran = faceid("--library", library, *arguments)
        assert (ran.code, len(ran.err.splitlines())) == (2, 1), ran.err
        assert "too long" in ran.err
