"""What tests share: made once, complete, and nobody's copy is anybody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.library import Library
from faceid_core.library.store import database
from tests import sharing
from tests.library.conftest import new_photo


def test_a_folder_is_made_once_and_anew_when_making_it_failed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        assert list(folder.iterdir()) == []
        (folder / "half").touch()
        made.append(folder)
        if len(made) == 1:
            raise OSError("disk full")

    name = f"{tmp_path.parent.name}-{tmp_path.name}"
    with pytest.raises(OSError, match="disk full"):
        sharing.once(tmp_path_factory, name, make)
    folder = sharing.once(tmp_path_factory, name, make)
    assert sharing.once(tmp_path_factory, name, make) == folder
    assert made == [folder, folder]


def test_new_libraries_are_current_empty_and_apart(tmp_path: Path) -> None:
    one, other = sharing.new_library(tmp_path / "one"), sharing.new_library(tmp_path / "other")
    assert database.revision(one) == database.HEAD
    with Library.open(one) as library:
        library.photos.add_many([new_photo("/a.jpg")])
    with Library.open(other) as library:
        assert library.counts().photos == 0


def test_copies_share_the_engine_folder_and_nothing_else(imported_folder: Path, tmp_path: Path) -> None:
    copy = sharing.copy_library(imported_folder, tmp_path / "copy")
    assert (copy / "engine").resolve() == (imported_folder / "engine").resolve()
    own = {path.relative_to(copy) for path in copy.rglob("*") if path.is_file() and not path.is_symlink()}
    assert Path("faceid.db") in own
    assert all((copy / path).resolve() == (copy / path) for path in own)
