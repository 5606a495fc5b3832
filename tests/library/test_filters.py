"""Photos by who is on them and who is not, by day and folder."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime

import pytest

from faceid_core.errors import BadInput, NotAllowed
from faceid_core.library import Library, PhotoQuery
from faceid_core.values import Actor, Flag, LabelSource, PhotoStatus, Role
from tests.library.conftest import new_photo


@pytest.fixture
def named(library: Library) -> Library:
    """Photo n has the faces 2n - 1 and 2n. Anna (1) is on 1, 2, 3; Bob (2) on 2, 3; Cleo (3) on 3."""
    photos = [new_photo(f"/{'ab'[n % 2]}/{n}.jpg", faces=2, quality=0.1 * n) for n in range(1, 5)]
    dated = [replace(photo, taken_at=datetime(2020, 5, day, 23, 59)) for day, photo in enumerate(photos, 1)]
    library.photos.add_many([*dated[:3], photos[3], new_photo("/a_b/broken.jpg", error="damaged")])
    for faces, name in (((1, 3, 5), "Anna"), ((4, 6), "Bob")):
        library.people.name_faces(faces, name)
    library.people.name_faces([2], "Cleo", source=LabelSource.IMPORTED)
    library.faces.flag([7], Flag.STRANGER)
    return library


def photos(library: Library, **conditions: object) -> list[int]:
    found = library.photos.page(query=PhotoQuery(**conditions))  # type: ignore[arg-type]
    assert library.photos.number(PhotoQuery(**conditions)) == len(found)  # type: ignore[arg-type]
    return [photo.id for photo in found]


def test_photos_with_all_of_these_people_and_none_of_those(named: Library) -> None:
    assert photos(named, people=(1,)) == [3, 2, 1]
    assert photos(named, people=(1, 2)) == [3, 2]
    assert photos(named, people=(1,), without=(2,)) == [1]
    assert photos(named, without=(1,), status=PhotoStatus.DONE) == [4]
    assert photos(named, people=(2, 3)) == []


def test_photos_by_day(named: Library) -> None:
    assert photos(named, taken_from=date(2020, 5, 2)) == [3, 2]
    assert photos(named, taken_to=date(2020, 5, 2)) == [2, 1]
    assert photos(named, taken_from=date(2020, 5, 2), taken_to=date(2020, 5, 2)) == [2]


def test_photos_by_folder_and_text(named: Library) -> None:
    assert photos(named, folder="/a") == photos(named, folder="/a/") == [4, 2]
    assert photos(named, folder="/b", text="1.JP") == [1]
    assert photos(named, folder="/a_b") == [5]
    assert photos(named, folder="/A") == []
    assert photos(named, text="%") == []


def test_pages_follow_each_other_under_a_condition(named: Library) -> None:
    query = PhotoQuery(people=(1,))
    first = named.photos.page(limit=2, query=query)
    assert [photo.id for photo in named.photos.page(after=first[-1].id, query=query)] == [1]


VERA, EDI = Actor("Vera", Role.VIEWER), Actor("Edi", Role.EDITOR)
PATHS = ("/home/ada/clinic/ward/IMG_1.jpg", "C:\\Photos\\Trip\\b_2.png", "/top.jpg", "/v/w/clip.mp4#t=72")


@pytest.mark.parametrize(
    ("text", "viewer", "editor", "owner"),
    [
        ("img_1", 1, 1, 1), ("_1.JPG", 1, 1, 1), (".jpg", 2, 2, 2), ("ward", 0, 1, 1), ("ward/img", 0, 1, 1),
        ("clinic", 0, 0, 1), ("ada/", 0, 0, 1), ("c:", 0, 0, 1), ("trip", 0, 1, 1), ("trip\\b", 0, 1, 1),
        ("photos", 0, 0, 1), ("b_2", 1, 1, 1), ("top", 1, 1, 1), ("/", 0, 3, 3), ("t=72", 1, 1, 1),
        ("w/clip", 0, 1, 1), ("v/", 0, 0, 1),
    ],
)  # fmt: skip
def test_a_search_confirms_no_folder_that_is_not_shown(
    library: Library, text: str, viewer: int, editor: int, owner: int
) -> None:
    library.photos.add_many([new_photo(path) for path in PATHS])
    for asking, number in ((library.acting_as(VERA), viewer), (library.acting_as(EDI), editor), (library, owner)):
        assert len(photos(asking, text=text)) == number, asking.actor


@pytest.mark.parametrize("actor", [VERA, EDI])
def test_where_photos_lie_is_asked_by_owners_only(named: Library, actor: Actor) -> None:
    theirs = named.acting_as(actor).photos
    for ask in (
        lambda: theirs.page(query=PhotoQuery(folder="/a")), lambda: theirs.number(PhotoQuery(folder="/nowhere")),
        lambda: theirs.at(["/a/2.jpg"]), lambda: theirs.frames("/a/2.jpg"), lambda: theirs.knows("0" * 64),
        lambda: theirs.unchanged({"/a/2.jpg": (1, 1)}),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            ask()


def test_to_a_viewer_a_hidden_person_is_like_nobody(named: Library) -> None:
    viewer = named.acting_as(VERA)
    assert photos(viewer, people=(2,)) == [3, 2]
    named.people.describe(2, hidden=True)
    for nobody in (2, 999):
        assert photos(viewer, people=(nobody,)) == []
        assert photos(viewer, without=(nobody,)) == photos(viewer)
    assert photos(named, people=(2,)) == [3, 2]
    named.faces.flag([1], Flag.HIDDEN)
    assert photos(viewer, people=(1,)) == [3, 2] and photos(named, people=(1,)) == [3, 2, 1]
    assert photos(viewer, without=(1,)) == [5, 4, 1]


EVERYTHING = PhotoQuery(
    people=(1, 2), without=(3,), taken_from=date(2001, 2, 3), taken_to=date(2004, 5, 6), folder="/a", text="b",
    status=PhotoStatus.DONE, blurred=True, copies=True, screenshots=True, alone=True, camera="c", by_date=True,
    tag="d", only=(4,),
)  # fmt: skip


@pytest.mark.parametrize("query", [EVERYTHING, PhotoQuery(status=PhotoStatus.DONE)])
def test_a_search_is_the_same_after_it_was_stored(query: PhotoQuery) -> None:
    assert PhotoQuery.from_json(query.as_json()) == query
    assert PhotoQuery.from_json(json.dumps(query.as_json())) == query


@pytest.mark.parametrize(
    "search",
    [
        "{x", "[]", "null", '"all"', {"peopel": [1]}, {"people": 1}, {"people": ["1"]}, {"people": [2**70]},
        {"only": [0]}, {"taken_from": "yesterday"}, {"taken_to": 2001}, {"blurred": "yes"}, {"text": 5},
        {"text": "a\0b"}, {"tag": None, "text": ["a"]}, {"people": {1}}, '{"only": [1e999]}', '{"text": "\\ud800"}',
    ],
)  # fmt: skip
def test_what_is_no_search_is_one_sentence(search: object) -> None:
    with pytest.raises(BadInput, match=r"^That search can't be read; select the photos on the page Photos\.$"):
        PhotoQuery.from_json(search)  # type: ignore[arg-type]
