from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from faceid_core.errors import NotFound
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.media.source import Photograph
from faceid_core.settings import Settings
from faceid_core.values import Actor, Box, ConsentState, Flag, Guess, Recognised, Role
from tests import videos
from tests.webapp.conftest import new_photo
from webapp import api, context, markup, picture_cache
from webapp.people_list import people_address

ADA = Recognised(Box(10, 20, 60, 80), "Ada", 0.93, (Guess("Bo", 0.05),), 1.1)
NOBODY = Recognised(Box(90, 20, 140, 80), None, 0.4, (Guess("Bo", 0.4),), 1.0)


class Known:
    """A recogniser that has made up its mind."""

    def recognise(
        self, image: np.ndarray, *, threshold: float | None = None, go_on: Callable[[], None] = lambda: None
    ) -> list[Recognised]:
        go_on()
        assert image.dtype == np.uint8 and image.shape[2] == 3
        return [ADA] if threshold and threshold > 0.5 else [ADA, NOBODY]


@pytest.fixture
def client(filled: Library, settings: Settings) -> Iterator[TestClient]:
    with TestClient(api.build(settings), raise_server_exceptions=False) as client:
        yield client


def _size(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


def test_a_face_is_its_crop(client: TestClient, filled: Library) -> None:
    response = client.get("/faces/1.jpg")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert response.content == filled.faces.crop(1)


def test_a_face_can_be_smaller(client: TestClient) -> None:
    assert _size(client.get("/faces/1.jpg?size=64").content) == (64, 64)


def test_a_picture_that_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/faces/1.jpg")
    tag = first.headers["etag"]
    assert tag.startswith('"') and tag != client.get("/faces/2.jpg").headers["etag"]
    again = client.get("/faces/1.jpg", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_only_addresses_of_this_server_run_are_cached_unseen(client: TestClient) -> None:
    assert "immutable" in client.get(markup.face_url(1).removeprefix("/api")).headers["cache-control"]
    assert "no-cache" in client.get("/faces/1.jpg").headers["cache-control"]
    assert "no-cache" in client.get("/faces/1.jpg?v=another").headers["cache-control"]


def test_a_photo_is_made_small(client: TestClient) -> None:
    response = client.get("/photos/1.jpg?size=120")
    assert response.status_code == 200
    assert _size(response.content) == (120, 120)


def test_a_photo_is_upright(client: TestClient, filled: Library, tmp_path: Path) -> None:
    path = Path(filled.photos.get(1).path)
    lying = Image.new("RGB", (200, 100), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.save(path, exif=exif)
    assert _size(client.get("/photos/1.jpg?size=100").content) == (50, 100)


def test_a_changed_file_gives_a_new_picture(client: TestClient, filled: Library) -> None:
    before = client.get("/photos/1.jpg?size=100").content
    path = Path(filled.photos.get(1).path)
    Image.new("RGB", (240, 240), "red").save(path)
    assert client.get("/photos/1.jpg?size=100").content != before


def test_a_photo_whose_file_is_gone(client: TestClient, filled: Library) -> None:
    Path(filled.photos.get(1).path).unlink()
    response = client.get("/photos/1.jpg")
    assert response.status_code == 404
    assert "is no longer where it was imported from" in response.json()["error"]


def test_a_photo_that_can_not_be_read(client: TestClient, filled: Library) -> None:
    (broken,) = [photo for photo in filled.photos.page() if photo.error]
    response = client.get(f"/photos/{broken.id}.jpg")
    assert (response.status_code, response.json()) == (422, {"error": "not an image"})


@pytest.mark.parametrize("address", ["/faces/999.jpg", "/photos/999.jpg"])
def test_a_number_that_is_not_there(client: TestClient, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "999" in response.json()["error"]


@pytest.mark.parametrize(
    "address", ["/photos/..%2F..%2Fetc%2Fpasswd.jpg", "/faces/x.jpg", "/faces/1.jpg?size=99999", "/photos/-1;.jpg"]
)
def test_what_is_no_number_is_refused(client: TestClient, address: str) -> None:
    assert client.get(address).status_code in {404, 422}


def test_counts_people_and_health(client: TestClient, filled: Library) -> None:
    filled.people.name_faces([1, 3], "Ada")
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/counts").json()["faces"] == 6
    (ada,) = client.get("/people").json()
    assert (ada["name"], ada["faces"]) == ("Ada", 2)


def test_its_description_has_every_schema_that_it_refers_to(client: TestClient) -> None:
    described = client.get("/openapi.json").text
    named = set(re.findall(r'"#/components/schemas/(\w+)"', described))
    assert "Refusal" in named
    assert named <= set(json.loads(described)["components"]["schemas"])


# --- recognition ------------------------------------------------------------------------------------------------
def _upload() -> dict[str, tuple[str, bytes, str]]:
    return {"image": ("group.jpg", images.encode_jpeg(np.zeros((100, 200, 3), np.uint8)), "image/jpeg")}


@pytest.fixture
def recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    from faceid_core.steps import recognise

    monkeypatch.setattr(recognise, "load_recogniser", lambda library: Known())


def test_recognise_without_a_model(client: TestClient) -> None:
    response = client.post("/recognise", files=_upload())
    assert response.status_code == 409
    assert "train" in response.json()["error"]


def test_recognise(client: TestClient, recogniser: None) -> None:
    found = client.post("/recognise", files=_upload()).json()
    assert found["photo"] == "group.jpg"
    assert [face["name"] for face in found["faces"]] == ["Ada", None]
    assert found["faces"][0]["probability"] == pytest.approx(0.93)


def test_the_threshold_is_passed_on(client: TestClient, recogniser: None) -> None:
    assert len(client.post("/recognise?threshold=0.9", files=_upload()).json()["faces"]) == 1
    assert client.post("/recognise?threshold=7", files=_upload()).status_code == 422


@pytest.mark.parametrize(("data", "reason"), [(b"", "the file is empty"), (b"hello", "not an image")])
def test_an_upload_that_is_no_photo(client: TestClient, recogniser: None, data: bytes, reason: str) -> None:
    response = client.post("/recognise", files={"image": ("x.jpg", data, "image/jpeg")})
    assert response.status_code == 422
    assert reason in response.json()["error"]


def test_an_upload_that_is_missing(client: TestClient) -> None:
    response = client.post("/recognise", files={"other": ("x.jpg", b"x", "image/jpeg")})
    assert response.status_code == 422
    assert "image" in response.json()["error"]


def test_an_upload_that_is_too_large(filled: Library, settings: Settings) -> None:
    with TestClient(api.build(settings.model_copy(update={"max_upload_mb": 1}))) as client:
        response = client.post("/recognise", files={"image": ("x.jpg", b"x" * 1_100_000, "image/jpeg")})
        assert response.status_code == 413
        assert "larger than 1 MB" in response.json()["error"]
        chunked = client.post("/recognise", content=iter([b"x" * 100]))
        assert chunked.status_code == 411


def test_a_bug_is_no_traceback(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(context.library()), "counts", lambda self: 1 / 0)
    response = client.get("/counts")
    assert response.status_code == 500
    assert "ZeroDivision" not in response.text and "log" in response.json()["error"]


def test_the_cache_forgets_the_oldest() -> None:
    cache = picture_cache.Cache(limit=10)
    made: list[str] = []

    def get(name: str) -> bytes:
        return cache.get((name,), lambda: made.append(name) or b"1234")  # type: ignore[func-returns-value]

    for name in ("a", "b", "a", "c", "a", "b"):
        assert get(name) == b"1234"
    assert made == ["a", "b", "c", "b"]


def test_a_picture_of_a_video_is_shown_as_long_as_the_video_is_there(
    client: TestClient, filled: Library, tmp_path: Path
) -> None:
    video = videos.write(tmp_path / "a.mp4", videos.greys(3))
    (added,) = filled.photos.add_many([replace(new_photo(tmp_path / "photos", 7), path=f"{video}#t=2")])
    response = client.get(f"/photos/{added.photo_id}.jpg?size=32")
    assert _size(response.content) == (32, 24)
    assert np.asarray(Image.open(io.BytesIO(response.content))).mean() == pytest.approx(20 + 200 * 2 / 3, abs=4)
    video.unlink()
    response = client.get(f"/photos/{added.photo_id}.jpg?size=32")
    assert (response.status_code, "a.mp4 is no longer" in response.json()["error"]) == (404, True)


def test_boxes_are_drawn_moved_and_taken_away(client: TestClient, filled: Library) -> None:
    edges = {"left": 180, "top": 180, "right": 230, "bottom": 235}
    made = client.post("/photos/1/faces", json=edges).json()
    assert (made["box"], made["photo_id"], made["person"]) == ([180, 180, 230, 235], 1, None)
    moved = client.put(f"/faces/{made['id']}/box", json={**edges, "left": 170}).json()
    assert moved["box"] == [170, 180, 230, 235]
    assert [face["id"] for face in client.get("/photos/1/faces").json()] == [1, made["id"]]
    assert client.delete(f"/faces/{made['id']}").json()["flag"] == "not_a_face"
    for _ in range(3):
        filled.journal.undo()
    assert len(filled.faces.of_photo(1)) == 1
    refused = client.post("/photos/1/faces", json={**edges, "right": 181})
    assert refused.status_code == 400 and "too small" in refused.json()["error"]
    assert client.post("/photos/99/faces", json=edges).status_code == 404
    assert client.put("/faces/99/box", json=edges).status_code == 404
    assert client.delete("/faces/99").status_code == 404
    assert client.post("/photos/1/faces", json={**edges, "left": "a"}).status_code == 422


PORTRAIT = "/faces/1.jpg?portrait=true"


def test_a_portrait_is_cut_from_the_photo_with_some_room(client: TestClient, filled: Library) -> None:
    """Upright, 1.35 times as wide as the box (140 px), without black borders, and not the aligned crop."""
    picture = images.decode_jpeg(client.get(PORTRAIT).content)
    assert picture.shape == (189, 189, 3)
    original = images.read(filled.photos.get(1).path).pixels[26:215, 26:215]
    assert np.abs(picture.astype(int) - original).mean() < 4
    assert client.get(f"{PORTRAIT}&size=64&v={markup.CACHE_TOKEN}").headers["cache-control"].endswith("immutable")
    assert _size(client.get(f"{PORTRAIT}&size=64").content) == (64, 64)


def test_a_portrait_moves_with_its_box_and_stays_within_the_photo(client: TestClient, filled: Library) -> None:
    before, address = client.get(PORTRAIT).content, markup.face_url(1, box=filled.faces.get(1).box)
    filled.faces.move(1, Box(200, 200, 240, 240))
    assert client.get(PORTRAIT).content != before
    assert markup.face_url(1, box=filled.faces.get(1).box) != address
    picture = images.decode_jpeg(client.get(PORTRAIT).content)
    original = images.read(filled.photos.get(1).path).pixels[186:240, 186:240]
    assert picture.shape == original.shape and np.abs(picture.astype(int) - original).mean() < 6


def test_without_its_photo_the_aligned_crop_stands_in(client: TestClient, filled: Library) -> None:
    Path(filled.photos.get(1).path).unlink()
    answer = client.get(f"{PORTRAIT}&v={markup.CACHE_TOKEN}")
    assert answer.content == filled.faces.crop(1)
    assert "immutable" not in answer.headers["cache-control"], "the photo may come back"


def test_who_refused_or_is_hidden_has_no_portrait(client: TestClient, filled: Library) -> None:
    shown = client.get(PORTRAIT).content
    ada = filled.people.name_faces([1], "Ada").person_id
    filled.consents.set(ada, ConsentState.REFUSED)
    assert client.get(PORTRAIT).content not in (shown, b"")
    assert client.get(PORTRAIT).content == client.get("/faces/1.jpg").content  # the silhouette
    assert filled.faces.place(1) is None
    viewer = filled.acting_as(Actor("Vera", Role.VIEWER))
    filled.faces.flag([2], Flag.HIDDEN)
    with pytest.raises(NotFound):
        viewer.faces.place(2)


def test_other_faces_of_a_photo_come_with_one_look(
    client: TestClient, filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = filled.faces.add(1, Box(0, 20, 200, 220)).face_id
    read, looks = images.read, []

    def look(*args: Any, **kwargs: Any) -> Photograph:
        looks.append(args)
        return read(*args, **kwargs)

    monkeypatch.setattr(images, "read", look)
    assert client.get(PORTRAIT).status_code == client.get(f"/faces/{other}.jpg?portrait=true").status_code == 200
    assert len(looks) == 1


def test_a_box_for_names_gets_the_people_by_an_address_that_tells_their_names(
    filled: Library, client: TestClient
) -> None:
    ada = filled.people.name_faces([1, 2], "Ada").person_id
    filled.people.name_faces([3], "Bo")
    first = people_address(filled.people.all())
    found = client.get(first.removeprefix("/api"))
    assert [(one["name"], one["note"]) for one in found.json()] == [("Ada", "2 faces"), ("Bo", "1 face")]
    assert found.headers["cache-control"] == "no-store"
    filled.people.name_faces([4], "Bo")
    assert people_address(filled.people.all()) == first
    filled.people.describe(ada, name="Adele")
    second = people_address(filled.people.all())
    filled.people.describe(ada, hidden=True)
    third = people_address(filled.people.all())
    assert len({first, second, third}) == 3
    assert [one["name"] for one in client.get(third.removeprefix("/api")).json()] == ["Bo"]


def test_a_body_that_is_no_json_is_not_taken_for_a_photo(client: TestClient) -> None:
    answer = client.post("/v1/jobs", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and "JSON" in answer.json()["error"]
    deep = client.post("/v1/jobs", content=b"[" * 100_000, headers={"Content-Type": "application/json"})
    assert (deep.status_code, deep.json()["error"]) == (400, api.BAD_JSON)
