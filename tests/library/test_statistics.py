"""Photos and people by year, and who is on photos with whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from faceid_core.library import Library, Together, YearCounts
from faceid_core.values import Actor, Flag, Role
from tests.library.conftest import new_photo


def test_statistics(library: Library) -> None:
    years = [2001, 2001, 2003, None]
    library.photos.add_many(
        [replace(new_photo(f"/photos/{n}.jpg", faces=3), taken_at=datetime(year, 5, 1) if year else None)
         for n, year in enumerate(years)]
    )  # fmt: skip
    faces = [[face.id for face in library.faces.of_photo(photo)] for photo in (1, 2, 3, 4)]
    ada = library.people.name_faces([faces[0][0], faces[1][0], faces[2][0], faces[3][0]], "Ada").person_id
    bo = library.people.name_faces([faces[0][1], faces[1][1], faces[3][1]], "Bo").person_id
    cy = library.people.name_faces([faces[0][2], faces[2][2]], "Cy").person_id
    found = library.statistics
    assert found.by_year() == [YearCounts(2001, 2, 3), YearCounts(2003, 1, 2)]
    assert found.undated() == 1
    assert found.together() == [Together(ada, bo, 3), Together(ada, cy, 2), Together(bo, cy, 1)]
    assert found.together(1) == [Together(ada, bo, 3)]
    assert found.people_by_year([ada, cy]) == {ada: {2001: 2, 2003: 1}, cy: {2001: 1, 2003: 1}}
    library.people.describe(bo, hidden=True)
    library.faces.flag([faces[2][2]], Flag.HIDDEN)
    viewer = library.acting_as(Actor("Vera", Role.VIEWER)).statistics
    assert viewer.by_year() == [YearCounts(2001, 2, 2), YearCounts(2003, 1, 1)]
    assert viewer.together() == [Together(ada, cy, 1)]


def test_an_empty_library_has_none(library: Library) -> None:
    found = library.statistics
    assert (found.by_year(), found.together(), found.undated(), found.people_by_year([])) == ([], [], 0, {})
