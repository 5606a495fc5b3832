"""Vectors that are not finite: refused at every door, and those of before are left out and told."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import update
from sqlmodel import col

from faceid_core.errors import VectorsNotFinite
from faceid_core.library import Library
from faceid_core.library.photo_plan import NOT_FINITE
from faceid_core.library.store.tables import Embedding
from faceid_core.values import Flag, NewPhoto
from faceid_core.vectors.neighbours import build
from tests.library.conftest import EMBEDDER, new_face, new_photo

BAD = pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])


def damaged(photo: NewPhoto, value: float) -> NewPhoto:
    """With such a number in the vector of its last face."""
    vector = np.array([1, 2, value, 3], np.float32)
    return replace(photo, faces=(*photo.faces[:-1], replace(photo.faces[-1], vector=vector)))


@BAD
def test_a_photo_with_such_a_vector_fails_alone(library: Library, value: float) -> None:
    photos = [new_photo("/a.jpg"), damaged(new_photo("/b.jpg", faces=2), value), new_photo("/c.jpg")]
    added = library.photos.add_many(photos)
    assert [each.outcome for each in added] == ["imported", "failed", "imported"]
    assert [each.error for each in added] == [None, NOT_FINITE, None]
    assert library.photos.get(added[1].photo_id).error == NOT_FINITE
    assert (library.counts().faces, library.counts().failed) == (2, 1)
    assert library.photos.add_many([photos[1]])[0].photo_id == added[1].photo_id
    assert library.problems() == []


@BAD
def test_reading_a_named_photo_again_takes_nothing_away(library: Library, value: float) -> None:
    photo = new_photo("/a.jpg", faces=2)
    library.photos.add_many([photo])
    library.people.name_faces([1], "Ada")
    [added] = library.photos.add_many([damaged(photo, value)], again=True)
    assert (added.photo_id, added.outcome, added.error) == (1, "failed", NOT_FINITE)
    assert library.photos.get(1).status == "done"
    assert library.faces.get(1).person == "Ada"
    assert len(library.faces.of_photo(1)) == 2


@BAD
def test_vectors_of_another_embedder_are_refused_together(library: Library, faces: list[int], value: float) -> None:
    vectors = np.ones((8, 4), np.float32)
    vectors[3, 1] = value
    with pytest.raises(VectorsNotFinite, match="1 of 8 faces"):
        library.faces.add_vectors("another", faces, vectors)
    assert library.faces.missing_vectors("another") == faces


@pytest.fixture
def old(library: Library, faces: list[int]) -> Library:
    """Face 3 has a vector that an older version let in; faces 1 to 4 are Ada, and face 5 is not."""
    bad = np.array([1, np.nan, 1, 1], "<f4").tobytes()
    with library._database.write() as session:
        session.execute(update(Embedding).where(col(Embedding.face_id) == 3).values(vector=bad))
    person = library.people.name_faces(faces[:4:2], "Ada").person_id
    library.people.reject([5], person)
    return library


def test_an_old_library_is_usable_without_them(old: Library, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = old.faces.vectors(EMBEDDER)
    assert found.ids.tolist() == [1, 2, 4, 5, 6, 7, 8]
    assert "1 vectors are not finite and were left out" in caplog.text
    assert len(build(found.vectors, 2)) == 7
    assert old.gallery.faces(EMBEDDER).ids.tolist() == [1]
    assert np.isfinite(old.gallery.probes(EMBEDDER, 10).vectors).all()


def test_the_deep_check_tells_of_them(old: Library) -> None:
    assert old.problems() == [
        f"1 vectors of {EMBEDDER} are not finite, and their faces take no part; "
        "run `faceid import --again` on their photos."
    ]


def test_searching_again_heals_the_face_and_keeps_its_name(old: Library) -> None:
    old.faces.flag([3], Flag.HIDDEN)
    photo = replace(new_photo("/photos/1.jpg"), faces=(new_face(vector=7.0), new_face(vector=8.0)))
    old.photos.add_many([photo], again=True)
    assert old.problems() == []
    assert (old.faces.get(3).person, old.faces.get(3).flag) == ("Ada", Flag.HIDDEN)
