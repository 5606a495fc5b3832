"""faceid_core.media.folders: which files there are, and their hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from faceid_core.errors import PathNotFound, UnreadableImage
from faceid_core.media import folders


def test_walk_is_sorted_skips_hidden_and_yields_once(tmp_path: Path) -> None:
    names = ["b.JPG", "a.heic", "notes.txt", ".hidden.jpg", "sub/c.png", ".git/d.png", "sub/deep/e.avif"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in folders.walk([tmp_path])]
    assert found == ["a.heic", "b.JPG", "sub/c.png", "sub/deep/e.avif"]
    explicit = list(folders.walk([tmp_path / "notes.txt", tmp_path / ".hidden.jpg", tmp_path / "sub", tmp_path]))
    assert [path.name for path in explicit] == [
        "notes.txt",
        ".hidden.jpg",
        "c.png",
        "e.avif",
        "a.heic",
        "b.JPG",
    ]
    assert list(folders.walk([])) == []


def test_walk_refuses_a_missing_path_at_once(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="nowhere"):
        folders.walk([tmp_path, tmp_path / "nowhere"])


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"abc" * 100_000)
    assert folders.sha256_of(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()
    with pytest.raises(UnreadableImage, match="no longer there"):
        folders.sha256_of(tmp_path / "gone.jpg")
