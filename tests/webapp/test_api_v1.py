"""/api/v1: drawn people through the real networks, and what can't be used."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.recognition import model_files
from faceid_core.recognition.openset import Calibration
from faceid_core.sample.identity import invent
from faceid_core.sample.scene import photograph
from faceid_core.settings import Settings
from faceid_core.steps import faces_of
from tests.webapp.test_api import Known
from webapp import api

TIMES = ("detect", "embed", "verify", "recognise")


def drawn(people: list[int], seed: int) -> bytes:
    image, _ = photograph([invent(person, 1) for person in people], (640, 480), np.random.default_rng(seed))
    return images.encode_jpeg(np.asarray(image))


@pytest.fixture(scope="module")
def photos() -> dict[str, bytes]:
    nobody = images.encode_jpeg(np.full((100, 100, 3), 120, np.uint8))
    return {"ada": drawn([0], 5), "ada again": drawn([0], 6), "both": drawn([0, 1], 7), "nobody": nobody}


@pytest.fixture
def client(library: Library, settings: Settings) -> Iterator[TestClient]:
    with TestClient(api.build(settings), raise_server_exceptions=False) as client:
        yield client


def sent(client: TestClient, address: str, image: bytes, other: bytes | None = None) -> Any:
    files = {"image": ("a.jpg", image, "image/jpeg")}
    if address == "verify":
        files["other"] = ("b.jpg", image if other is None else other, "image/jpeg")
    return client.post(f"/v1/{address}", files=files)


@pytest.mark.slow
def test_faces_are_found_and_have_vectors(client: TestClient, photos: dict[str, bytes]) -> None:
    found = sent(client, "detect", photos["both"]).json()
    assert (found["width"], found["height"], len(found["faces"])) == (640, 480, 2)
    assert found["faces"][0]["box"][0] < found["faces"][1]["box"][0]
    assert len(found["faces"][0]["landmarks"]) == 5 and 0 < found["faces"][0]["quality"]["score"] <= 1
    embedded = sent(client, "embed", photos["both"]).json()
    assert embedded["embedder"] == "dlib-resnet+mirror"
    assert [len(face["vector"]) for face in embedded["faces"]] == [128, 128]
    assert embedded["faces"][0]["box"] == found["faces"][0]["box"]
    assert sent(client, "detect", photos["nobody"]).json()["faces"] == []


@pytest.mark.slow
def test_two_photos_of_one_person_and_of_two(
    client: TestClient, photos: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    same = sent(client, "verify", photos["ada"], photos["ada again"]).json()
    assert same["same_person"] and same["distance"] < same["threshold"]
    other = sent(client, "verify", photos["ada"], drawn([1], 5)).json()
    assert other["distance"] > same["distance"]
    between = (same["distance"] + other["distance"]) / 2  # drawn people are nearer to each other than real ones
    monkeypatch.setattr(faces_of, "space", lambda library: ("dlib-resnet+mirror", between))
    answers = [sent(client, "verify", photos["ada"], each).json() for each in (photos["ada again"], drawn([1], 5))]
    assert [answer["same_person"] for answer in answers] == [True, False]
    refused = sent(client, "verify", photos["ada"], photos["nobody"])
    assert refused.status_code == 422 and "“other”" in refused.json()["error"]


def test_the_stable_address_recognises_as_the_old_one(
    client: TestClient, photos: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceid_core.steps import recognise

    monkeypatch.setattr(recognise, "load_recogniser", lambda library: Known())
    new = sent(client, "recognise", photos["ada"]).json()
    assert new == client.post("/recognise", files={"image": ("a.jpg", photos["ada"], "image/jpeg")}).json()


@pytest.mark.parametrize("address", TIMES)
@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "the file is empty"), (b"hello", "not an image"), (b"%PDF-1.7", "a PDF document, not a photo")],
)
def test_what_is_no_photo(client: TestClient, address: str, data: bytes, reason: str) -> None:
    answer = sent(client, address, data)
    assert answer.status_code == 422 and reason in answer.json()["error"]


@pytest.mark.parametrize("address", TIMES)
def test_too_many_pixels(settings: Settings, library: Library, address: str, photos: dict[str, bytes]) -> None:
    with TestClient(api.build(settings.model_copy(update={"max_megapixels": 0.1}))) as client:
        answer = sent(client, address, photos["both"])
    assert answer.status_code == 413 and "megapixels" in answer.json()["error"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_counts_by_its_first_picture(client: TestClient, photos: dict[str, bytes], kind: str) -> None:
    first, file = Image.open(io.BytesIO(photos["ada"])), io.BytesIO()
    first.save(file, kind, save_all=True, append_images=[Image.new("RGB", first.size)], duration=50)
    assert len(sent(client, "detect", file.getvalue()).json()["faces"]) == 1


def test_a_video_is_told_apart_from_a_damaged_photo(client: TestClient) -> None:
    answer = sent(client, "recognise", b"\0\0\0\x18ftypmp42" + bytes(100))
    assert answer.status_code == 422 and answer.json()["error"].endswith("it is a video; send a photo.")


def _trained(settings: Settings, library: Library, embedder: str) -> Path:
    """A recogniser that was trained for this embedder; the folder of its files."""
    rows = {"rows": np.eye(2, 128, dtype=np.float32)}
    model = model_files.StoredModel(("Ada", "Bo"), embedder, 0.5, Calibration(1, 0), rows, {})
    folder = model_files.write(model, settings.models_folder)
    library.models.add(embedder, ["Ada", "Bo"], {}, 0.5, {}, folder.name)
    return folder


@pytest.mark.parametrize("harm", ["another embedder", "missing", "cut off", "pickle"])
def test_a_recogniser_that_can_not_be_used(
    client: TestClient, settings: Settings, library: Library, photos: dict[str, bytes], harm: str
) -> None:
    folder = _trained(settings, library, "sface" if harm == "another embedder" else "dlib-resnet+mirror")
    for file in folder.iterdir():
        if harm == "missing":
            file.unlink()
        elif harm == "cut off":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        elif harm == "pickle":
            file.write_bytes(pickle.dumps({"rows": [1.0]}))
    answer = sent(client, "recognise", photos["nobody"])
    sentence = answer.json()["error"]
    assert answer.status_code == 409 and "train again" in sentence, sentence
    assert str(settings.models_folder) not in sentence and sentence.count(". ") == 0


@pytest.mark.slow
def test_only_recognising_takes_a_recogniser(client: TestClient, photos: dict[str, bytes]) -> None:
    assert [sent(client, address, photos["ada"]).status_code for address in TIMES] == [200, 200, 200, 409]


def test_the_page_about_the_api_names_everything_and_asks_nobody(client: TestClient) -> None:
    text = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in text
    assert "&quot;name&quot;: &quot;Ada&quot;" in text
    assert "<script" not in text and "https://" not in text
