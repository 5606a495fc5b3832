"""A proxy that names the user: only a trusted one, and only one name."""

from __future__ import annotations

from typing import Any

import pytest

from faceid_core.library import Library
from faceid_core.values import Role
from tests.security.gates import PAGE, Start, identity_of, sign_in

PROXY = {"proxy_user_header": "Remote-User", "trusted_proxies": ["10.0.0.0/24", "127.0.0.1/32"]}


@pytest.mark.usefixtures("ada")
def test_only_a_trusted_proxy_names_the_user(start: Start) -> None:
    ada: Any = {"headers": {"Remote-User": "ada"}}
    assert (identity_of(start(peer="10.0.0.7", **PROXY), **ada) or "").startswith("proxy.1.")
    assert identity_of(start(peer="10.0.1.7", **PROXY), **ada) is None
    forwarded: Any = {"headers": {**ada["headers"], "X-Forwarded-For": "10.0.0.7"}}
    assert identity_of(start(peer="192.0.2.9", **PROXY), **forwarded) is None
    assert identity_of(start(peer="10.0.0.7", proxy_user_header=None), **ada) is None


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
    assert identity_of(client, **bo) and identity_of(client, **bo)
    assert [(user.name, user.role, user.has_password) for user in library.users.all()] == [
        ("Ada", Role.OWNER, True), ("Bø", Role.VIEWER, False),
    ]  # fmt: skip
    assert client.get("/people", headers={"Remote-User": "program", **PAGE}).status_code == 403
