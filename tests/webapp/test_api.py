from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.values import Box, Guess, Recognised
from tests import videos
from tests.webapp.conftest import new_photo
from webapp import api, context, markup

ADA = Recognised(Box(10, 20, 60, 80), "Ada", 0.93, (Guess("Bo", 0.05),), 1.1)
NOBODY = Recognised(Box(90, 20, 140, 80), None, 0.4, (Guess("Bo", 0.4),), 1.0)


class Known:
    """A recogniser that has made up its mind."""

    def recognise(self, image: np.ndarray, *, threshold: float | None = None) -> list[Recognised]:
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
    cache = api.Cache(limit=10)
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
