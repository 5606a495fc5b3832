"""What a proxy changes about a request is undone for trusted ones, and believed of nobody else."""

from __future__ import annotations

import doctest
import subprocess
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from tests import proxies
from webapp import proxy
from webapp.access.proxy_sign_in import TRUSTED_PEER
from webapp.guard import Guard
from webapp.proxy import FromProxy, PublicName

ORIGIN, PATH = "https://photos.example", "/faces"
PROXY, STRANGER = "10.0.0.7", "192.0.2.9"
FORWARDED = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "photos.example"}


def seen(request: Request) -> Response:
    names = {name for name in request.headers if "forward" in name or name == "x-real-ip"}
    answer = JSONResponse(
        {
            "url": str(request.url),
            "path": request.scope["path"],
            "root": request.scope["root_path"],
            "client": request.client.host if request.client else "",
            "forwarded": sorted(names),
            "trusted": request.scope[TRUSTED_PEER],
        }
    )
    answer.set_cookie("one", "1")
    return answer


async def socket(connection: WebSocket) -> None:
    await connection.accept()
    await connection.send_json(
        {"url": str(connection.url), "client": connection.client.host if connection.client else ""}
    )
    await connection.close()


def app(peer: str, *, origin: str | None = ORIGIN, path: str = PATH) -> TestClient:
    """A client at this address of a server that goes by localhost and the public name."""
    inner = [Route("/seen", seen), Route("/away", lambda _: RedirectResponse("https://elsewhere.example/x"))]
    routes = [
        Mount("/part", routes=[Route("/", seen)]),
        *inner,
        WebSocketRoute("/socket", socket),
        Route("/", seen),
    ]
    middleware = [
        Middleware(FromProxy, trusted=["10.0.0.0/8"], origin=origin, path=path),
        Middleware(Guard, hosts=["localhost", "photos.example"], origins=[ORIGIN]),
        Middleware(PublicName, origin=origin),
    ]
    server = Starlette(routes=routes, middleware=middleware)
    return TestClient(server, base_url="http://localhost:8501", client=(peer, 5), follow_redirects=False)


@pytest.mark.parametrize("sent", ["/seen", "/faces/seen"], ids=["cut off", "passed on"])
@pytest.mark.parametrize("host", ["localhost:8501", "photos.example"], ids=["default host", "host kept"])
def test_a_trusted_proxy_is_looked_through(sent: str, host: str) -> None:
    got = app(PROXY).get(sent, headers={**FORWARDED, "Host": host}).json()
    assert got == {
        "url": "https://photos.example/faces/seen", "path": "/faces/seen", "root": "/faces",
        "client": "203.0.113.5", "forwarded": [], "trusted": True,
    }  # fmt: skip


def test_nobody_else_is_believed() -> None:
    got = app(STRANGER).get("/seen", headers=FORWARDED).json()
    assert got["client"] == STRANGER and not got["trusted"] and got["forwarded"] == []
    assert got["url"] == "http://localhost:8501/faces/seen"


def test_a_client_can_not_add_an_address_of_its_own() -> None:
    headers = {**FORWARDED, "X-Forwarded-For": "127.0.0.1, 10.0.0.1, 203.0.113.5, 10.0.0.9"}
    assert app(PROXY).get("/seen", headers=headers).json()["client"] == "203.0.113.5"


def test_websockets_come_by_the_public_name_too() -> None:
    headers = {**FORWARDED, "Origin": ORIGIN, "Host": "localhost:8501"}
    with app(PROXY).websocket_connect("/faces/socket", headers=headers) as connection:
        assert connection.receive_json() == {"url": "wss://photos.example/faces/socket", "client": "203.0.113.5"}


@pytest.mark.parametrize("headers", [FORWARDED, {"X-Forwarded-Host": "photos.example"}, {}])
def test_a_foreign_host_is_refused_whatever_else_is_sent(headers: dict[str, str]) -> None:
    """A page that reaches in by DNS rebinding can send these headers, but not another Host."""
    assert app(PROXY).get("/seen", headers={**headers, "Host": "evil.example"}).status_code == 421


def test_the_origin_alone_tells_the_public_name() -> None:
    """From a proxy that sends neither Host nor headers of its own."""
    got = app(STRANGER).get("/seen", headers={"Origin": ORIGIN}).json()
    assert got["url"] == "https://photos.example/faces/seen"


def test_the_machine_s_own_browser_needs_no_path() -> None:
    assert app("127.0.0.1").get("/seen").json()["url"] == "http://localhost:8501/faces/seen"
    assert app("127.0.0.1", origin=None, path="").get("/seen").json()["path"] == "/seen"


def test_cookies_and_redirects_fit_the_public_address() -> None:
    client = app(PROXY)
    answer = client.get("/seen", headers=FORWARDED)
    assert answer.headers["Set-Cookie"] == "one=1; Path=/faces/; SameSite=lax; Secure"
    assert "Secure" not in app(STRANGER, origin=None).get("/seen").headers["Set-Cookie"]
    for host in ("localhost:8501", "photos.example"):
        headers = {**FORWARDED, "Host": host}
        assert client.get("/faces/part", headers=headers).headers["Location"] == "/faces/part/"
        assert client.get("/faces?a=b", headers=headers).headers["Location"] == "/faces/?a=b"
        assert client.get("/away", headers=headers).headers["Location"] == "https://elsewhere.example/x"


def test_a_path_that_only_begins_alike_is_another() -> None:
    assert app(PROXY).get("/facesandmore/seen", headers=FORWARDED).status_code == 404


def test_isolation_is_asked_for_where_browsers_heed_it() -> None:
    name = "Cross-Origin-Opener-Policy"
    assert name in app(PROXY).get("/seen", headers=FORWARDED).headers
    assert name in app("127.0.0.1", origin=None).get("/seen").headers
    assert name not in app("127.0.0.1", origin="http://photos.example").get("/seen").headers


def test_the_examples_in_the_texts_are_right() -> None:
    assert doctest.testmod(proxy).failed == 0


# --- the recipes in docs/reverse-proxy.md, as far as this can be told without a browser ---------------------------
@pytest.mark.parametrize("name", ["nginx", "nginx-path"])
def test_nginx_takes_its_recipes(name: str, tmp_path: Path) -> None:
    certificate, key = proxies.make_certificate(tmp_path)
    changes = {proxies.CERTIFICATE: str(certificate), proxies.KEY: str(key)}
    config = tmp_path / "nginx.conf"
    text = proxies.replaced(proxies.recipe(name), {**changes, "listen 443": "listen 127.0.0.1:18443"})
    config.write_text(proxies.nginx_config(text, tmp_path))
    command = [proxies.program("nginx", "nginx-light"), "-t", "-p", str(tmp_path), "-c", str(config)]
    done = subprocess.run([*command, "-e", str(tmp_path / "log")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["caddy", "caddy-path"])
def test_caddy_takes_its_recipes(name: str, tmp_path: Path) -> None:
    config = tmp_path / "Caddyfile"
    config.write_text(proxies.recipe(name))
    command = [proxies.program("caddy", "caddy"), "adapt", "--adapter", "caddyfile", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower() or "formatted" in done.stderr, done.stderr


def test_no_recipe_takes_larger_uploads_than_it_says() -> None:
    from faceid_core.settings import Settings

    limit = Settings(max_upload_mb=200).max_upload_mb + 1
    for name in ("nginx", "nginx-path"):
        assert f"client_max_body_size {limit}m" in proxies.recipe(name)
    for name in ("caddy", "caddy-path"):
        assert f"max_size {limit}MB" in proxies.recipe(name)
