"""Rubbish from outside: one sentence with the right status, no traceback, no path of this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from faceid_core.library import Library
from faceid_core.settings import Settings
from tests import sharing
from tests.security.test_gradio_paths import ask, number_of
from tests.webapp.conftest import new_photo
from webapp import api, context, gradio_apps

RUBBISH: list[Any] = [
    None, True, -1, 0, 2**63, 10**400, 1e308, "", "\x00", "a\x00b", "👩🏽‍🚀", "../../etc/passwd", "/etc/passwd",
    "%00", "x" * 100_000, [], [[[]]], {}, {"path": None}, {"path": 7}, {"path": "\x00"}, {"path": "👩🏽‍🚀"},
    {"path": ["/etc/passwd"]}, {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
    {"url": "file:///etc/passwd", "meta": {"_type": "gradio.FileData"}},
    {"path": "x" * 5000, "meta": {"_type": "gradio.FileData"}},
]  # fmt: skip
LEAKS = re.compile(
    r"Traceback|File \"|site-packages|/root/|/home/|/tmp/|/usr/|faceid_core|webapp/|psycopg|sqlite3?\."
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("rubbish")
    settings = sharing.new_library(folder / "library")
    with Library.open(settings) as library:
        library.photos.add_many([new_photo(folder, 0)])
    context.configure(settings)
    yield settings
    context.close_libraries()


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(api.build(settings), raise_server_exceptions=False) as opened:
        yield opened


def check(answer: Any) -> None:
    """A refusal or an answer, and neither tells about the server."""
    assert answer.status_code < 500 or answer.status_code in (503, 507), answer.text[:300]
    if answer.headers.get("content-type", "").startswith("image/"):
        return
    assert not LEAKS.search(answer.text), answer.text[:300]
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error.endswith((".", "image")) and "\n" not in error and len(error) < 400, error


@pytest.mark.slow
def test_addresses(client: TestClient) -> None:
    from urllib.parse import quote

    for value in RUBBISH:
        text = quote(str(value)[:3000], safe="")
        for address in (f"/faces/{text}.jpg", f"/photos/{text}.jpg", f"/{text}", f"/faces/1.jpg?size={text}",
                        f"/faces/1.jpg?v={text}", f"/photos/1.jpg?size={text}&v={text}", f"/people?{text}={text}",
                        f"/counts?x={text}"):  # fmt: skip
            check(client.get(address))


def test_methods_and_bodies(client: TestClient) -> None:
    for address in ("/recognise", "/people", "/faces/1.jpg", "/nothing"):
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            check(client.request(method, address, content=b"\x00\xff"))
    for value in RUBBISH:
        check(client.post("/recognise", json=value))
        check(client.post("/recognise", data={"image": json.dumps(value)[:3000]}))
        named = {"image": ("👩🏽", b"x", "text/x")}
        check(client.post("/recognise", params={"threshold": str(value)[:50]}, files=named))


@pytest.mark.parametrize("boundary", ["", "=", "=\x00", "=" + "x" * 300])
def test_damaged_uploads(client: TestClient, boundary: str) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary{boundary}"}
    check(client.post("/recognise", content=b"--x\r\nContent-Disposition: ?\r\n\r\n[[[\x00", headers=headers))


def test_headers(client: TestClient) -> None:
    for value in ("\x7f", '"' * 5000, "W/*", "*", "%00"):
        check(client.get("/faces/1.jpg", headers={"If-None-Match": value}))


@pytest.fixture(scope="module")
def gradio_client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(gradio_apps.build(settings), raise_server_exceptions=False) as opened:
        yield opened


JOIN = "/group/gradio_api/queue/join"


@pytest.mark.slow
@pytest.mark.parametrize("event", ["show", "recognise"])
def test_gradio_events(gradio_client: TestClient, event: str) -> None:
    number = number_of(gradio_client, event)
    for at, value in enumerate(RUBBISH):
        session = f"rubbish-{event}-{at}"
        text = json.dumps({"data": [value], "fn_index": number, "session_hash": session})
        answer = gradio_client.post(JOIN, content=text, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500 or answer.status_code == 503, (value, answer.text[:300])
        assert not LEAKS.search(answer.text), answer.text[:300]
        if answer.status_code == 200:
            outcome = outcome_of(gradio_client, session)
            assert not LEAKS.search(outcome), (value, outcome[:400])


def outcome_of(client: TestClient, session: str) -> str:
    with client.stream("GET", "/group/gradio_api/queue/data", params={"session_hash": session}) as lines:
        return next(line for line in lines.iter_lines() if '"process_completed"' in line or "unexpected" in line)


def test_gradio_bodies(gradio_client: TestClient) -> None:
    for body in (b"", b"[", b"null", b"7", b'"x"', b"\xff\xfe", b'{"data": 7}', b'{"data": [], "fn_index": 10e400}',
                 b'{"data": [], "fn_index": -5, "session_hash": "x"}', b'{"data": [], "fn_index": 99999}',
                 b'{"data": [], "fn_index": "\\u0000", "session_hash": []}', b"[" * 100_000):  # fmt: skip
        answer = gradio_client.post(JOIN, content=body, headers={"Content-Type": "application/json"})
        assert not LEAKS.search(answer.text), (body[:60], answer.text[:300])
        assert 400 <= answer.status_code < 500, (body[:60], answer.status_code, answer.text[:300])


@pytest.mark.parametrize("name", ["\x00.jpg", "👩🏽‍🚀.jpg", "../../x.jpg", "x" * 5000 + ".jpg", "", "/etc/passwd"])
def test_gradio_uploads(gradio_client: TestClient, settings: Settings, name: str) -> None:
    sent = gradio_client.post("/group/gradio_api/upload", files={"files": (name, b"not a photo", "image/jpeg")})
    assert sent.status_code < 500, sent.text[:300]
    if sent.status_code == 200:
        (path,) = sent.json()
        assert Path(path).resolve().is_relative_to(settings.temporary_folder.resolve())
        assert "not an image" in json.dumps(ask(gradio_client, path, event="show", session=f"upload-{len(name)}"))
