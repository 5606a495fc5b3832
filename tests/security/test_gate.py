"""The gate: strangers get nothing, the app learns who comes in, and nobody can say it themselves."""

from __future__ import annotations

import doctest
import re
import threading
from functools import partial
from typing import Any

import pytest
from anyio import to_thread
from starlette.websockets import WebSocketDisconnect

from faceid_core.errors import Unreachable
from faceid_core.library import Library
from faceid_core.library.store.database import Database
from faceid_core.settings import Settings
from faceid_core.values import Role
from tests.security.gates import GOOD, PAGE, Start, cookie_of, identity_of, sign_in
from webapp.access import identity, pages, proxy_sign_in, throttle
from webapp.access.gate import OUT_OF_ORDER
from webapp.access.identity import HEADER


# --- strangers --------------------------------------------------------------------------------------------------
def test_without_users_everything_is_as_before(start: Start) -> None:
    client = start()
    assert client.get("/people").status_code == 200 and identity_of(client) is None
    assert client.get("/sign-in", headers=PAGE).headers["location"] == "/"
    with client.websocket_connect("/_stcore/stream") as connection:
        connection.send_text("hello")
        assert connection.receive_text() == "None"


def test_a_page_opened_before_there_were_users_is_out(start: Start, library: Library) -> None:
    with start().websocket_connect("/_stcore/stream") as connection:
        connection.send_text("hello")
        assert connection.receive_text() == "None"
        library.users.add("Ada", Role.OWNER, GOOD)
        connection.send_text("hello")
        with pytest.raises(WebSocketDisconnect):
            connection.receive_text()


def test_a_first_user_counts_from_the_next_request_and_message_on(
    start: Start, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "FRESH_SECONDS", 1000.0)
    client = start()
    with client.websocket_connect("/_stcore/stream") as connection:
        connection.send_text("hello")
        assert connection.receive_text() == "None" and client.get("/people").status_code == 200
        with Library.open(library.settings) as of_another_process:
            of_another_process.users.add("Ada", Role.OWNER, GOOD)
        assert client.get("/people").status_code == 401
        connection.send_text("hello")
        with pytest.raises(WebSocketDisconnect):
            connection.receive_text()


def test_nobody_waits_at_the_gate_for_pictures(start: Start) -> None:
    """While all the usual threads are taken, by pictures, say, the app's first page must not stay white."""
    done = threading.Event()
    with start() as client:
        assert client.portal is not None
        wait = partial(done.wait, 5)
        taken = [client.portal.start_task_soon(to_thread.run_sync, wait) for _ in range(60)]
        try:
            asked = client.portal.start_task_soon(to_thread.run_sync, lambda: None)
            assert client.get("/people").status_code == 200 and not asked.done()
        finally:
            done.set()
        assert all(one.result(10) for one in taken)


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
    assert (identity_of(client) or "").startswith("session.1.")
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
    assert re.findall(r"^x-faceid-.*", answer, re.M | re.I) == [f"{HEADER.lower()}: {identity_of(client)}"]
    assert (identity_of(client) or "").startswith(f"session.{bo.id}.{bo.stamp}.")
    with client.websocket_connect("/_stcore/stream", headers={**forged, **cookie_of(client)}) as connection:
        connection.send_text("hello")
        assert connection.receive_text() == identity_of(client)


def test_nobody_says_it_while_there_are_no_users(start: Start) -> None:
    assert identity_of(start(), headers={HEADER: "session.1.x."}) is None


# --- tokens -----------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("ada")
def test_a_token_opens_api_and_sockets_until_it_is_removed(start: Start, library: Library) -> None:
    client = start()
    bearer: Any = {"headers": {"Authorization": f"Bearer {library.tokens.add('frame', user='Ada')}"}}
    assert identity_of(client, "/api/people", **bearer) == "token.1.."
    with client.websocket_connect("/gradio/group/queue", **bearer) as connection:
        connection.send_text("hello")
        assert connection.receive_text() == "token.1.."
    library.tokens.remove("frame")
    refused = client.get("/api/people", **bearer)
    assert refused.status_code == 401 and 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert client.get("/api/people", headers={"Authorization": "Bearer "}).status_code == 401
    assert client.get("/api/people", headers={"Authorization": "Basic QWRhOng="}).status_code == 401


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


# --- a library that can't be read -------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/people", "/sign-in", "/sign-in/state"])
def test_a_database_that_is_away_is_a_sentence_and_says_why_in_the_log(
    start: Start, library: Library, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    client = start()
    assert client.get("/sign-in", headers=PAGE).status_code == 200

    def away(*_: object, **__: object) -> None:
        raise Unreachable("The database server can't be used (Connection refused); start it.")

    monkeypatch.setattr(Database, "read", away)
    monkeypatch.setattr(identity, "FRESH_SECONDS", 0.0)
    answer = client.get(path, headers=PAGE)
    assert (answer.status_code, answer.text) == (503, OUT_OF_ORDER)
    assert client.get(path).json() == {"error": OUT_OF_ORDER}
    assert "Connection refused" in caplog.text and "Traceback" not in caplog.text
