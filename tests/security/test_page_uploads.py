"""What open pages upload: Streamlit keeps it in memory and Gradio on the disk, so it is not everybody's to send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from faceid_core.library import Library
from faceid_core.values import Role
from tests.security.gates import GOOD, OWN, echo, sign_in
from webapp.access import uploads
from webapp.access.gate import Gate
from webapp.access.identity import Visitors
from webapp.access.pages import Pages
from webapp.access.sessions import Sessions
from webapp.access.uploads import Uploads

PAGE, RECOGNISER = "/_stcore/upload_file/session/file", "/gradio/group/gradio_api/upload"


@pytest.fixture
def client(library: Library) -> TestClient:
    """A browser in front of the gate and of an app that takes every upload."""
    visitors, sessions = Visitors(library), Sessions(library.settings)
    app = Starlette(
        routes=[
            *Pages(visitors, sessions).routes(),
            Route("/{path:path}", echo, methods=["POST", "PUT", "DELETE"]),
        ],
        middleware=[
            Middleware(Gate, visitors=visitors, sessions=sessions),
            Middleware(Uploads, visitors=visitors, folder=library.settings.library),
        ],
    )
    return TestClient(app, base_url=OWN, follow_redirects=False)


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.EDITOR, 403), (Role.OWNER, 200)])
def test_only_owners_fill_the_memory(role: Role, status: int, client: TestClient, library: Library) -> None:
    assert client.put(PAGE, content=b"x").status_code == 200  # without a user, everybody is the owner
    library.users.add("Ada", Role.OWNER, GOOD)
    library.users.add("Bo", role, GOOD)
    assert client.put(PAGE, content=b"x").status_code == 401
    sign_in(client, "Bo")
    assert client.put(PAGE, content=b"x").status_code == client.delete(PAGE).status_code == status
    assert client.post(RECOGNISER, content=b"x").status_code == 200


def test_uploads_leave_room_on_the_disk(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Disk:
        total, free = 100 << 30, (1 << 30) + 10

    monkeypatch.setattr("webapp.access.uploads.shutil.disk_usage", lambda _: Disk)
    assert client.post(RECOGNISER, content=b"x" * 10).status_code == 200
    answer = client.post(RECOGNISER, content=b"x" * 11)
    assert (answer.status_code, answer.json()) == (507, {"error": uploads.NO_ROOM})
    Disk.total, Disk.free = 1 << 30, 60 << 20  # a small disk
    assert client.post(RECOGNISER, content=b"x").status_code == 200


def test_an_upload_without_a_length_is_refused(client: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"

    answer: Any = client.post(RECOGNISER, content=pieces())
    assert answer.status_code == 411
