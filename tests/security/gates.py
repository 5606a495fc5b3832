"""What the tests of guard and gate share: a browser in front of both, and an app that repeats what it was sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from faceid_core.library import Library
from webapp.access.gate import Gate
from webapp.access.identity import HEADER, Visitors
from webapp.access.pages import Pages
from webapp.access.sessions import Sessions
from webapp.guard import Guard

GOOD, OWN = "difference engine", "http://localhost:8501"
PAGE = {"Accept": "text/html,application/xhtml+xml"}
Start = Callable[..., TestClient]


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse("\n".join(f"{name}: {value}" for name, value in request.headers.items()))


async def socket(connection: WebSocket) -> None:
    await connection.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await connection.receive_text()
            await connection.send_text(str(connection.headers.get(HEADER)))


def client_of(library: Library, peer: str = "192.0.2.50") -> TestClient:
    """A browser at the address `peer`, in front of guard, gate and an app that repeats the headers it was sent."""
    visitors, cookies = Visitors(library), Sessions(library.settings)
    app = Starlette(
        routes=[
            *Pages(visitors, cookies).routes(),
            Route("/{path:path}", echo, methods=["GET", "POST"]),
            WebSocketRoute("/{path:path}", socket),
        ],
        middleware=[Middleware(Guard), Middleware(Gate, visitors=visitors, sessions=cookies)],
    )
    return TestClient(app, base_url=OWN, follow_redirects=False, client=(peer, 50000))


def sign_in(client: TestClient, name: str = "Ada", password: str = GOOD, **more: str) -> Any:
    return client.post("/sign-in", data={"name": name, "password": password, **more})


def identity_of(client: TestClient, path: str = "/people", **options: Any) -> str | None:
    """Who the app is told that asks; None where the gate lets nobody through."""
    answer = client.get(path, **options)
    found = re.search(rf"^{HEADER}: (.*)$", answer.text, re.M | re.I)
    return found[1] if answer.status_code == 200 and found else None


def cookie_of(client: TestClient) -> dict[str, str]:
    """For WebSockets: the test client keeps cookies for http alone."""
    return {"Cookie": f"faceid-session={client.cookies['faceid-session']}"}
