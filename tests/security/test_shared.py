"""Shared pages: open to whoever has the link, and to nothing beyond it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from faceid_core.library import Library, PhotoQuery
from faceid_core.library import shares as shares_module
from faceid_core.media import annotate
from faceid_core.values import Box, Flag, utc_now
from webapp import context, shared
from webapp.guard import Guard
from webapp.proxy import FromProxy, PublicName

PASSWORD = "correct horse"
OWN = "http://localhost:8501"


@pytest.fixture
def people(filled: Library) -> Library:
    """Amal and Bo, each with the faces of a group."""
    for number, name in ((1, "Amal"), (2, "Bo")):
        faces = [face.id for face in filled.faces.of_cluster(number, limit=1000)]
        filled.people.name_faces(faces, name)
    return filled


@pytest.fixture
def client(people: Library) -> Iterator[TestClient]:
    context.configure(people.settings)
    middleware = [
        Middleware(FromProxy, trusted=["127.0.0.0/8"]),
        Middleware(Guard, hosts=["localhost"]),
        Middleware(PublicName),
    ]
    app = Starlette(routes=shared.SharedPages(lambda: people).routes(), middleware=middleware)
    yield TestClient(app, base_url=OWN, follow_redirects=False)
    context.close_libraries()


def share(library: Library, **options: object) -> str:
    """The path of a link to Amal."""
    query = PhotoQuery(people=(library.people.known("Amal").id,))
    return f"/share/{library.shares.add(query, **options)[1]}"  # type: ignore[arg-type]


def pictures(page: str) -> list[str]:
    return re.findall(r'<li><a href="[^"]*"><img loading="lazy" src="([^"]+)"', page)


def test_a_link_shows_its_photos_and_nobody_s_name(client: TestClient, people: Library) -> None:
    path = share(people)
    page = client.get(path)
    amal = people.people.known("Amal")
    assert page.status_code == 200
    assert len(pictures(page.text)) == amal.photos
    assert "Amal" not in page.text and "Bo" not in page.text
    assert people.photos.page()[0].path not in page.text and "album" not in page.text
    assert "<script" not in page.text
    for picture in pictures(page.text):
        answer = client.get(picture)
        assert answer.headers["Content-Type"] == "image/jpeg"
        photo = Image.open(io.BytesIO(answer.content))
        assert max(photo.size) <= 480 and not photo.getexif() and "exif" not in photo.info
    assert "Amal" in client.get(share(people, show_name=True)).text
    assert people.shares.all()[-1].views == 1


def test_the_page_is_kept_by_nobody_and_tells_nobody(client: TestClient, people: Library) -> None:
    page = client.get(share(people))
    for answer in (page, client.get(pictures(page.text)[0]), client.get("/share/never")):
        assert answer.headers["Cache-Control"].startswith("private, no-")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "script" not in answer.headers["Content-Security-Policy"]
    assert 'name="robots" content="noindex' in page.text


def test_expired_removed_and_unknown_links_are_the_same(
    client: TestClient, people: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired, removed = share(people, days=1), share(people)
    people.shares.remove(people.shares.all()[0].id)
    later = utc_now() + timedelta(days=2)
    monkeypatch.setattr(shares_module, "utc_now", lambda: later)
    answers = [client.get(path) for path in (expired, removed, "/share/never", f"/share/{'x' * 43}")]
    assert {answer.status_code for answer in answers} == {404}
    texts = {re.sub(r"/share/[^/\"]+(?=\")", "", answer.text) for answer in answers}
    assert len(texts) == 1 and "no longer valid" in texts.pop()
    assert client.get(f"{removed}/1.jpg").status_code == 404


def test_no_address_below_share_falls_through_to_the_app(people: Library) -> None:
    """The gate lets everybody through to them."""
    app = Route("/{path:path}", lambda _: PlainTextResponse("the app"), methods=["GET", "POST", "PUT", "DELETE"])
    client = TestClient(Starlette(routes=[*shared.SharedPages(lambda: people).routes(), app]), base_url=OWN)
    for path in ("/share/", "/share/a/b", "/share/a/b/c", f"{share(people)}/1.png", f"{share(people)}/media/1"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            assert client.request(method, path).status_code == 404
    assert client.get("/shares").text == "the app"


def test_nothing_beyond_the_link_can_be_read(client: TestClient, people: Library) -> None:
    path = share(people)
    mine = {int(re.findall(r"/(\d+)\.jpg", one)[0]) for one in pictures(client.get(path).text)}
    others = {photo.id for photo in people.photos.page(limit=1000)} - mine
    assert mine and others
    for number in (*others, 0, 10**9, 10**18, 10**30):
        assert client.get(f"{path}/{number}.jpg").status_code == 404
    for query in ("size=original", "size=download", "size=99999", "size="):
        assert client.get(f"{path}/{min(mine)}.jpg?{query}").status_code == 404
    assert client.get(f"{path}/{min(mine)}.jpg?size=large").status_code == 200
    for after in ("0", "-1", "x", "9" * 18, "9" * 400, "1 OR 1=1"):
        assert client.get(path, params={"after": after}).status_code == 200
    with_downloads = share(people, downloads=True)
    saved = client.get(f"{with_downloads}/{min(mine)}.jpg?size=download")
    assert saved.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.slow
def test_everybody_else_is_blurred_in_every_picture(client: TestClient, people: Library) -> None:
    """No detail of the others is left: within their boxes, the picture is as smooth as 16 mean colours make it."""
    blurred, plain = share(people), share(people, blur_others=False)
    amal = people.people.known("Amal").id
    photos = {face.photo_id for face in people.faces.of_person(amal, limit=1000)}
    seen = 0
    for number in photos:
        sizes = {size: [_pixels(client, f"{path}/{number}.jpg?size={size}") for path in (blurred, plain)]
                 for size in ("small", "large")}  # fmt: skip
        for face in people.faces.of_photo(number):
            for changed, original in sizes.values():
                scale = original.shape[1] / people.photos.get(number).width
                box = face.box.scaled(scale)
                if face.person_id == amal:
                    assert np.abs(_within(changed, box) - _within(original, box)).mean() < 8, "whose link it is"
                else:
                    assert _detail(_within(changed, box)) < 0.5 * _detail(_within(original, box))
                    seen += 1
    assert seen


def _pixels(client: TestClient, path: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(client.get(path).content)).convert("L"), np.float32)


def _within(pixels: np.ndarray, box: Box) -> np.ndarray:
    return pixels[max(0, round(box.top)) : round(box.bottom), max(0, round(box.left)) : round(box.right)]


def _detail(pixels: np.ndarray) -> float:
    """Mean difference between neighbours."""
    return float(np.abs(np.diff(pixels, axis=0)).mean() + np.abs(np.diff(pixels, axis=1)).mean())


def test_blurring_leaves_a_few_colours_and_reaches_over_edges() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    done = annotate.blurred(noise, [Box(40, 20, 80, 60), Box(-30, -30, 10, 10), Box(500, 500, 600, 600)])
    assert done.shape == noise.shape and not np.array_equal(done, noise)
    inside = done[20:60, 40:80].astype(np.float32)
    assert (
        np.abs(np.diff(inside, axis=0)).mean()
        < 4
        < np.abs(np.diff(noise[20:60, 40:80].astype(float), axis=0)).mean()
    )
    assert np.array_equal(done[75:, 100:], noise[75:, 100:])


def test_a_file_that_was_changed_since_is_not_shown_where_faces_must_be_blurred(
    client: TestClient, people: Library, tmp_path: Path
) -> None:
    path = share(people)
    numbers = [int(re.findall(r"/(\d+)\.jpg", one)[0]) for one in pictures(client.get(path).text)]
    opened = people.shares.open(path.removeprefix("/share/"))
    number = next(one for one in numbers if people.shares.photo(opened, one)[1])
    file = Path(people.photos.get(number).path)
    changed = tmp_path / file.name
    Image.open(file).rotate(180).save(changed)
    with people._database.write() as session:
        from sqlalchemy import text

        for table in ("photo", "source"):
            session.execute(
                text(f"UPDATE {table} SET path = :new WHERE path = :old"), {"new": str(changed), "old": str(file)}
            )
    assert client.get(f"{path}/{number}.jpg").status_code == 404
    changed.unlink()
    assert client.get(f"{path}/{number}.jpg").status_code == 404


def test_who_is_hidden_or_erased_is_gone_at_once(client: TestClient, people: Library) -> None:
    path = share(people)
    picture = pictures(client.get(path).text)[0]
    number = int(re.findall(r"/(\d+)\.jpg", picture)[0])
    amal = people.people.known("Amal").id
    face = next(face for face in people.faces.of_photo(number) if face.person_id == amal)
    people.faces.flag([face.id], Flag.HIDDEN)
    assert client.get(picture).status_code == 404
    people.erasing.person(amal)
    assert client.get(path).status_code == 404


# --- passwords --------------------------------------------------------------------------------------------------
def unlock(client: TestClient, path: str, password: str, **headers: str) -> int:
    headers = {"Origin": OWN, **headers}
    return client.post(path, data={"password": password}, headers=headers).status_code


@pytest.mark.slow
def test_a_password_is_asked_for_before_anything_is_shown(client: TestClient, people: Library) -> None:
    path = share(people, password=PASSWORD, show_name=True)
    asked = client.get(path)
    assert asked.status_code == 200 and "Password" in asked.text
    assert "Amal" not in asked.text and not pictures(asked.text)
    assert asked.headers["Referrer-Policy"] == "same-origin"  # with no-referrer, the form's Origin would be null
    number = people.faces.of_person(people.people.known("Amal").id)[0].photo_id
    assert client.get(f"{path}/{number}.jpg").status_code == 404
    assert people.shares.all()[0].views == 0
    assert unlock(client, path, "wrong horse") == 401
    assert unlock(client, path, PASSWORD, Origin="http://evil.example") == 403
    answer = client.post(path, data={"password": PASSWORD}, headers={"Origin": OWN})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and f"Path={path}" in cookie and "SameSite=lax" in cookie
    assert pictures(client.get(path).text) and client.get(f"{path}/{number}.jpg").status_code == 200
    other = share(people, password=PASSWORD)
    assert not pictures(client.get(other).text)  # the cookie opens one link only


@pytest.mark.slow
def test_whoever_guesses_has_to_wait(client: TestClient, people: Library) -> None:
    path = share(people, password=PASSWORD)
    statuses = [unlock(client, path, f"guess {number}") for number in range(7)]
    assert statuses[:5] == [401] * 5 and statuses[-1] == 429
    waiting = client.post(path, data={"password": PASSWORD}, headers={"Origin": OWN})
    assert waiting.status_code == 429 and int(waiting.headers["Retry-After"]) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("data", [{}, {"password": ""}, {"password": "x" * 3000}, {"other": PASSWORD}])
def test_a_form_without_the_password_opens_nothing(
    client: TestClient, people: Library, data: dict[str, str]
) -> None:
    path = share(people, password=PASSWORD)
    assert client.post(path, data=data, headers={"Origin": OWN}).status_code == 401
    assert client.post(path, content=b"x" * 9000, headers={"Origin": OWN}).status_code == 413
    assert client.post("/share/never", data={"password": PASSWORD}, headers={"Origin": OWN}).status_code == 404


def test_cookies_that_nobody_gave_open_nothing(client: TestClient, people: Library) -> None:
    path = share(people, password=PASSWORD)
    number = people.shares.all()[0].id
    for value in ("", "x", "ä", "0" * 64):
        answer = client.get(path, headers={b"Cookie": f"faceid_share_{number}={value}".encode()})
        assert not pictures(answer.text)
