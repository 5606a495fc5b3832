from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from faceid_core.errors import BadInput, NothingToImport, PathNotFound
from webapp.uploads import checked_path, safe_name, store


@dataclass
class File:
    name: str
    data: bytes

    def getbuffer(self) -> memoryview:
        return memoryview(self.data)


@pytest.mark.parametrize("typed", ["", "   ", "pictures", "/no/such/folder"])
def test_a_path_that_is_not_there(typed: str) -> None:
    with pytest.raises(PathNotFound):
        checked_path(typed)


def test_a_folder_without_photos(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    with pytest.raises(NothingToImport, match="choose a folder"):
        checked_path(str(tmp_path))


def test_quotes_around_a_path_are_taken_off(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert checked_path(f' "{tmp_path}" ') == tmp_path


def test_uploads_stay_in_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    hostile = ["../../evil.jpg", "/etc/passwd", "..", "a\\..\\b.png", "x" * 500 + ".jpg", "nul\0l.jpg", ""]
    kept = store(folder, [File(name, name.encode() + b"!") for name in hostile])
    assert len(set(kept)) == len(hostile)
    for path, name in zip(kept, hostile, strict=True):
        assert path.parent == folder
        assert path.read_bytes() == name.encode() + b"!"
        assert len(path.name) < 110


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    paths = store(tmp_path, [File("a.jpg", b"same"), File("a.jpg", b"same")])
    assert paths[0] == paths[1]
    assert len(list(tmp_path.iterdir())) == 1


def test_no_file_chosen(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Choose at least one"):
        store(tmp_path, [])


def test_names_keep_their_ending() -> None:
    assert safe_name("Sommer 2024 (1).HEIC") == "Sommer_2024_1_.HEIC"
