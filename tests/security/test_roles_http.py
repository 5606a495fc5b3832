"""Every address and every event as nobody, viewer, editor and owner, through the whole server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.routing import BaseRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.values import Role
from webapp import api, context, server

HOST, LIVE = "http://localhost", "ws://localhost/api/v1/live"
NOBODY = "nobody"
VISITORS = [NOBODY, *Role]
FOR_OWNERS = {"/audit.csv", "/exports/faces.csv", "/originals.zip", "/recognisers/1.zip"}
EDITED = {"/photos/1/faces", "/v1/jobs"}
FOR_EDITORS = {
    ("POST", "/photos/1/faces"),
    ("PUT", "/faces/1/box"),
    ("DELETE", "/faces/1"),
    ("POST", "/v1/jobs"),
    ("DELETE", "/v1/jobs/1"),
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(library=tmp_path_factory.mktemp("roles") / "library")


@pytest.fixture(scope="module")
def client(settings: Settings, own_runtime: None) -> Iterator[TestClient]:
    app = server.build_app(settings, worker=False)
    for role in Role:
        context.visitors().library.users.add(f"{role}s", role)
    with TestClient(app, base_url=HOST, raise_server_exceptions=False, follow_redirects=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def tokens(client: TestClient) -> dict[str, dict[str, str]]:
    """Headers by which somebody of each role shows who they are."""
    keep = context.visitors().library.tokens
    secrets = {str(role): keep.add(f"of {role}", user=f"{role}s") for role in Role}
    return {NOBODY: {}} | {role: {"Authorization": f"Bearer {secret}"} for role, secret in secrets.items()}


def addresses(settings: Settings) -> list[tuple[str, str]]:
    """(method, path) of everything the API answers."""
    routes: list[BaseRoute] = api.build(settings).routes
    given = {
        "{face_id}": "1",
        "{photo_id}": "1",
        "{name}": "faces.csv",
        "{number}": "1",
        "{person_id}": "1",
        "{job_id}": "1",
    }
    found = []
    for route in routes:
        path: str = getattr(route, "path")  # noqa: B009
        for name, value in given.items():
            path = path.replace(name, value)
        found += [(method, path) for method in getattr(route, "methods", None) or ()]
    return sorted(found)


def events(client: TestClient, headers: dict[str, str]) -> list[tuple[str, int]]:
    """(app, number) of every event of the recognisers, those for the page among them."""
    return [
        (app, int(event["id"]))
        for app in ("single", "group")
        for event in client.get(f"/gradio/{app}/config", headers=headers).json()["dependencies"]
    ]


def picture() -> dict[str, Any]:
    photo = ("a.jpg", images.encode_jpeg(np.full((60, 80, 3), 120, np.uint8)), "image/jpeg")
    return {"image": photo, "other": photo}


@pytest.mark.slow
@pytest.mark.parametrize("visitor", VISITORS)
def test_every_address_of_the_api(
    client: TestClient, settings: Settings, tokens: dict[str, dict[str, str]], visitor: str
) -> None:
    found = addresses(settings)
    assert {path for _, path in found} >= {
        "/faces/1.jpg",
        "/photos/1.jpg",
        "/people",
        "/counts",
        "/recognise",
        "/v1/verify",
    }
    for method, path in found:
        body: dict[str, Any] = {"files": picture()} if method == "POST" and path not in EDITED else {}
        if (method, path) in FOR_EDITORS and method != "DELETE":
            body = {"json": {"left": 1, "top": 1, "right": 50, "bottom": 50, "kind": "cluster"}}
        answer = client.request(method, f"/api{path}", headers=tokens[visitor], **body)
        if visitor == NOBODY:
            assert answer.status_code == 401, path
            assert method == "HEAD" or list(answer.json()) == ["error"]
        elif path in FOR_OWNERS and visitor != Role.OWNER:
            assert answer.status_code == 403 and "owner" in answer.json()["error"], path
        elif (method, path) in FOR_EDITORS and visitor == Role.VIEWER and answer.status_code != 404:
            assert answer.status_code == 403, path
        else:
            assert answer.status_code not in (401, 403, 500), path


@pytest.mark.parametrize("visitor", VISITORS)
def test_metrics_are_for_owners(client: TestClient, tokens: dict[str, dict[str, str]], visitor: str) -> None:
    answer = client.get("/metrics", headers=tokens[visitor])
    if visitor != Role.OWNER:
        assert answer.status_code == (401 if visitor == NOBODY else 403)
        assert list(answer.json()) == ["error"]
        return
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    figures = {sample.labels["what"]: sample.value for sample in families["faceid_library"].samples}
    assert figures["photos"] == 0 and figures.keys() >= {"faces", "people", "unnamed"}
    assert families.keys() >= {"faceid_workers", "faceid_import_files_left", "process_resident_memory_bytes"}
    assert client.post("/metrics", headers=tokens[visitor]).status_code == 405


@pytest.mark.slow
@pytest.mark.parametrize("visitor", VISITORS)
def test_every_event_of_the_recognisers(
    client: TestClient, tokens: dict[str, dict[str, str]], visitor: str
) -> None:
    found = events(client, tokens[Role.OWNER])
    assert len(found) >= 7
    for app, number in found:
        body = {"data": [None], "fn_index": number, "session_hash": f"{visitor}{app}{number}"}
        answer = client.post(f"/gradio/{app}/gradio_api/queue/join", json=body, headers=tokens[visitor])
        assert answer.status_code == (401 if visitor == NOBODY else 200), (app, number)
    for app in ("single", "group"):
        answer = client.post(
            f"/gradio/{app}/gradio_api/call/recognise", json={"data": [None]}, headers=tokens[visitor]
        )
        assert answer.status_code == (401 if visitor == NOBODY else 200), app


@pytest.mark.parametrize("visitor", VISITORS)
def test_the_live_camera_is_for_who_is_signed_in(
    client: TestClient, tokens: dict[str, dict[str, str]], visitor: str
) -> None:
    if visitor == NOBODY:
        with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), client.websocket_connect(LIVE):
            pass
        return
    with client.websocket_connect(LIVE, headers=tokens[visitor]) as socket:
        socket.send_bytes(images.encode_jpeg(np.zeros((48, 64, 3), np.uint8)))
        assert "No recogniser" in socket.receive_json()["error"]
    for stranger in ({"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)):
            client.websocket_connect(LIVE, headers={**tokens[visitor], **stranger}).__enter__()


def test_nobody_gets_no_page_and_no_socket(client: TestClient) -> None:
    for path in ("/", "/history", "/users", "/gradio/single/", "/_stcore/host-config", "/_stcore/metrics"):
        answer = client.get(path, headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
        assert answer.status_code in (302, 303, 307, 401, 403, 404), path
        assert "/sign-in" in answer.headers.get("location", "/sign-in"), path


def test_a_refusal_is_described(client: TestClient, tokens: dict[str, dict[str, str]]) -> None:
    described = client.get("/api/openapi.json", headers=tokens[Role.VIEWER]).json()
    for path, methods in described["paths"].items():
        for operation in methods.values():
            assert {"401", "403"} <= set(operation["responses"]), path
