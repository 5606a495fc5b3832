"""The guard: who may ask for what, told by names, origins and addresses, before any part of the app sees it."""

from __future__ import annotations

import doctest

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from webapp import front_page, guard
from webapp.guard import Guard

OWN = "http://localhost:8501"
PUBLIC = "https://photos.example"


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(request.headers.get("origin")), headers={"Access-Control-Allow-Origin": "*"})


async def socket(connection: WebSocket) -> None:
    await connection.accept()
    await connection.send_text(str(connection.headers.get("origin")))
    await connection.close()


@pytest.fixture
def client() -> TestClient:
    routes = [
        Route("/{path:path}", echo, methods=["GET", "POST", "OPTIONS"]),
        WebSocketRoute("/{path:path}", socket),
    ]
    middleware = [Middleware(Guard, hosts=["localhost", "127.0.0.1", "photos.example"], origins=[PUBLIC])]
    return TestClient(Starlette(routes=routes, middleware=middleware), base_url=OWN)


def test_names_of_nobody_are_refused(client: TestClient) -> None:
    assert client.get("/", headers={"Host": "evil.test"}).status_code == 421
    assert client.get("/", headers={"Host": "localhost.evil.test:8501"}).status_code == 421
    assert client.get("/", headers={"Host": "photos.example"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a program
        ({"Origin": OWN}, 200),
        ({"Origin": PUBLIC, "Host": "127.0.0.1:8501"}, 200),  # a proxy that does not keep the Host
        ({"Origin": "http://localhost:8502"}, 403),  # another program on this machine
        ({"Origin": "https://localhost:8501"}, 403),
        ({"Origin": "http://localhost"}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
    ],
)
def test_only_own_pages_act(client: TestClient, headers: dict[str, str], status: int) -> None:
    headers = {"Host": "localhost:8501", **headers}
    assert client.post("/api/recognise", headers=headers).status_code == status
    if status == 200:
        with client.websocket_connect("/_stcore/stream", headers=headers) as connection:
            assert connection.receive_text() == "None"  # nobody behind the guard judges the origin again
    else:
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream", headers=headers):
            pass
    assert client.get("/", headers=headers).status_code == 200  # looking is left to the browser's own rules


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/_stcore/health", 200),
        ("/_stcore/metrics", 404),
        ("/_stcore/agent/interact", 404),
        ("/gradio/group/gradio_api/call/recognise", 200),
        ("/gradio/group/gradio_api/call/show", 404),
        ("/gradio/group/gradio_api/call/recognise_all", 404),
        ("/gradio/group/gradio_api/run/predict", 404),
        ("/gradio/group/gradio_api/proxy=http://evil.test/", 404),
        ("/gradio/group/gradio_api/queue/join", 200),
        ("/gradio/single/monitoring", 404),
        ("/gradio/single/openapi.json", 404),
        ("/gradio/single/", 200),
    ],
)
def test_addresses_that_nobody_needs_are_closed(client: TestClient, path: str, status: int) -> None:
    assert client.post(path).status_code == status


def test_answers_carry_the_policy_and_share_nothing(client: TestClient) -> None:
    for answer in (client.get("/", headers={"Origin": OWN}), client.get("/", headers={"Host": "evil.test"})):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert ("camera=(self)" in answer.headers["Permissions-Policy"]) == (answer.status_code == 200)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert client.get("/").headers["Cache-Control"] == "private, no-cache"  # where the app says nothing else
    policy = client.get("/").headers["Content-Security-Policy"]
    assert (
        "frame-ancestors 'self'" in policy and "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    )


@pytest.mark.parametrize(
    ("path", "may"),
    [("/recognise", True), ("/", True), ("/gradio/single/", True), ("/api/people", False), ("/share/x", False),
     ("/sign-in", False)],
)  # fmt: skip
def test_only_pages_that_need_it_may_use_the_camera(client: TestClient, path: str, may: bool) -> None:
    policy = client.get(path).headers["Permissions-Policy"]
    assert ("camera=(self)" if may else "camera=()") in policy


def test_the_policy_knows_the_scripts_of_this_streamlit() -> None:
    page = front_page.document()
    assert page.index("BACKEND_BASE_URL") < page.index("src=") and "<title>faceid</title>" in page
    assert len(guard.inline_scripts()) == page.count("<script>") + page.count('<script type="text/javascript">')


def test_the_examples_in_the_texts_are_right() -> None:
    assert doctest.testmod(guard).failed == 0


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {"Host": "evil.test"}, 421),
        ("/_stcore/metrics", {}, 404),
        ("/", {"Origin": "https://evil.test"}, 403),
    ],
)
def test_refusals_carry_the_headers_of_every_answer(
    client: TestClient, path: str, headers: dict[str, str], status: int
) -> None:
    answer = client.request("POST" if "Origin" in headers else "GET", path, headers=headers)
    assert answer.status_code == status
    assert answer.headers.keys() >= {name.lower() for name in (*guard.POLICY, "Content-Security-Policy")}
