"""Copies of a picture: each gets the names, in one batch too, and no memory of hashes is ever out of date."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from faceid_core.importing.storing import _in_rounds
from faceid_core.library import Added, Library
from faceid_core.values import NewPhoto
from tests.library.test_reconciliation import HASHES, add, photo_with

OTHER = np.random.default_rng(77).bytes(256)


def here(folder: Path, name: str, content: str, **other: object) -> NewPhoto:
    """A photo whose file is there, so that it is not taken for moved."""
    path = folder / name
    path.write_bytes(content.encode())
    return photo_with(str(path), content, **other)  # type: ignore[arg-type]


def flipped(bits: int) -> bytes:
    """The hashes of the picture with so many bits of each turned over, the last ones."""
    hashes = np.frombuffer(HASHES, np.uint8).reshape(8, 32).copy()
    unpacked = np.unpackbits(hashes, axis=1)
    unpacked[:, 256 - bits :] ^= 1
    return np.packbits(unpacked, axis=1).tobytes()


@pytest.fixture
def named(library: Library, tmp_path: Path) -> Library:
    """Photo 1: its first face is Anna."""
    add(library, here(tmp_path, "a.jpg", "a"))
    library.people.name_faces([1], "Anna")
    return library


def to_be_named(library: Library, copies: list[Added]) -> dict[int, str | None]:
    return {face: said.person for face, said in library.decisions.of_near_copies(copies)}


def test_two_copies_in_one_batch_both_get_the_names(named: Library, tmp_path: Path) -> None:
    added = named.photos.add_many([here(tmp_path, "b.jpg", "b"), here(tmp_path, "c.jpg", "c")])
    assert [copy.near_copy for copy in added] == [1, 1]
    assert to_be_named(named, added) == {4: "Anna", 7: "Anna"}


def test_the_same_bytes_again_beside_another_copy(named: Library, tmp_path: Path) -> None:
    photos = [here(tmp_path, name, content) for name, content in (("b", "b"), ("bb", "b"), ("c", "c"), ("cc", "c"))]
    added = named.photos.add_many(photos)
    assert [copy.outcome for copy in added] == ["imported", "duplicate", "imported", "duplicate"]
    assert to_be_named(named, added) == {4: "Anna", 7: "Anna"}


def test_two_copies_of_a_photo_that_was_moved(named: Library, tmp_path: Path) -> None:
    photos = [here(tmp_path, "b.jpg", "b"), here(tmp_path, "c.jpg", "c")]
    (tmp_path / "a.jpg").unlink()
    added = named.photos.add_many(photos)
    assert [(copy.outcome, copy.photo_id, copy.near_copy) for copy in added] == [
        ("renewed", 1, None),
        ("imported", 2, 1),
    ]
    assert to_be_named(named, added) == {4: "Anna"}


def test_a_copy_of_an_unnamed_copy_still_finds_the_names(named: Library, tmp_path: Path) -> None:
    add(named, here(tmp_path, "b.jpg", "b", phashes=flipped(6)))
    nearest = add(named, here(tmp_path, "c.jpg", "c", phashes=flipped(6)))
    assert nearest.near_copy == 1  # nearer to b, about which nobody decided anything


def test_a_chain_of_copies_is_worked_off_from_its_named_end() -> None:
    chain = [Added(4, "imported", 3), Added(3, "imported", 1), Added(5, "imported"), Added(6, "imported", 1)]
    assert [[copy.photo_id for copy in copies] for copies in _in_rounds(chain)] == [[3, 6], [4]]


def test_a_photo_after_an_erased_one_is_found_and_meets_no_stranger(named: Library, tmp_path: Path) -> None:
    """The worker's library lives on while another one - a page, the command line - erases and edits."""
    with Library.open(named.settings) as elsewhere:
        elsewhere.erasing.photos([1])
    second = add(named, here(tmp_path, "other.jpg", "other", phashes=OTHER))
    assert second.photo_id == 2
    assert min(face.id for face in named.faces.of_photo(2)) == 4
    assert add(named, here(tmp_path, "copy.jpg", "copy", phashes=OTHER)).near_copy == 2
    assert add(named, here(tmp_path, "again.jpg", "again")).near_copy is None  # as photo 1 is gone


def test_ids_do_not_come_back_after_everything_was_erased(named: Library, tmp_path: Path) -> None:
    named.erasing.photos([1])
    assert add(named, here(tmp_path, "b.jpg", "b")).photo_id == 2
    assert [face.id for face in named.faces.of_photo(2)] == [4, 5, 6]
    if not named.settings.database_url:
        with named._database.read() as session:
            last = dict(session.execute(text("SELECT name, seq FROM sqlite_sequence")).tuples().all())
        assert (last["photo"], last["face"]) == (2, 6)


@pytest.mark.parametrize("by_another", [True, False])
def test_a_photo_edited_in_place_is_found_by_its_new_hash_alone(
    named: Library, tmp_path: Path, by_another: bool
) -> None:
    assert add(named, here(tmp_path, "first.jpg", "first", phashes=OTHER[::-1])).near_copy is None
    edited = here(tmp_path, "a.jpg", "edited", phashes=OTHER)  # known by its faces
    with Library.open(named.settings) as elsewhere:
        assert add(elsewhere if by_another else named, edited).outcome == "renewed"
    assert add(named, here(tmp_path, "new.jpg", "new", phashes=OTHER)).near_copy == 1
    assert add(named, here(tmp_path, "old.jpg", "old")).near_copy is None


def test_a_batch_that_fails_leaves_nothing_in_memory(named: Library, tmp_path: Path) -> None:
    """What is rolled back gives its ids back in SQLite: a hash remembered from there would hide the next one."""
    first = replace(here(tmp_path, "first.jpg", "first"), phashes=OTHER[::-1])
    stop = replace(here(tmp_path, "stop.jpg", "stop"), sha256=object())  # type: ignore[arg-type]
    with pytest.raises(Exception, match="object"):
        named.photos.add_many([first, here(tmp_path, "x.jpg", "x", phashes=OTHER), stop])
    original = add(named, here(tmp_path, "y.jpg", "y", phashes=OTHER)).photo_id
    assert add(named, here(tmp_path, "z.jpg", "z", phashes=OTHER)).near_copy == original
