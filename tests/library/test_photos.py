"""Photos: identity by content, files that change, files that can't be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faceid_core.errors import NotFound
from faceid_core.library import Library, PhotoQuery
from faceid_core.values import PhotoStatus
from tests.library.conftest import EMBEDDER, new_photo

STAT = (100, 200)


def outcomes(library: Library, *photos: object) -> list[str]:
    return [added.outcome for added in library.photos.add_many(photos)]  # type: ignore[arg-type]


def test_same_content_is_one_photo_with_two_files(library: Library) -> None:
    added = library.photos.add_many([new_photo("/a.jpg", "x"), new_photo("/b.jpg", "x")])
    assert [a.outcome for a in added] == ["imported", "duplicate"]
    assert added[0].photo_id == added[1].photo_id
    assert library.counts().photos == library.counts().faces == 1
    assert library.photos.unchanged({"/a.jpg": STAT, "/b.jpg": STAT, "/c.jpg": STAT}) == {"/a.jpg", "/b.jpg"}


def test_importing_again_adds_nothing(library: Library) -> None:
    assert outcomes(library, new_photo("/a.jpg"), new_photo("/a.jpg")) == ["imported", "unchanged"]
    assert library.counts().faces == 1


def test_touched_file_is_not_unchanged(library: Library) -> None:
    outcomes(library, new_photo("/a.jpg"))
    assert library.photos.unchanged({"/a.jpg": (100, 201)}) == set()
    assert library.photos.unchanged({"/a.jpg": (101, 200)}) == set()


def test_changed_content_is_a_new_photo_and_the_old_one_lives_on(library: Library) -> None:
    outcomes(library, new_photo("/a.jpg", "old"), new_photo("/copy.jpg", "old"))
    assert outcomes(library, replace(new_photo("/a.jpg", "new"), modified_ns=300)) == ["imported"]
    assert sorted(photo.path for photo in library.photos.page()) == ["/a.jpg", "/copy.jpg"]
    assert library.photos.unchanged({"/a.jpg": (100, 300), "/copy.jpg": STAT}) == {"/a.jpg", "/copy.jpg"}


def test_failed_photo_keeps_its_reason_and_is_tried_again(library: Library) -> None:
    assert outcomes(library, new_photo("/a.jpg", "x", error="the file is empty")) == ["failed"]
    photo = library.photos.page(query=PhotoQuery(status=PhotoStatus.FAILED))[0]
    assert (photo.status, photo.error, photo.faces) == ("failed", "the file is empty", 0)
    assert library.photos.unchanged({"/a.jpg": STAT}) == set()
    assert not library.photos.knows("x")


@pytest.mark.parametrize("content", ["x", "another"])
def test_failed_photo_that_reads_later_is_repaired_in_place(library: Library, content: str) -> None:
    [failed] = library.photos.add_many([new_photo("/a.jpg", "x", error="damaged")])
    [repaired] = library.photos.add_many([new_photo("/a.jpg", content)])
    assert (repaired.photo_id, repaired.outcome) == (failed.photo_id, "imported")
    assert library.photos.get(failed.photo_id).error is None
    assert library.counts().failed == 0


def test_repairing_one_of_two_broken_copies_leaves_the_other_broken(library: Library) -> None:
    broken = [new_photo(path, "bad", error="damaged") for path in ("/a.jpg", "/b.jpg")]
    library.photos.add_many(broken)
    outcomes(library, new_photo("/b.jpg", "good"))
    assert library.photos.unchanged({"/a.jpg": STAT, "/b.jpg": STAT}) == {"/b.jpg"}
    assert {(p.path, p.status) for p in library.photos.page()} == {("/a.jpg", "failed"), ("/b.jpg", "done")}


def test_broken_file_that_becomes_a_known_photo_leaves_no_failure_behind(library: Library) -> None:
    outcomes(library, new_photo("/a.jpg", "x"))
    outcomes(library, new_photo("/a.jpg", "bad", error="damaged"))
    assert outcomes(library, new_photo("/a.jpg", "x")) == ["duplicate"]
    assert (library.counts().photos, library.counts().failed) == (1, 0)


def test_files_that_could_not_even_be_opened_have_no_hash(library: Library) -> None:
    photos = [replace(new_photo(path, error="no permission"), sha256=None) for path in ("/a.jpg", "/b.jpg")]
    assert outcomes(library, *photos) == ["failed", "failed"]
    assert library.counts().failed == 2


def test_a_batch_is_stored_entirely_or_not_at_all(library: Library) -> None:
    broken = replace(new_photo("/b.jpg"), faces=("no face",))  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        library.photos.add_many([new_photo("/a.jpg"), broken])
    assert library.counts().photos == 0


def test_pages_by_key_cover_everything_once(library: Library) -> None:
    library.photos.add_many([new_photo(f"/{n}.jpg") for n in range(7)])
    seen: list[int] = []
    while page := library.photos.page(after=seen[-1] if seen else None, limit=3):
        seen += [photo.id for photo in page]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 7


def test_search_takes_wildcards_literally(library: Library) -> None:
    library.photos.add_many([new_photo("/Summer/100%.jpg"), new_photo("/winter/1000.jpg")])
    assert [p.path for p in library.photos.page(query=PhotoQuery(text="summer"))] == ["/Summer/100%.jpg"]
    assert [p.path for p in library.photos.page(query=PhotoQuery(text="100%"))] == ["/Summer/100%.jpg"]


def test_unknown_photo(library: Library) -> None:
    with pytest.raises(NotFound, match="no photo 7"):
        library.photos.get(7)


def test_vectors_come_back_as_they_went_in(library: Library, faces: list[int]) -> None:
    found = library.faces.vectors(EMBEDDER)
    assert found.vectors.shape == (8, 4)
    assert found.vectors[:, 0].tolist() == [0.0, 1.0] * 4
    assert library.faces.vectors("another").ids.shape == (0,)
    assert library.faces.missing_vectors(EMBEDDER) == []
    assert library.faces.missing_vectors("another") == faces
