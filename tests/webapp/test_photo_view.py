"""A photo in full: the act that hides its small background faces, and takes it back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library
from faceid_core.tables import Flag
from faceid_core.values import Box
from tests.webapp.conftest import new_photo

DIALOG = "from webapp.components.photo_view import show_photo\nshow_photo({photo})"


@pytest.fixture
def crowd(library: Library, tmp_path) -> list[int]:
    """A photo with a large face, one half as large, and three small ones, the last of which has a name."""
    photo = new_photo(tmp_path, 0)
    (face,) = photo.faces
    boxes = [Box(0, 0, 100, 100), Box(100, 0, 150, 50), *(Box(160 + 20 * n, 0, 175 + 20 * n, 15) for n in range(3))]
    faces = tuple(
        replace(face, face=replace(face.face, box=box), vector=np.roll(face.vector, n))
        for n, box in enumerate(boxes)
    )
    library.photos.add_many([replace(photo, faces=faces)])
    ids = [one.id for one in library.faces.of_photo(1)]
    library.people.name_faces(ids[-1:], "Ada", actor="me")
    return ids


def test_small_unnamed_faces_of_a_photo_are_hidden_at_once_and_come_back(
    library: Library, crowd: list[int]
) -> None:
    page = AppTest.from_string(DIALOG.format(photo=1), default_timeout=30).run()
    hide = next(one for one in page.button if one.key == "hide-background")
    assert hide.label == "Hide the 2 small background faces"
    page = hide.click().run()
    assert not page.exception
    assert library.faces.with_flag(Flag.HIDDEN) == crowd[2:4]
    page = AppTest.from_string(DIALOG.format(photo=1), default_timeout=30).run()
    assert not [one for one in page.button if one.key == "hide-background"]
    library.journal.undo(actor="me")
    assert library.faces.with_flag(Flag.HIDDEN) == []
