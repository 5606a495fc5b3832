"""The recognisers take uploaded pictures only, tell nobody what is on the disk, and share their time out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from faceid_core.errors import BadInput
from faceid_core.media import images
from faceid_core.settings import Settings
from webapp import context, gradio_apps
from webapp.gradio_actions import NO_PICTURE, uploaded

API = "/group/gradio_api"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(library=tmp_path_factory.mktemp("gradio") / "library")


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    context.configure(settings)
    with TestClient(gradio_apps.build(settings)) as opened:
        yield opened


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody's picture that was never uploaded."""
    path = tmp_path_factory.mktemp("private") / "picture.jpg"
    path.write_bytes(images.encode_jpeg(np.full((60, 80, 3), 120, np.uint8)))
    return path


def number_of(client: TestClient, name: str, app: str = "group") -> int:
    """Of the event whose function has this name."""
    events = client.get(f"/{app}/config").json()["dependencies"]
    return next(int(event["id"]) for event in events if event["api_name"] == name)


def ask(client: TestClient, path: str, *, event: str, session: str = "abc", app: str = "group") -> dict[str, Any]:
    """The outcome of an event on a picture at a path, as the page asks for it."""
    picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [picture], "fn_index": number_of(client, event, app), "session_hash": session}
    joined = client.post(f"/{app}/gradio_api/queue/join", json=body)
    if joined.status_code != 200:
        return {"status": joined.status_code, "text": joined.text}
    with client.stream("GET", f"/{app}/gradio_api/queue/data", params={"session_hash": session}) as lines:
        for line in lines.iter_lines():
            if line.startswith("data:") and '"process_completed"' in line:
                outcome: dict[str, Any] = json.loads(line[5:])
                return outcome
    raise AssertionError("no outcome")


@pytest.mark.parametrize("event", ["show", "recognise"])
def test_a_picture_elsewhere_on_the_disk_is_not_read(
    client: TestClient, settings: Settings, outside: Path, event: str
) -> None:
    answers = []
    for path in (str(outside), str(outside.with_name("nothing.jpg")), "/dev/zero", "/etc/passwd"):
        found = ask(client, path, event=event)
        assert not found.get("success")
        answers.append(json.dumps(found.get("output"), sort_keys=True).replace(path, "PATH"))
    assert len(set(answers)) == 1  # nothing tells what is there from what is not
    assert str(outside.parent) not in answers[0]
    assert not list(settings.temporary_folder.rglob("*.jpg"))


def test_an_uploaded_picture_is_read(client: TestClient, outside: Path) -> None:
    sent = client.post(f"{API}/upload", files={"files": ("photo.jpg", outside.read_bytes(), "image/jpeg")})
    (path,) = sent.json()
    found = ask(client, path, event="show")
    assert "No recogniser" in json.dumps(found)  # it got as far as asking for one, which is not there


@pytest.mark.parametrize("app", ["single", "group"])
def test_our_reader_is_the_only_decoder_however_often_a_session_asks(client: TestClient, app: str) -> None:
    bad = client.post(f"/{app}/gradio_api/upload", files={"files": ("photo", b"no photo", "image/jpeg")}).json()[0]
    for _ in range(2):
        found = ask(client, bad, event="show", session="again", app=app)
        assert found["success"] and "not an image" in json.dumps(found)


def test_only_regular_files_of_the_upload_folder_count(settings: Settings, outside: Path) -> None:
    folder = settings.temporary_folder / "x"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "good.jpg").write_bytes(outside.read_bytes())
    (folder / "link.jpg").symlink_to(outside)
    assert uploaded(str(folder / "good.jpg"), settings) == str((folder / "good.jpg").resolve())
    for path in (
        folder / "link.jpg",
        folder,
        folder / ".." / ".." / "faceid.db",
        folder / "gone.jpg",
        Path("/dev/zero"),
    ):
        with pytest.raises(BadInput, match=NO_PICTURE):
            uploaded(str(path), settings)


def test_one_tab_can_not_fill_the_queue(client: TestClient, outside: Path) -> None:
    sent = client.post(f"{API}/upload", files={"files": ("photo.jpg", outside.read_bytes(), "image/jpeg")})
    picture = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
    body = {"data": [picture], "fn_index": number_of(client, "show"), "session_hash": "greedy"}
    answers = [client.post(f"{API}/queue/join", json=body).status_code for _ in range(12)]
    assert answers.count(503) >= 12 - gradio_apps.PER_SESSION - 2
    assert ask(client, sent.json()[0], event="show", session="modest")  # somebody else is served
