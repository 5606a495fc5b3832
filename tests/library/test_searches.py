"""Photos by date, by camera and by who is alone on them; searches that are saved."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import update
from sqlmodel import col

from faceid_core.errors import BadInput, NameTaken
from faceid_core.library import Library, PhotoQuery
from faceid_core.library.store.person_tables import SavedSearch
from tests.library.conftest import new_photo

DAYS = (datetime(2020, 5, 1), None, datetime(2021, 1, 2), datetime(2020, 5, 1), None, datetime(2019, 12, 31))


def test_photos_by_date_page_by_page_and_from_one_to_the_next(library: Library) -> None:
    photos = [replace(new_photo(f"/p/{n}.jpg", faces=1), taken_at=day) for n, day in enumerate(DAYS)]
    library.photos.add_many(photos)
    query, order, after = PhotoQuery(by_date=True), [], None
    while found := library.photos.page(after=after, limit=2, query=query):
        order += [photo.id for photo in found]
        after = found[-1].id
    assert order == [3, 4, 1, 6, 5, 2]
    for place, photo in enumerate(order):
        near = (order[place - 1] if place else None, order[place + 1] if place + 1 < len(order) else None)
        assert library.photos.beside(photo, query) == near
    assert library.photos.months(PhotoQuery()) == [(2021, 1, 1), (2020, 5, 2), (2019, 12, 1)]
    assert library.photos.first_and_last(PhotoQuery()) == (DAYS[5], DAYS[2])


def test_alone_on_a_photo_and_by_camera(library: Library) -> None:
    photos = [replace(new_photo(f"/p/{n}.jpg", faces=n), camera="X100" if n == 2 else None) for n in (1, 2)]
    library.photos.add_many(photos)
    ada = library.people.name_faces([1, 2], "Ada").person_id
    assert [one.id for one in library.photos.page(query=PhotoQuery(people=(ada,), alone=True))] == [1]
    library.people.name_faces([3], "Bo")
    both = (ada, library.people.known("Bo").id)
    assert [one.id for one in library.photos.page(query=PhotoQuery(people=both, alone=True))] == [2]
    assert library.photos.cameras() == ["X100"]
    assert [one.id for one in library.photos.page(query=PhotoQuery(camera="X100"))] == [2]


def test_searches_are_saved_and_go_with_whom_they_ask_for(library: Library) -> None:
    library.photos.add_many([new_photo("/p/1.jpg", faces=3)])
    ada, bo, cy = (library.people.name_faces([n], name).person_id for n, name in ((1, "Ada"), (2, "Bo"), (3, "Cy")))
    query = PhotoQuery(people=(ada,), without=(bo,), taken_from=datetime(2020, 1, 1).date())
    number = library.searches.add("Summer", query)
    library.searches.add("With Bo", PhotoQuery(text="x"))
    library.searches.add("Of Cy", PhotoQuery(people=(cy,)))
    assert [one.name for one in library.searches.all()] == ["Of Cy", "Summer", "With Bo"]
    assert replace(library.searches.all()[1].query, status=None) == query
    with pytest.raises(NameTaken):
        library.searches.add("summer", query)
    with pytest.raises(BadInput):
        library.searches.add("All", PhotoQuery())
    library.erasing.person(bo)
    assert [one.name for one in library.searches.all()] == ["Of Cy"]
    library.searches.remove(library.searches.all()[0].id)
    assert library.searches.all() == [] and number


def test_a_search_of_a_newer_program_is_left_out_and_stays(library: Library) -> None:
    number = library.searches.add("Readable", PhotoQuery(text="x"))
    newer = library.searches.add("Newer", PhotoQuery(text="y"))
    with library._database.write() as session:
        session.execute(update(SavedSearch).where(col(SavedSearch.id) == newer).values(query={"weather": "sunny"}))
    assert [one.id for one in library.searches.all()] == [number]
    with pytest.raises(NameTaken):
        library.searches.add("Newer", PhotoQuery(text="z"))
