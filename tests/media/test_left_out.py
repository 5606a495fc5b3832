"""What stays out of an import of a whole disk, and that it is counted with its reason."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faceid_core.errors import PathNotFound
from faceid_core.media import folders, left_out
from faceid_core.media.left_out import LeftOuts

NOBODY = 65534


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(root: Path, **options: object) -> tuple[list[str], dict[str, int]]:
    """What is taken below a folder, and how many were left out for which reason."""
    leave = LeftOuts()
    files = [path.relative_to(root).as_posix() for path in folders.walk([root], leave=leave, **options)]  # type: ignore[arg-type]
    return files, {reason: each.number for reason, each in leave.items()}


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("#recycle", left_out.BIN),
        ("@Recycle", left_out.BIN),
        ("$RECYCLE.BIN", left_out.BIN),
        (".Trash-1000", left_out.BIN),
        ("@Recently-Snapshot", left_out.SNAPSHOT),
        ("#snapshot", left_out.SNAPSHOT),
        (".snapshots", left_out.SNAPSHOT),
        ("@eaDir", left_out.CACHE),
        ("Lightroom Catalog Previews.lrdata", left_out.CACHE),
        ("Photos Library.photoslibrary/resources", left_out.CACHE),
        ("Capture One/Cache", left_out.CACHE),
        ("lost+found", left_out.CACHE),
    ],
)
def test_folders_of_programs_and_storage_systems_stay_out(tmp_path: Path, folder: str, reason: str) -> None:
    make(tmp_path, f"{folder}/deep/a.jpg", "album/b.jpg", "Photos Library.photoslibrary/originals/c.jpg")
    files, left = found(tmp_path)
    assert files == ["Photos Library.photoslibrary/originals/c.jpg", "album/b.jpg"]
    assert left == {reason: 1}


@pytest.mark.parametrize(
    ("mark", "folder", "reason"),
    [
        (".nomedia", "private", left_out.MARKED),
        (".noimage", "private", left_out.MARKED),
        ("CACHEDIR.TAG", "thumbs", left_out.CACHE),
        (".immich", "thumbs", left_out.CACHE),
        (".ppstorage", "storage", left_out.OWN),
        ("faceid.db", "data", left_out.OWN),
    ],
)
def test_a_file_marks_its_folder(tmp_path: Path, mark: str, folder: str, reason: str) -> None:
    make(tmp_path, f"{folder}/{mark}", f"{folder}/deep/a.jpg", "b.jpg")
    assert found(tmp_path) == (["b.jpg"], {reason: 1})


def test_a_folder_that_somebody_names_is_searched_all_the_same(tmp_path: Path) -> None:
    make(tmp_path, "#recycle/.nomedia", "#recycle/a.jpg")
    assert found(tmp_path / "#recycle") == (["a.jpg"], {})


def test_originals_of_immich_are_taken(tmp_path: Path) -> None:
    make(tmp_path, "library/.immich", "library/a.jpg", "encoded-video/.immich", "encoded-video/b.jpg")
    assert found(tmp_path)[0] == ["library/a.jpg"]


@pytest.mark.parametrize("name", left_out.IGNORE_FILES)
def test_ignore_files_hold_for_their_folder_and_below(tmp_path: Path, name: str) -> None:
    make(tmp_path, "2024/a.jpg", "2024/a_edit.jpg", "2024/raw/b.jpg", "2025/a_edit.jpg", "2024/keep/c_edit.jpg")
    (tmp_path / "2024" / name).write_text("# drafts\n*_edit.jpg\n!keep/*_edit.jpg\nraw/\n\n")
    files, left = found(tmp_path)
    assert files == ["2024/a.jpg", "2024/keep/c_edit.jpg", "2025/a_edit.jpg"]
    assert left == {left_out.IGNORED: 2}


def test_patterns_that_are_asked_for(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "scans/b.jpg", "2024/scans/c.jpg", "d.png")
    assert found(tmp_path, exclude=["/scans", "*.png"]) == (["a.jpg", "2024/scans/c.jpg"], {left_out.IGNORED: 2})


def test_a_pair_is_one_photo(tmp_path: Path) -> None:
    make(tmp_path, "1.NEF", "1.JPG", "2.nef", "3.heic", "3.mov", "4.mov", "5.CR2", "5.CR2.jpg")
    files, left = found(tmp_path)
    assert files == ["1.JPG", "2.nef", "3.heic", "5.CR2.jpg"]
    assert left == {left_out.PAIR: 2, left_out.LIVE: 1, left_out.VIDEOS: 1}
    files, left = found(tmp_path, videos=True)
    assert files == ["1.JPG", "2.nef", "3.heic", "4.mov", "5.CR2.jpg"]


def test_pictures_of_other_kinds_are_counted_and_documents_are_not(tmp_path: Path) -> None:
    make(tmp_path, "a.psb", "b.exr", "notes.txt", "a.jpg.xmp", ".hidden.psb", "c.psd")
    assert found(tmp_path) == (["c.psd"], {left_out.OTHER: 2})


def test_a_link_to_a_folder_is_counted(tmp_path: Path) -> None:
    make(tmp_path, "away/a.jpg", "here/b.jpg")
    (tmp_path / "here" / "link").symlink_to(tmp_path / "away")
    (tmp_path / "here" / "c.jpg").symlink_to(tmp_path / "away" / "a.jpg")
    assert found(tmp_path / "here") == (["b.jpg", "c.jpg"], {left_out.LINK: 1})


def test_links_that_lead_nowhere_are_counted(tmp_path: Path) -> None:
    """To a photo or, by its name, to a folder: those of a disk that is not there."""
    make(tmp_path, "b.jpg", "drafts/e.jpg", ".faceidignore")
    (tmp_path / ".faceidignore").write_text("/ignored.jpg")
    for name in ("a.jpg", "album", "ignored.jpg", "notes.txt", ".hidden"):
        (tmp_path / name).symlink_to(tmp_path / "away" / name)
    assert found(tmp_path) == (["b.jpg", "drafts/e.jpg"], {left_out.BROKEN: 2, left_out.IGNORED: 1})


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root reads every folder, so it gives up its rights for a moment."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_folders_that_may_not_be_read_are_named() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make(root, "secret/a.jpg", "b.jpg")
        root.chmod(0o755)
        (root / "secret").chmod(0)
        try:
            with as_nobody():
                assert found(root) == (["b.jpg"], {left_out.DENIED: 1})
                for path in (root / "secret", root / "secret" / "a.jpg"):
                    with pytest.raises(PathNotFound, match="may not be read; give the account"):
                        folders.walk([path])
        finally:
            (root / "secret").chmod(0o700)


def test_a_name_that_is_too_long_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match=r"can't be opened \(file name too long\); check the path"):
        folders.walk([tmp_path / ("x" * 300)])
    with pytest.raises(PathNotFound, match="check the path"):
        folders.walk([f"{tmp_path}/a\0b"])


def test_only_the_first_paths_are_named(tmp_path: Path) -> None:
    leave = LeftOuts()
    for number in range(100):
        leave(tmp_path / f"{number}.psb", left_out.OTHER)
    assert leave[left_out.OTHER].number == 100
    assert len(leave[left_out.OTHER].examples) == left_out.EXAMPLES


def test_patterns_after_a_byte_order_mark(tmp_path: Path) -> None:
    make(tmp_path, "skip.jpg", "keep.jpg")
    (tmp_path / ".faceidignore").write_bytes(b"\xef\xbb\xbfskip.jpg\r\n")
    assert found(tmp_path)[0] == ["keep.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_in_the_place_of_patterns_is_not_waited_for(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / ".faceidignore")
    walked: list[list[str]] = []
    walking = threading.Thread(target=lambda: walked.append(found(tmp_path)[0]), daemon=True)
    walking.start()
    walking.join(10)
    assert walked == [["a.jpg"]]
