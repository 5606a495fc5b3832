"""Sessions: their cookie, how they end, and the key that signs them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from faceid_core.library import Library
from faceid_core.values import Role
from tests.security.gates import GOOD, Start, cookie_of, identity_of, sign_in
from webapp.access import sessions
from webapp.access.sessions import KEY_FILE


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
    assert identity_of(client)
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
    assert identity_of(client) is None
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
    assert identity_of(client) is None and client.get("/sign-in/state").status_code == 401


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
    assert identity_of(client) is None
    assert client.get("/people", headers={"Cookie": f"faceid-session={stolen}"}).status_code == 401
    assert identity_of(other)
    assert other.get("/sign-out").headers["location"] == "/account"  # a picture elsewhere signs nobody out
    assert other.post("/sign-out", headers={"Origin": "http://evil.test"}).status_code == 403
    assert identity_of(other)


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
    assert identity_of(client)
    assert client.cookies["faceid-session"] != old  # a new date
    later(3)
    monkeypatch.setattr(sessions, "datetime", _Clock(now + 3 * 86400))
    assert client.get("/people", headers={"Cookie": f"faceid-session={old}"}).status_code == 401
    assert identity_of(client)
    later(6)
    assert identity_of(client) is None


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
