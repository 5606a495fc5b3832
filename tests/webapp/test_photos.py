from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library, PhotoQuery
from faceid_core.settings import Settings
from faceid_core.steps import jobs
from faceid_core.values import Actor, Box, Flag, Role
from tests.webapp.conftest import OpenPage, html_of, new_photo, opened_photo, photo_cards, texts
from webapp import context
from webapp.app_pages import photos
from webapp.parts import photo_acts, photo_dialog
from webapp.parts.photo_acts import Viewing


def _import(page: AppTest, typed: str) -> AppTest:
    page.text_input(key="folder").set_value(typed)
    return next(button for button in page.button if button.label == "Import").click().run()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type the path of a folder"),
        ("pictures", "Type the full path"),
        ("/no/such/folder", "There is no file or folder"),
    ],
)
def test_a_path_that_does_not_work_gets_a_sentence(
    library: Library, open_page: OpenPage, typed: str, sentence: str
) -> None:
    page = _import(open_page("photos"), typed)
    assert not page.exception
    assert len(page.error) == 1
    assert sentence in page.error[0].value
    assert library.jobs.active() == []


def test_a_folder_without_photos_gets_a_sentence(library: Library, open_page: OpenPage, tmp_path: Path) -> None:
    page = _import(open_page("photos"), str(tmp_path))
    assert "There is no photo in" in page.error[0].value.replace("\\", "")


def test_a_folder_is_queued_for_import(library: Library, open_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    page = _import(open_page("photos"), str(tmp_path))
    assert not page.exception and not page.error
    params = {"paths": [str(tmp_path)], "video_seconds": 0.0, "smallest_face": "normal"}
    assert [(job.kind, job.params) for job in library.jobs.active()] == [("import", params)]
    assert "Import started" in texts(page)


def test_the_smallest_face_is_a_choice_of_the_detector_that_has_it(
    library: Library, open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(library.settings, "detector", "mmod")
        assert not [each for each in open_page("photos").button_group if each.key == "smallest-face"]
    (tmp_path / "a.jpg").write_bytes(b"x")
    page = open_page("photos")
    assert page.button_group(key="smallest-face").value == "normal"
    page.button_group(key="smallest-face").set_value("every").run()
    page = _import(page, str(tmp_path))
    assert not page.exception and not page.error
    assert [job.params["smallest_face"] for job in library.jobs.active()] == ["every"]


def test_videos_are_looked_into_where_that_is_ticked(library: Library, open_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    page = _import(open_page("photos"), str(tmp_path))
    assert "There is no photo in" in page.error[0].value.replace("\\", "")
    page.checkbox(key="videos").check().run()
    page.number_input(key="video-seconds").set_value(0.5).run()
    page = _import(page, str(tmp_path))
    assert not page.exception and not page.error
    assert [job.params["video_seconds"] for job in library.jobs.active()] == [0.5]


def test_a_picture_of_a_video_is_named_by_its_moment(filled: Library, open_page: OpenPage, tmp_path: Path) -> None:
    photo = replace(new_photo(tmp_path / "photos", 7), path=str(tmp_path / "party.mp4#t=72.5"))
    filled.photos.add_many([photo])
    page = open_page("photos")
    assert photo_cards(page)[0]["title"] == "party.mp4 at 1:12.5"


def test_uploads_are_kept_and_queued(library: Library, open_page: OpenPage, settings: Settings) -> None:
    page = open_page("photos")
    page.file_uploader(key="upload").set_value([("a.jpg", b"one", "image/jpeg"), ("b.png", b"two", "image/png")])
    page = next(button for button in page.button if button.label == "Import these photos").click().run()
    assert not page.exception and not page.error
    (job,) = library.jobs.active()
    kept = [Path(path) for path in job.params["paths"]]
    assert [path.read_bytes() for path in kept] == [b"one", b"two"]
    assert {path.parent for path in kept} == {settings.uploads_folder}


def test_the_last_import_that_failed_says_why(library: Library, open_page: OpenPage) -> None:
    job = library.jobs.submit("import", {"paths": ["/gone"]})
    library.jobs.claim()
    library.jobs.fail(job.id, "There is no file or folder /gone; check the path.")
    assert "There is no file or folder" in open_page("photos").error[0].value


def test_photos_are_a_grid(filled: Library, open_page: OpenPage) -> None:
    page = open_page("photos")
    assert not page.exception
    assert [card["title"] for card in photo_cards(page)] == [f"photo{at}.jpg" for at in (5, 4, 3, 2, 1, 0)]
    assert {card["detail"] for card in photo_cards(page)} == {"1 face"}


def test_unreadable_files_are_listed_with_the_reason(filled: Library, open_page: OpenPage) -> None:
    page = open_page("photos")
    page = page.segmented_control(key="photo-status").set_value(photos.FAILED).run()
    table = page.dataframe[0].value
    assert table["File"][0].endswith("broken.jpg")
    assert table["Reason"][0] == "not an image"


def test_search_by_file_name(filled: Library, open_page: OpenPage) -> None:
    page = open_page("photos")
    page = page.text_input(key="photo-search").set_value("photo3").run()
    assert [card["title"] for card in photo_cards(page)] == ["photo3.jpg"]
    page = page.text_input(key="photo-search").set_value("nothing like it").run()
    assert "No photos match" in texts(page)


def test_paging_shows_every_photo_once(
    filled: Library, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "PAGE_PHOTOS", 4)
    first = open_page("photos")
    names = {card["title"] for card in photo_cards(first)}
    assert len(names) == 4
    second = next(button for button in first.button if button.label == "More").click().run()
    rest = {card["title"] for card in photo_cards(second)}
    assert len(rest) == 2 and not names & rest
    again = next(button for button in second.button if button.label == "Back").click().run()
    assert {card["title"] for card in photo_cards(again)} == names


def test_a_photo_opens_with_its_faces_and_names(filled: Library, open_page: OpenPage) -> None:
    face = filled.faces.of_photo(1)[0]
    filled.people.name_faces([face.id], '<img src=x onerror="alert(1)">')
    page = open_page("photos")
    page = opened_photo(page, 1)
    assert not page.exception
    assert "<img src=x" not in html_of(page) + texts(page)  # the viewer sets names as text
    shown = photo_dialog.shown_photo(
        photo_acts.Viewing(1), filled.photos.get(1), filled.faces.of_photo(1), filled.people.all()
    )
    assert [(one["name"], one["box"]) for one in shown.faces] == [
        ('<img src=x onerror="alert(1)">', [70, 50, 170, 190])
    ]


def test_photos_are_filtered_by_who_is_on_them(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1, 3], "Ada")
    page = open_page("photos")
    page = page.multiselect(key="photo-with").select(1).run()
    assert "2 photos found" in texts(page)
    assert {card["id"] for card in photo_cards(page)} == {1, 3}
    page = page.multiselect(key="photo-without").select(1).run()
    assert "No photos match. Remove a condition." in texts(page)
    page = next(button for button in page.button if button.label == "Clear").click().run()
    assert not page.exception
    assert page.multiselect(key="photo-with").value == []
    assert "found" not in texts(page)


@pytest.mark.slow
def test_a_search_is_in_the_address_and_comes_back(filled: Library, open_page: OpenPage) -> None:
    ada = filled.people.name_faces([1, 3], "Ada").person_id
    page = open_page("photos")
    page = page.multiselect(key="photo-with").select(ada).run()
    assert page.query_params["with"] in (str(ada), [str(ada)])
    page.query_params["with"] = "77,x"  # nobody; then Back
    page.query_params["from"] = "never"
    page = page.run()
    assert not page.exception and page.multiselect(key="photo-with").value == []
    page.query_params.clear()
    page.query_params["with"], page.query_params["by"] = str(ada), "date"
    page = page.run()
    assert page.multiselect(key="photo-with").value == [ada]
    assert "2 photos found" in texts(page) and "Without a date" in texts(page)
    page.text_input(key="search-name").set_value("Ada's").run()
    page = page.button(key="save-search").click().run()
    assert [one.query.people for one in filled.searches.all()] == [(ada,)]
    page.query_params.clear()
    page = page.run()
    page.selectbox(key="saved-search").select(1).run()
    page = page.button(key="show-search").click().run()
    assert page.multiselect(key="photo-with").value == [ada]


def test_the_background_of_a_photo_is_ignored_with_one_click(
    filled: Library, open_page: OpenPage, tmp_path: Path
) -> None:
    made = new_photo(tmp_path, 8)
    tiny = replace(made.faces[0], face=replace(made.faces[0].face, box=Box(5, 5, 25, 25)))
    filled.photos.add_many([replace(made, faces=(*made.faces, tiny))])
    newest = filled.photos.page(limit=1)[0].id
    small = filled.faces.background(newest)
    page = opened_photo(open_page("photos"), newest)
    assert page.button(key="ignore-background").label == "Ignore 1 small face in the background"
    page = page.button(key="ignore-background").click().run()
    assert not page.exception
    assert filled.faces.with_flag(Flag.STRANGER) == small


def test_a_crowd_is_ignored_with_one_click(filled: Library, open_page: OpenPage, tmp_path: Path) -> None:
    """All are of one size, so nobody is in the background."""
    made = new_photo(tmp_path, 8)
    boxes = [Box(40 * at, 5, 40 * at + 30, 35) for at in range(5)]
    crowd = tuple(replace(made.faces[0], face=replace(made.faces[0].face, box=box)) for box in boxes)
    filled.photos.add_many([replace(made, faces=crowd)])
    newest = filled.photos.page(limit=1)[0].id
    everybody = [face.id for face in filled.faces.of_photo(newest)]
    page = opened_photo(open_page("photos"), newest)
    assert "ignore-background" not in {button.key for button in page.button}
    assert page.button(key="ignore-strangers").label == "Ignore all 5 unnamed faces"
    page = page.button(key="ignore-strangers").click().run()
    assert not page.exception
    assert filled.faces.with_flag(Flag.STRANGER) == everybody
    filled.journal.undo()
    assert filled.faces.with_flag(Flag.STRANGER) == []


Act = Callable[..., Viewing]


@pytest.fixture
def viewer(filled: Library, monkeypatch: pytest.MonkeyPatch) -> Act:
    """`viewer("name", face=1, name="Ada")` acts in the viewer of photo 1; gives where that is then."""
    monkeypatch.setattr("streamlit.session_state", {})
    photo_acts.view(1, 1, PhotoQuery(text="photo"))

    def act(what: str, **given: object) -> Viewing:
        at = photo_acts.viewing()
        assert at is not None
        turn = at.turn
        photo_acts.act({"act": what, "photo": at.photo, **given})
        assert at.turn == turn + 1, "it is drawn anew"
        return at

    return act


def test_a_face_gets_its_name_on_its_photo(filled: Library, viewer: Act) -> None:
    at = viewer("name", face=1, name="Ada")
    assert (filled.faces.get(1).person, at.naming, at.status) == ("Ada", False, "Named 1 face “Ada”")
    viewer("undo")
    assert filled.faces.get(1).person is None
    assert "Nothing to undo" in viewer("undo").status


def test_somebody_twice_on_a_photo_has_to_be_said_twice(filled: Library, viewer: Act) -> None:
    box = [5, 5, 50, 60]
    at = viewer("add", box=box)
    assert at.chosen is not None and at.naming, "the next thing is its name"
    drawn = at.chosen
    assert filled.faces.get(drawn).box == Box(5, 5, 50, 60)
    person = filled.people.name_faces([1], "Ada").person_id
    at = viewer("name", face=drawn, person=person)
    assert "twice" in at.error and filled.faces.get(drawn).person is None
    viewer("name", face=drawn, person=person)
    assert filled.faces.get(drawn).person == "Ada"


def test_boxes_are_moved_and_faces_set_aside(filled: Library, viewer: Act) -> None:
    viewer("move", face=1, box=[60, 40, 170, 190], was=[70, 50, 170, 190])
    assert filled.faces.get(1).box == Box(60, 40, 170, 190)
    at = viewer("move", face=1, box=[10, 10, 90, 90], was=[70, 50, 170, 190])
    assert "has been moved" in at.status and filled.faces.get(1).box == Box(60, 40, 170, 190)
    assert "too small" in viewer("add", box=[1, 1, 3, 3]).status
    viewer("ignore", face=1)
    assert filled.faces.get(1).flag is Flag.STRANGER
    viewer("remove", face=1)
    assert filled.faces.get(1).flag is Flag.NOT_A_FACE
    shown = photo_dialog.shown_photo(
        Viewing(1, query=PhotoQuery()), filled.photos.get(1), filled.faces.of_photo(1), []
    )
    assert shown.faces == [] and (shown.previous, shown.next) == (True, False)


def test_arrows_stay_in_the_search(filled: Library, viewer: Act) -> None:
    assert viewer("next").photo == 1, "the oldest one is the last"
    assert viewer("previous").photo == 2
    filled.people.name_faces([2, 5], "Ada")
    photo_acts.view(5, None, PhotoQuery(people=(1,)))
    assert viewer("next").photo == 2
    assert filled.photos.beside(2, PhotoQuery(people=(1,))) == (5, None)
    at = photo_acts.viewing()
    photo_acts.act({"act": "next", "photo": 99})  # what an older page asks for
    assert at is not None and at.photo == 2


@pytest.mark.parametrize("role", Role)
def test_a_missing_file_is_told_with_its_path_only_to_the_owner(
    filled: Library, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    path = Path(filled.photos.get(1).path)
    path.rename(path.with_name("moved.jpg"))
    monkeypatch.setattr(context, "who", lambda: Actor("Somebody", role))
    page = opened_photo(open_page("photos"), 1)
    assert not page.exception
    said = page.warning[0].value
    assert "This photo is no longer" in said
    assert (str(path.parent) in (said + texts(page)).replace("\\", "")) == (role is Role.OWNER)
    assert ("Was it moved?" in said) == (role is Role.OWNER)
    assert bool([one for one in page.text_input if one.key == "moved-to"]) == (role is Role.OWNER)


def test_names_of_other_programs_are_taken_over_as_a_job(filled: Library, open_page: OpenPage) -> None:
    page = open_page("photos").button(key="take-names-now").click().run()
    assert not page.exception
    (job,) = filled.jobs.active()
    assert (job.kind, job.params) == ("names", {})
    assert jobs.run_pending(filled)[0].state == "done"
    assert "No new names found." in texts(page.run())
