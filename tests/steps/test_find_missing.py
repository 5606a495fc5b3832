"""Photos whose files were moved are found by their content, and keep everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceid_core.errors import NotAllowed, PathNotFound
from faceid_core.library import Library
from faceid_core.steps.find_missing import find_missing
from faceid_core.values import Actor, Role
from tests import sharing
from tests.cli.running import faceid, refused
from tests.webapp.conftest import new_photo


@pytest.fixture
def moved(tmp_path: Path) -> tuple[Path, Path]:
    """A library of three photos, two of which are elsewhere now, one by another name; and that place."""
    here, there = tmp_path / "here", tmp_path / "there" / "deep"
    here.mkdir()
    there.mkdir(parents=True)
    settings = sharing.new_library(tmp_path / "library")
    with Library.open(settings) as library:
        library.photos.add_many([new_photo(here, number) for number in range(3)])
        library.people.name_faces([1], "Ada")
    (here / "photo0.jpg").rename(there / "renamed.jpg")
    (here / "photo1.jpg").rename(there / "photo1.jpg")
    (there / "other.jpg").write_bytes(b"x" * (there / "photo1.jpg").stat().st_size)
    return settings.library, tmp_path / "there"


def test_moved_photos_are_found_and_keep_everything(moved: tuple[Path, Path]) -> None:
    folder, there = moved
    with Library.open(
        sharing.new_library(folder.parent / "other").model_copy(update={"library": folder})
    ) as library:
        before = library.photos.get(1)
        done = find_missing(library, [there])
        assert {(photo.id, Path(path).name) for photo, path in done.found} == {
            (1, "renamed.jpg"),
            (2, "photo1.jpg"),
        }
        assert done.missing == [] and done.read == 3, "only files of the right size are read"
        assert library.photos.get(1).path == str(there / "deep" / "renamed.jpg") != before.path
        assert library.faces.of_photo(1)[0].person == "Ada"
        assert library.photos.missing() == [] and find_missing(library, [there]).read == 0


def test_it_is_for_owners_and_says_where_there_is_nothing(moved: tuple[Path, Path]) -> None:
    folder, there = moved
    with Library.open(
        sharing.new_library(folder.parent / "other").model_copy(update={"library": folder})
    ) as library:
        with pytest.raises(NotAllowed):
            find_missing(library.acting_as(Actor("Edi", Role.EDITOR)), [there])
        with pytest.raises(PathNotFound):
            find_missing(library, [there / "nowhere"])
        (there / "deep" / "photo1.jpg").unlink()
        assert [photo.id for photo in find_missing(library, [there]).missing] == [2]


def test_the_command(moved: tuple[Path, Path]) -> None:
    folder, there = moved
    ran = faceid("--library", folder, "photos", "--missing", "--look-in", there)
    assert sorted(Path(line).name for line in ran.out.splitlines()) == ["photo1.jpg", "renamed.jpg"]
    assert ran.err == "2 photos found, 0 still missing.\n"
    assert faceid("--library", folder, "photos", "--missing", "--look-in", there, "--json").json["missing"] == []
    refused(faceid("--library", folder, "photos", "--look-in", there), "needs --missing")
