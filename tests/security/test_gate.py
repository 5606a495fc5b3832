"""The gate: strangers get nothing, the app learns who comes in, and nobody can say it themselves."""

from __future__ import annotations

import doctest
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from faceid_core.library import Library, passwords
from faceid_core.settings import Settings
from faceid_core.values import Role
from tests import sharing
from webapp.access import identity, pages, proxy_sign_in, sessions, throttle
from webapp.access.gate import Gate
from webapp.access.identity import HEADER, Visitors
from webapp.access.pages import Pages
from webapp.access.sessions import KEY_FILE, Sessions
from webapp.guard import Guard

GOOD, OWN = "difference engine", "http://localhost:8501"
Start = Callable[..., TestClient]


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse("\n".join(f"{name}: {value}" for name, value in request.headers.items()))


async def socket(connection: WebSocket) -> None:
    await connection.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await connection.receive_text()
            await connection.send_text(str(connection.headers.get(HEADER)))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of little work, and nothing that is remembered for two seconds."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    monkeypatch.setattr(identity, "FRESH_SECONDS", 0.0)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(sharing.new_library(tmp_path / "library")) as opened:
        yield opened


@pytest.fixture
def start(library: Library) -> Start:
    """`start(setting=value)`: a browser in front of guard, gate and an app that repeats the headers it was sent."""

    def make(peer: str = "192.0.2.50", **settings: Any) -> TestClient:
        library.settings = library.settings.model_copy(update=settings)
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

    return make


@pytest.fixture
def ada(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)


def sign_in(client: TestClient, name: str = "Ada", password: str = GOOD, **more: str) -> Any:
    return client.post("/sign-in", data={"name": name, "password": password, **more})


def told(client: TestClient, path: str = "/people", **options: Any) -> str | None:
    """Who the app is told that asks; None where the gate lets nobody through."""
    answer = client.get(path, **options)
    found = re.search(rf"^{HEADER}: (.*)$", answer.text, re.M | re.I)
    return found[1] if answer.status_code == 200 and found else None


def cookie_of(client: TestClient) -> dict[str, str]:
    """For WebSockets: the test client keeps cookies for http alone."""
    return {"Cookie": f"faceid-session={client.cookies['faceid-session']}"}


PAGE = {"Accept": "text/html,application/xhtml+xml"}


# --- strangers --------------------------------------------------------------------------------------------------
def test_without_users_everything_is_as_before(start: Start) -> None:
    client = start()
    assert client.get("/people").status_code == 200 and told(client) is None
    assert client.get("/sign-in", headers=PAGE).headers["location"] == "/"
    with client.websocket_connect("/_stcore/stream") as connection:
        connection.send_text("hello")
        assert connection.receive_text() == "None"


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    "path",
    [
        "/", "/people", "/users", "/api/health", "/api/faces/1.jpg", "/api/openapi.json", "/gradio/group/",
        "/gradio/group/config", "/_stcore/health", "/_stcore/host-config", "/static/js/index.js", "/media/x.png",
        "/account", "/sign-inx", "/sign-out/", "/share", "/xshare/1", "//sign-in", "/sign-in/../people",
        "/%2e%2e/sign-in/../people",
    ],
)  # fmt: skip
def test_strangers_get_nothing(start: Start, path: str) -> None:
    client = start()
    ways: tuple[dict[str, Any], ...] = (
        {},
        {"headers": {HEADER: "session.1.x."}},
        {"cookies": {"faceid-session": "session.1.x.y.z.w"}},
    )
    for options in ways:
        answer = client.get(path, **options)
        assert answer.status_code == 401, answer.text
        assert answer.json() == {"error": "Sign in first, or send a token as “Authorization: Bearer …”."}
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="faceid"'
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(path, **options):
            pass
    assert client.post(path).status_code == 401


@pytest.mark.usefixtures("ada")
def test_people_are_led_to_the_sign_in_page_and_back(start: Start) -> None:
    client = start()
    led = client.get("/people?person=3&x=a%26b", headers=PAGE)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/people%3Fperson%3D3%26x%3Da%2526b")
    page = client.get(led.headers["location"])
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    target = re.search(r'name="next" value="([^"]*)"', page.text)
    assert target
    answer = sign_in(client, next=target[1].replace("&amp;", "&"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/people?person=3&x=a%26b")
    assert (told(client) or "").startswith("session.1.")
    assert client.get("/sign-in?next=/map").headers["location"] == "/map"  # signed in already
    fetched = start().get("/people", headers={**PAGE, "Sec-Fetch-Mode": "cors"})
    assert fetched.status_code == 401  # a script gets no page to show


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/ /evil.example", "/\t/evil.example", "http:evil.example", "", "people", "/sign-out", "/sign-in",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere(start: Start, target: str) -> None:
    assert sign_in(start(), next=target).headers["location"] == "/"


@pytest.mark.usefixtures("ada")
def test_the_page_works_without_scripts_and_escapes_what_it_repeats(start: Start) -> None:
    client = start()
    evil = '"><script>alert(1)</script>'
    for answer in (
        client.get("/sign-in", params={"next": f"/{evil}"}),
        sign_in(client, name=evil, next=f"/{evil}"),
    ):
        assert "<script" not in answer.text
        assert 'autocomplete="username"' in answer.text and 'autocomplete="current-password"' in answer.text
        assert "script-src" in answer.headers["Content-Security-Policy"]
    for file in set(re.findall(r'(?:href|src)="(/sign-in/[^"?]+)"', client.get("/sign-in").text)):
        assert client.get(file).status_code == 200, file
    assert client.get("/sign-in/font").content[:4] == b"wOF2"
    for path in ("/sign-in/other.svg", "/sign-in/oidc/", "/sign-in/", "/sign-in/static/js/index.js"):
        assert client.get(path).status_code == client.post(path).status_code == 404


# --- what the app is told ---------------------------------------------------------------------------------------
@pytest.mark.usefixtures("ada")
def test_nobody_says_themselves_who_they_are(start: Start, library: Library) -> None:
    client = start()
    bo = library.users.add("Bo", Role.VIEWER, GOOD)
    sign_in(client, "Bo")
    forged = {HEADER: "session.1.x.", "x-faceid-role": "owner", "X-FACEID-USER": "token.1.."}
    answer = client.get("/people", headers=forged).text
    assert re.findall(r"^x-faceid-.*", answer, re.M | re.I) == [f"{HEADER.lower()}: {told(client)}"]
    assert (told(client) or "").startswith(f"session.{bo.id}.{bo.stamp}.")
    with client.websocket_connect("/_stcore/stream", headers={**forged, **cookie_of(client)}) as connection:
        connection.send_text("hello")
        assert connection.receive_text() == told(client)


def test_nobody_says_it_while_there_are_no_users(start: Start) -> None:
    assert told(start(), headers={HEADER: "session.1.x."}) is None


# --- sessions ---------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("ada")
def test_the_cookie_is_kept_from_scripts_and_other_sites(start: Start) -> None:
    cookie = sign_in(start()).headers["set-cookie"]
    assert cookie.startswith("faceid-session=") and "Secure" not in cookie
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie and "Max-Age=2592000" in cookie
    assert "Domain" not in cookie
    cookie = sign_in(start(public_url="https://photos.example")).headers["set-cookie"]
    assert cookie.startswith("__Host-faceid-session=") and "Secure" in cookie and "Path=/;" in cookie
    cookie = sign_in(start(public_url="https://photos.example/faces")).headers["set-cookie"]
    assert cookie.startswith("__Secure-faceid-session=") and "Secure" in cookie


@pytest.mark.usefixtures("ada")
def test_a_changed_cookie_is_worth_nothing(start: Start) -> None:
    client = start()
    sign_in(client)
    good = client.cookies["faceid-session"]
    assert told(client)
    for wrong in (good[:-1], good.replace("session.1", "session.2"), "x" * 9000, good.rpartition(".")[0], "é"):
        client.cookies.clear()
        assert (
            client.get("/people", headers=[(b"Cookie", f"faceid-session={wrong}".encode())]).status_code == 401
        ), wrong


@pytest.mark.usefixtures("ada")
def test_sessions_are_each_other_s_strangers_but_end_together_with_the_password(
    start: Start, library: Library
) -> None:
    client = start()
    sign_in(client)
    with client.websocket_connect("/_stcore/stream", headers=cookie_of(client)) as connection:
        connection.send_text("hello")
        connection.receive_text()
        library.users.set_password("Ada", "analytical engine")
        connection.send_text("hello")
        with pytest.raises(WebSocketDisconnect):
            connection.receive_text()
    assert told(client) is None
    assert sign_in(client).status_code == 401
    assert sign_in(client, password="analytical engine").status_code == 303


@pytest.mark.usefixtures("ada")
def test_who_is_removed_is_out_also_of_open_pages(start: Start, library: Library) -> None:
    library.users.add("Bo", Role.EDITOR, GOOD)
    client = start()
    sign_in(client, "Bo")
    with client.websocket_connect("/_stcore/stream", headers=cookie_of(client)) as connection:
        connection.send_text("hello")
        connection.receive_text()
        assert client.get("/sign-in/state").status_code == 204
        library.users.remove("Bo")
        connection.send_text("hello")
        with pytest.raises(WebSocketDisconnect):
            connection.receive_text()
    assert told(client) is None and client.get("/sign-in/state").status_code == 401


@pytest.mark.usefixtures("ada")
def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(start: Start) -> None:
    client, other = start(), start()
    sign_in(client)
    sign_in(other)
    stolen = client.cookies["faceid-session"]
    out = client.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert out.headers["Clear-Site-Data"] == '"cache"'
    assert "faceid-session" not in client.cookies
    assert told(client) is None
    assert client.get("/people", headers={"Cookie": f"faceid-session={stolen}"}).status_code == 401
    assert told(other)
    assert other.get("/sign-out").headers["location"] == "/account"  # a picture elsewhere signs nobody out
    assert other.post("/sign-out", headers={"Origin": "http://evil.test"}).status_code == 403
    assert told(other)


@pytest.mark.usefixtures("ada")
def test_a_session_ends_when_it_was_not_used_for_long(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from itsdangerous import TimestampSigner

    client = start(session_days=2)
    sign_in(client)
    now = TimestampSigner("x").get_timestamp()

    def later(days: float) -> None:
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: int(now + days * 86400))

    old = client.cookies["faceid-session"]
    monkeypatch.setattr(sessions, "datetime", _Clock(now + 1.9 * 86400))
    later(1.9)
    assert told(client)
    assert client.cookies["faceid-session"] != old  # a new date
    later(3)
    monkeypatch.setattr(sessions, "datetime", _Clock(now + 3 * 86400))
    assert client.get("/people", headers={"Cookie": f"faceid-session={old}"}).status_code == 401
    assert told(client)
    later(6)
    assert told(client) is None


class _Clock:
    """datetime, at a moment."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self, zone: Any) -> Any:
        from datetime import datetime

        return datetime.fromtimestamp(self._at, zone)


def test_the_key_is_private_and_made_once(tmp_path: Path) -> None:
    keys = {sessions.session_key(tmp_path) for _ in range(3)}
    assert len(keys) == 1 and len(keys.pop()) == 64
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    (tmp_path / "other").mkdir()
    assert sessions.session_key(tmp_path / "other") != sessions.session_key(tmp_path)


# --- guessing ---------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("ada")
def test_who_guesses_waits_longer_and_longer(start: Start) -> None:
    client = start()
    wrong = [sign_in(client, password=f"guess {n}") for n in range(8)]
    assert [answer.status_code for answer in wrong] == [401] * 5 + [429] * 3
    assert wrong[5].headers["Retry-After"] == "1" and "try again in 1 s" in wrong[5].text
    assert sign_in(client).status_code == 429  # right, but too soon
    assert sign_in(client, name=" ADA ").status_code == 429
    assert sign_in(start(peer="192.0.2.51"), name="Bo").status_code == 401


@pytest.mark.usefixtures("ada")
def test_many_names_from_one_address_wait_too(start: Start) -> None:
    client = start()
    codes = [sign_in(client, name=f"user {n}", password="letmein letmein").status_code for n in range(25)]
    assert codes == [401] * 20 + [429] * 5


@pytest.mark.usefixtures("ada")
def test_the_answer_does_not_tell_who_exists(start: Start) -> None:
    client = start()
    known, unknown = sign_in(client, password="wrong wrong"), sign_in(client, name="Eve", password="wrong wrong")
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace("Ada", "") == unknown.text.replace("Eve", "")
    assert "Name or password is wrong." in known.text


def test_waits_double_are_bounded_and_forgotten() -> None:
    now = [0.0]
    slow = throttle.Throttle(2, clock=lambda: now[0])
    waits = []
    for _ in range(14):
        assert slow.begin("ada") == 0
        waits.append(wait := slow.begin("ada"))
        now[0] += wait
        if wait:  # `begin` while waiting counts nothing
            assert slow.begin("bo") == 0
            slow.succeeded("bo")
        else:
            slow.not_failed("ada") if waits == [0] else None
    assert waits[-1] == throttle.LONGEST_SECONDS
    assert sorted(waits) == waits
    now[0] += throttle.FORGOTTEN_SECONDS + 1
    assert [slow.begin("ada"), slow.begin("ada")] == [0, 0]


def test_the_throttle_remembers_no_more_than_it_may() -> None:
    slow = throttle.Throttle(0, remembered=100)
    for n in range(1000):
        slow.begin(f"name {n}")
    assert len(slow._failures) == 100


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({}, b"name=Ada&password=" + b"x" * 9000, 413),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"", 401),
        ({"Content-Type": "application/json"}, b'{"name": "Ada"}', 401),
        ({"Origin": "http://evil.test"}, b"name=Ada", 403),
        ({"Origin": "null"}, b"name=Ada", 403),
    ],
)
def test_odd_forms_are_no_way_in(start: Start, headers: dict[str, str], content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    assert start().post("/sign-in", content=content, headers=headers).status_code == status


# --- the first user and one's account ---------------------------------------------------------------------------
def test_the_first_user_is_the_owner_and_signed_in(start: Start, library: Library) -> None:
    client = start()
    assert "Add the first user" in client.get("/sign-in/first").text
    data = {"name": "Ada", "new": GOOD, "again": "another engine"}
    assert client.post("/sign-in/first", data=data).status_code == 422
    assert client.post("/sign-in/first", data={**data, "new": "short", "again": "short"}).status_code == 422
    evil: Any = {"headers": {"Origin": "http://evil.test"}}
    assert client.post("/sign-in/first", data={**data, "again": GOOD}, **evil).status_code == 403
    assert not library.users.exist()
    done = client.post("/sign-in/first", data={**data, "again": GOOD})
    assert (done.status_code, done.headers["location"]) == (303, "/users")
    assert [(user.name, user.role) for user in library.users.all()] == [("Ada", Role.OWNER)]
    assert told(client)
    for again in (client, start()):
        assert (
            again.post("/sign-in/first", data={**data, "name": "Eve", "again": GOOD}).headers["location"]
            == "/sign-in"
        )
    assert len(library.users.all()) == 1


@pytest.mark.parametrize("settings", [{"host": "0.0.0.0"}, {"proxy_user_header": "Remote-User"}])
def test_nobody_makes_themselves_the_first_user_from_afar(
    start: Start, library: Library, settings: dict[str, Any]
) -> None:
    """Such as after a backup without users was restored."""
    client = start(**settings)
    assert client.get("/people").status_code == 401
    assert client.get("/sign-in/first").headers["location"] == "/sign-in"
    client.post("/sign-in/first", data={"name": "Eve", "new": GOOD, "again": GOOD})
    assert not library.users.exist()
    assert "faceid user add" in client.get("/sign-in").text


def test_insecure_means_that_everybody_comes_in(start: Start) -> None:
    assert start(host="0.0.0.0", insecure=True).get("/people").status_code == 200


@pytest.mark.usefixtures("ada")
def test_changing_one_s_password_takes_the_old_one(start: Start, library: Library) -> None:
    client, other = start(), start()
    sign_in(client)
    sign_in(other)
    new = {"new": "analytical engine", "again": "analytical engine"}
    assert client.post("/account", data={"old": "wrong wrong", **new}).status_code == 422
    assert client.post("/account", data={"old": GOOD, **new, "again": "x"}).status_code == 422
    assert client.post("/account", data={"old": GOOD, "new": "short", "again": "short"}).status_code == 422
    done = client.post("/account", data={"old": GOOD, **new})
    assert done.status_code == 200 and "Your password is changed" in done.text
    assert told(client) and told(other) is None
    assert library.users.check("Ada", "analytical engine")


# --- tokens -----------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("ada")
def test_a_token_opens_api_and_sockets_until_it_is_removed(start: Start, library: Library) -> None:
    client = start()
    bearer: Any = {"headers": {"Authorization": f"Bearer {library.tokens.add('frame', user='Ada')}"}}
    assert told(client, "/api/people", **bearer) == "token.1.."
    with client.websocket_connect("/gradio/group/queue", **bearer) as connection:
        connection.send_text("hello")
        assert connection.receive_text() == "token.1.."
    library.tokens.remove("frame")
    refused = client.get("/api/people", **bearer)
    assert refused.status_code == 401 and 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert client.get("/api/people", headers={"Authorization": "Bearer "}).status_code == 401
    assert client.get("/api/people", headers={"Authorization": "Basic QWRhOng="}).status_code == 401


# --- proxies ----------------------------------------------------------------------------------------------------
PROXY = {"proxy_user_header": "Remote-User", "trusted_proxies": ["10.0.0.0/24", "127.0.0.1/32"]}


@pytest.mark.usefixtures("ada")
def test_only_a_trusted_proxy_names_the_user(start: Start) -> None:
    ada: Any = {"headers": {"Remote-User": "ada"}}
    assert (told(start(peer="10.0.0.7", **PROXY), **ada) or "").startswith("proxy.1.")
    assert told(start(peer="10.0.1.7", **PROXY), **ada) is None
    forwarded: Any = {"headers": {**ada["headers"], "X-Forwarded-For": "10.0.0.7"}}
    assert told(start(peer="192.0.2.9", **PROXY), **forwarded) is None
    assert told(start(peer="10.0.0.7", proxy_user_header=None), **ada) is None


@pytest.mark.usefixtures("ada")
def test_two_names_are_no_name(start: Start) -> None:
    client = start(peer="10.0.0.7", **PROXY)
    headers = [("Remote-User", "Ada"), ("Remote-User", "Eve")]
    assert client.get("/people", headers=headers).status_code == 401


@pytest.mark.usefixtures("ada")
def test_the_header_of_the_proxy_goes_no_further(start: Start) -> None:
    client = start(peer="192.0.2.9", **PROXY)
    sign_in(client)
    assert "remote-user" not in client.get("/people", headers={"Remote-User": "Eve"}).text.lower()


@pytest.mark.usefixtures("ada")
def test_newcomers_are_refused_or_get_the_role_that_is_set(start: Start, library: Library) -> None:
    bo: Any = {"headers": {"Remote-User": "Bø".encode(), **PAGE}}
    refused = start(peer="10.0.0.7", **PROXY).get("/people", **bo)
    assert refused.status_code == 403
    assert refused.text == "You are not a user of this library yet; ask its owner to add you."
    client = start(peer="10.0.0.7", **PROXY, proxy_newcomers="viewer")
    assert told(client, **bo) and told(client, **bo)
    assert [(user.name, user.role, user.has_password) for user in library.users.all()] == [
        ("Ada", Role.OWNER, True), ("Bø", Role.VIEWER, False),
    ]  # fmt: skip
    assert client.get("/people", headers={"Remote-User": "program", **PAGE}).status_code == 403


@pytest.mark.parametrize("module", [pages, proxy_sign_in, throttle])
def test_the_examples_in_the_texts_are_right(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


def test_settings_refuse_what_would_open_the_door_by_mistake() -> None:
    from faceid_core.errors import InvalidSetting
    from faceid_core.settings import load

    for wrong in ({"proxy_user_header": "Remote User"}, {"proxy_newcomers": "admin"}, {"oidc_issuer": "accounts"}):
        with pytest.raises(InvalidSetting):
            load(**wrong)
    assert not Settings().has_proxy_sign_in and not Settings().has_oidc
