"""The photo viewer in a real browser: through a search by keys, boxes drawn, named and moved, a missing file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceid_core.library import FaceView, Library
from faceid_core.settings import Settings
from tests.browser.viewer import NEWEST, eventually, faces, idle, shows, stage
from tests.webapp.conftest import SIDE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Page, WebSocketRoute

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened(page: Page, url: str, name: str, search: str = "") -> None:
    page.goto(f"{url}/photos")
    if search:
        box = page.get_by_role("textbox", name="Search")
        box.fill(search)
        box.press("Enter")
        page.get_by_text(re.compile(r"\d photos? found")).wait_for()
    page.get_by_role("button", name=f"Open {name}").click()
    stage(page).wait_for()
    shows(page, name)
    idle(page)


def picture(page: Page) -> FloatRect:
    """Where the photo is on the screen."""
    box = page.locator("img.photo").bounding_box()
    for _ in range(20):  # the dialog slides in
        page.wait_for_timeout(100)
        before, box = box, page.locator("img.photo").bounding_box()
        if box == before:
            break
    assert box is not None
    return box


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place of the photo to another one, in its pixels."""
    at = picture(page)
    step = at["width"] / SIDE
    page.mouse.move(at["x"] + start[0] * step, at["y"] + start[1] * step)
    page.mouse.down()
    page.mouse.move(at["x"] + end[0] * step, at["y"] + end[1] * step, steps=5)
    page.mouse.up()


def test_arrows_go_through_the_search_and_keys_zoom(page: Page, url: str) -> None:
    opened(page, url, "photo5.jpg", search="photo")
    assert page.get_by_role("button", name="Previous photo").is_disabled()
    for _ in range(2):  # as fast as it goes: none is lost
        page.keyboard.press("ArrowRight")
    shows(page, "photo3.jpg")
    page.get_by_role("button", name="Next photo", disabled=False).wait_for()
    idle(page)
    page.keyboard.press("ArrowLeft")
    shows(page, "photo4.jpg")
    idle(page)
    page.keyboard.press("+")
    zoomed = page.locator(".stage.zoomed")
    zoomed.wait_for()
    before = picture(page)["y"]
    drag(page, (120, 120), (100, 100))
    assert picture(page)["y"] < before, "a drag moves the photo"
    for _ in range(3):
        page.keyboard.press("+")
    still = picture(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    moved = picture(page)
    assert moved["y"] > still["y"] and moved["x"] < still["x"], "so do keys"
    shows(page, "photo4.jpg")
    page.keyboard.press("0")
    zoomed.wait_for(state="detached")
    at = picture(page)
    page.mouse.dblclick(at["x"] + 20, at["y"] + 20)
    zoomed.wait_for()
    page.mouse.wheel(0, 2000)
    zoomed.wait_for(state="detached")


def test_a_box_is_drawn_named_moved_undone_and_still_there_after_a_reload(
    page: Page, url: str, folder: Path
) -> None:
    opened(page, url, "photo5.jpg")
    page.keyboard.down("Control")
    drag(page, (180, 190), (230, 232))
    page.keyboard.up("Control")
    page.get_by_role("combobox", name="Name").wait_for()
    page.keyboard.type("Grace")  # of these letters, none is a key here
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Grace", exact=True).wait_for()
    (drawn,) = [face for face in faces(folder, NEWEST) if face.person == "Grace"]
    assert max(abs(a - b) for a, b in zip(drawn.box.as_tuple(), (180, 190, 230, 232), strict=True)) < 2

    page.locator(f"[data-key=box-{drawn.id}]").focus()
    page.keyboard.press("m")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    eventually(page, lambda: face_of(folder, drawn).box.left < drawn.box.left)
    moved = face_of(folder, drawn)
    assert moved.person == "Grace" and moved.box.top < drawn.box.top
    assert abs(moved.box.width - drawn.box.width) < 0.1
    page.get_by_role("button", name="Save box").wait_for(state="detached")
    page.keyboard.press("Control+z")
    eventually(page, lambda: face_of(folder, drawn).box == drawn.box)

    page.reload()
    opened(page, url, "photo5.jpg")
    page.get_by_role("button", name="Grace", exact=True).wait_for()
    assert face_of(folder, drawn).box == drawn.box
    page.locator(f"[data-key=face-{drawn.id}]").click()
    page.get_by_role("button", name="Not a face").click()
    page.get_by_role("button", name="Grace", exact=True).wait_for(state="detached")


def test_a_person_without_a_face_is_added_undone_and_removed(page: Page, url: str, folder: Path) -> None:
    def there() -> list[tuple[str, str]]:
        with Library.open(Settings(library=folder)) as library:
            return [(one.name, one.presence.value) for one in library.tags.people_on(NEWEST)]

    opened(page, url, "photo5.jpg")
    page.get_by_role("button", name="Add a person without a face").click()
    page.keyboard.type("Grandma")  # of these letters, none is a key here
    page.get_by_role("button", name="From behind").click()
    page.keyboard.press("Enter")
    page.get_by_text("from behind", exact=True).wait_for()
    assert there() == [("Grandma", "behind")]
    page.keyboard.press("Control+z")
    eventually(page, lambda: there() == [])
    page.get_by_role("button", name="Add a person without a face").click()
    page.keyboard.press("Escape")  # the box closes, the photo stays
    page.get_by_role("combobox").wait_for(state="detached")
    page.get_by_role("button", name="Add a person without a face").click()
    page.keyboard.type("Cy")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove Cy from this photo").click()
    page.get_by_role("button", name="Remove Cy from this photo").wait_for(state="detached")
    assert there() == []


def test_what_is_opened_before_an_answer_arrives_stays_open(page: Page, url: str) -> None:
    late: list[Callable[[], None]] | None = None

    def through(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(
            lambda said: socket.send(said) if late is None else late.append(lambda: socket.send(said))
        )

    page.route_web_socket(re.compile("_stcore/stream"), through)
    opened(page, url, "photo5.jpg")
    late = []
    page.locator(".side .row").first.click()
    page.get_by_role("button", name="Ignore").click()
    page.get_by_role("button", name="Add a person without a face").click()
    page.keyboard.type("Gran")
    eventually(page, lambda: len(late or ()) > 2)
    held, late = late, None
    for send in held:
        send()
    page.locator("[aria-busy=true]").wait_for(state="detached")
    idle(page)
    page.keyboard.type("ny")
    assert page.get_by_role("combobox").input_value() == "Granny"


def face_of(folder: Path, face: FaceView) -> FaceView:
    return next(one for one in faces(folder, face.photo_id) if one.id == face.id)


def test_a_box_is_resized_by_its_corner_and_drawn_by_a_button(page: Page, url: str, folder: Path) -> None:
    opened(page, url, "photo5.jpg")
    (before,) = faces(folder, NEWEST)
    page.locator(f"[data-key=face-{before.id}]").click()
    page.get_by_role("button", name="Move box").click()
    drag(page, (before.box.right, before.box.bottom), (before.box.right + 20, before.box.bottom + 10))
    page.get_by_role("button", name="Save box").click()
    eventually(page, lambda: face_of(folder, before).box.right > before.box.right + 15)
    assert face_of(folder, before).box.left == before.box.left
    page.get_by_role("button", name="Draw a face").click()
    drag(page, (5, 5), (45, 55))
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Name").wait_for()
    assert len(faces(folder, NEWEST)) == 2
    page.keyboard.press("Escape")  # the box for the name closes, the photo stays
    page.get_by_role("combobox", name="Name").wait_for(state="detached")
    stage(page).wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_thumbs_swipe_name_and_find_large_buttons(chromium: Browser, url: str, folder: Path) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page: Page = context.new_page()
    page.set_default_timeout(30_000)
    opened(page, url, "photo5.jpg")
    for name in ("Next photo", "Zoom in", "Draw a face"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None and box["height"] >= 44 and box["width"] >= 44
    photo, side = picture(page), page.locator(".side").bounding_box()
    assert side is not None and side["y"] >= photo["y"] + photo["height"], "people are below the photo"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    pinch_to_fit(page)
    shows(page, "photo5.jpg")
    idle(page)
    page.locator(".row").first.tap()
    page.get_by_role("combobox", name="Name").fill("Ada")
    page.get_by_role("option", name="New person “Ada”").tap()
    page.get_by_role("button", name="Ada", exact=True).wait_for()
    assert [face.person for face in faces(folder, NEWEST)] == ["Ada"]
    context.close()


def pinch_to_fit(page: Page) -> None:
    """Zoom in by a button, and out again by two fingers."""
    page.get_by_role("button", name="Zoom in").tap()
    page.locator(".stage.zoomed").wait_for()
    box, devtools = page.locator(".stage").bounding_box(), page.context.new_cdp_session(page)
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, apart in (
        ("touchStart", 140),
        ("touchMove", 90),
        ("touchMove", 40),
        ("touchMove", 20),
        ("touchEnd", 0),
    ):
        fingers = [{"x": x + apart * side, "y": y, "id": side + 1} for side in (-1, 1)] if apart else []
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    page.locator(".stage.zoomed").wait_for(state="detached")
    page.wait_for_timeout(300)


def test_a_photo_that_was_moved_is_found_again(page: Page, url: str, folder: Path) -> None:
    photos, elsewhere = folder.parent / "photos", folder.parent / "elsewhere"
    with Library.open(Settings(library=folder)) as library:
        library.people.name_faces([face.id for face in library.faces.of_photo(NEWEST)], "Ada")
    elsewhere.mkdir()
    (photos / "photo5.jpg").rename(elsewhere / "photo5.jpg")
    page.goto(f"{url}/photos")
    page.get_by_role("button", name="Open photo5.jpg").click()
    page.get_by_text(f"This photo is no longer at {photos / 'photo5.jpg'}. Was it moved?").wait_for()
    page.get_by_role("button", name="Ada", exact=True).wait_for()
    page.get_by_role("textbox", name="New location").fill(str(elsewhere))
    page.get_by_role("button", name="Find photo").click()
    stage(page).wait_for()
    assert page.locator("img.photo").evaluate("image => image.decode().then(() => image.naturalWidth)") == SIDE

    def found() -> bool:
        with Library.open(Settings(library=folder)) as library:
            return library.photos.get(NEWEST).path == str(elsewhere / "photo5.jpg")

    eventually(page, found)
    assert [face.person for face in faces(folder, NEWEST)] == ["Ada"]
    opened(page, url, "photo5.jpg")


def test_arrows_go_through_the_photos_of_a_person(page: Page, url: str, folder: Path) -> None:
    with Library.open(Settings(library=folder)) as library:
        ada = [library.faces.of_photo(photo)[0].id for photo in (NEWEST, NEWEST - 2)]
        person = library.people.name_faces(ada, "Ada").person_id
    page.goto(f"{url}/people?person={person}")
    page.locator(f"[data-id='{ada[0]}'] .open").click()
    shows(page, "photo5.jpg")
    idle(page)
    page.keyboard.press("ArrowRight")
    shows(page, "photo3.jpg")
    page.get_by_role("button", name="Next photo", disabled=True).wait_for()
    page.keyboard.press("ArrowLeft")
    shows(page, "photo5.jpg")
    page.get_by_role("button", name="Previous photo", disabled=True).wait_for()
