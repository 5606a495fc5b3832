"""A library of the album with names, and its faces as exports see them."""

from __future__ import annotations

from typing import Any

import pytest

from faceid_core.library import ExportQuery, Library
from faceid_core.values import ExportedFace


@pytest.fixture
def named(filled: Library) -> Library:
    """Three groups of the album with names; the fourth has none."""
    for number, name in ((1, "Ann Lee"), (2, "Bo"), (3, "AC/DC")):
        filled.people.name_faces([face.id for face in filled.faces.of_cluster(number)], name)
    return filled


def faces_of(library: Library, **query: Any) -> list[ExportedFace]:
    return list(library.exports.faces(ExportQuery(**query)))
