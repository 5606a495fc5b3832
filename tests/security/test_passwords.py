"""Passwords: who guesses waits, the first user, and one's own account."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from faceid_core.library import Library
from faceid_core.values import Role
from tests.security.gates import GOOD, Start, identity_of, sign_in
from webapp.access import pages, throttle


# --- guessing ---------------------------------------------------------------------------------------------------
@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking a password takes long on a busy machine; meanwhile nobody's wait is over."""
    monkeypatch.setattr(pages, "Throttle", partial(throttle.Throttle, clock=lambda: 0.0))


@pytest.mark.usefixtures("ada", "stopped_clock")
def test_who_guesses_waits_longer_and_longer(start: Start) -> None:
    client = start()
    wrong = [sign_in(client, password=f"guess {n}") for n in range(8)]
    assert [answer.status_code for answer in wrong] == [401] * 5 + [429] * 3
    assert wrong[5].headers["Retry-After"] == "1" and "try again in 1 s" in wrong[5].text
    assert sign_in(client).status_code == 429  # right, but too soon
    for spelling in (" ADA ", "A\u200dda", "\u200cAda"):  # invisible joiners make no other user
        assert sign_in(client, name=spelling).status_code == 429
    assert sign_in(start(peer="192.0.2.51"), name="Bo").status_code == 401


@pytest.mark.usefixtures("ada", "stopped_clock")
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
    assert "The name or password is wrong." in known.text


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
    assert identity_of(client)
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
    assert done.status_code == 200 and "Your password has been changed" in done.text
    assert identity_of(client) and identity_of(other) is None
    assert library.users.check("Ada", "analytical engine")
