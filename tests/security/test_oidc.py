"""OpenID Connect against a small provider of its own: discovery, real RS256 signatures, state, nonce and PKCE."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from faceid_core.errors import InvalidSetting
from faceid_core.library import Library
from faceid_core.values import Role
from tests import sharing
from webapp.access import identity
from webapp.access.gate import Gate
from webapp.access.identity import Visitors
from webapp.access.pages import Pages
from webapp.access.sessions import Sessions
from webapp.guard import Guard
from webapp.server import address

pytestmark = pytest.mark.slow

CLIENT, SECRET = "faceid-test", "the client's secret"


@dataclass
class Provider:
    """A provider whose one user is `claims`. What it signs, and with which key, can be changed to a lie."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signing: RSAKey | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/jwks", self.jwks),
            ]
        )

    async def discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        assert query["client_id"] == CLIENT and query["response_type"] == "code"
        self.asked.append(query)
        code = secrets.token_hex(8)
        self.codes[code] = query
        return RedirectResponse(f"{query['redirect_uri']}?code={code}&state={query['state']}")

    async def token(self, request: Request) -> Response:
        given = await request.form()
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        query = self.codes.pop(str(given["code"]), None)
        verifier = hashlib.sha256(str(given.get("code_verifier", "")).encode()).digest()
        proof = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if query is None or request.headers["authorization"] != expected or proof != query["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        assert given["redirect_uri"] == query["redirect_uri"] and query["code_challenge_method"] == "S256"
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": query["nonce"],
            **self.claims, **self.lies,
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signing or self.key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": signed})

    async def jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})


@pytest.fixture
def provider() -> Iterator[Provider]:
    """It answers on a port of its own, as Authlib asks it over the network."""
    import socket

    provider = Provider(claims={"sub": "17", "email": "ada@example.com", "email_verified": True})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        provider.issuer = address(listener)
        server = uvicorn.Server(uvicorn.Config(provider.app(), log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield provider
        server.should_exit = True
        thread.join()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setattr(identity, "FRESH_SECONDS", 0.0)
    with Library.open(sharing.new_library(tmp_path / "library")) as opened:
        yield opened


Start = Callable[..., TestClient]


@pytest.fixture
def start(library: Library, provider: Provider) -> Start:
    def make(**settings: Any) -> TestClient:
        given = {
            "oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET, **settings,
        }  # fmt: skip
        library.settings = library.settings.model_copy(update=given)
        visitors, cookies = Visitors(library), Sessions(library.settings)

        async def inside(_: Request) -> Response:
            return JSONResponse("inside")

        app = Starlette(
            routes=[*Pages(visitors, cookies).routes(), Route("/{path:path}", inside)],
            middleware=[Middleware(Guard), Middleware(Gate, visitors=visitors, sessions=cookies)],
        )
        return TestClient(app, base_url="http://localhost:8501", follow_redirects=False)

    return make


def to_provider(client: TestClient, target: str = "/people") -> str:
    """Click on the link; the address that the provider sends the browser back to."""
    import httpx

    away = client.get("/sign-in/oidc/", params={"next": target})
    assert away.status_code == 302, away.text
    back = httpx.get(away.headers["location"])
    assert back.status_code == 307
    return back.headers["location"]


def sign_in(client: TestClient) -> Any:
    return client.get(to_provider(client))


OWNERS = {"oidc_owners": ["ada@example.com"]}


def test_the_page_leads_to_the_provider_and_back(start: Start, provider: Provider, library: Library) -> None:
    client = start(**OWNERS)
    page = client.get("/sign-in?next=/people").text
    assert f"Sign in with {urlsplit(provider.issuer).netloc}" in page and 'type="password"' not in page
    done = sign_in(client)
    assert (done.status_code, done.headers["location"]) == (303, "/people")
    assert client.get("/people").json() == "inside"
    assert [(user.name, user.role) for user in library.users.all()] == [("ada@example.com", Role.OWNER)]
    asked = provider.asked[0]
    assert asked["code_challenge_method"] == "S256" and len(asked["nonce"]) >= 16 and len(asked["state"]) >= 16
    assert asked["redirect_uri"] == "http://localhost:8501/sign-in/oidc/done"
    assert asked["scope"].split()[0] == "openid"


def test_the_public_address_is_where_the_provider_leads_back(start: Start, provider: Provider) -> None:
    client = start(public_url="https://photos.example/faces")
    away = client.get("/sign-in/oidc/")
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://photos.example/faces/sign-in/oidc/done"]


@pytest.mark.parametrize("change", ["state", "no state", "code", "no cookie", "twice"])
def test_an_answer_that_was_not_asked_for_is_refused(
    start: Start, library: Library, change: str, provider: Provider
) -> None:
    client = start(**OWNERS)
    back = to_provider(client)
    if change == "state":
        back = back.rpartition("state=")[0] + "state=another"
    elif change == "no state":
        back = back.rpartition("&state=")[0]
    elif change == "code":
        back = back.replace("code=", "code=x")
    elif change == "no cookie":
        client.cookies.clear()  # somebody else's browser was led to this address
    else:
        assert client.get(back).status_code == 303
        client.cookies.clear()
    answer = client.get(back)
    assert answer.status_code == 401 and "failed" in answer.text
    assert client.get("/people").status_code == 401
    assert library.users.exist() is (change == "twice")


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}, {"sub": None},
        {"email": ""}, {"email_verified": False},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_identity_is_refused(
    start: Start, provider: Provider, library: Library, lies: dict[str, Any]
) -> None:
    provider.lies = lies
    client = start(oidc_owners=["*"])
    assert sign_in(client).status_code in (401, 403)
    assert not library.users.exist() and client.get("/people").status_code == 401


def test_a_signature_of_another_key_is_refused(start: Start, provider: Provider, library: Library) -> None:
    provider.signing = RSAKey.generate_key(2048, {"kid": "one"})
    assert sign_in(start(**OWNERS)).status_code == 401
    assert not library.users.exist()


@pytest.mark.parametrize(
    ("settings", "groups", "role"),
    [
        ({"oidc_owners": ["Ada@Example.com"], "oidc_viewers": ["*"]}, [], Role.OWNER),
        ({"oidc_owners": ["bo@x"], "oidc_editors": ["family"], "oidc_viewers": ["*"]}, ["Family"], Role.EDITOR),
        ({"oidc_owners": ["bo@example.com"], "oidc_viewers": ["*"]}, ["family"], Role.VIEWER),
        ({"oidc_owners": ["bo@example.com"]}, ["family"], None),
        ({}, ["family"], None),
    ],
)  # fmt: skip
def test_names_and_groups_give_roles(
    start: Start,
    provider: Provider,
    library: Library,
    settings: dict[str, Any],
    groups: list[str],
    role: Role | None,
) -> None:
    library.users.add("bo", Role.OWNER, "difference engine")
    provider.claims["groups"] = groups
    answer = sign_in(start(**settings))
    found = library.users.named("ada@example.com")
    assert (found.role if found else None) is role
    assert answer.status_code == (303 if role else 403)
    if not role:
        assert "owner" in answer.text


def test_who_loses_the_group_loses_the_library(start: Start, provider: Provider, library: Library) -> None:
    library.users.add("bo", Role.OWNER, "difference engine")
    provider.claims["groups"] = ["family"]
    client = start(oidc_editors=["family"])
    assert sign_in(client).status_code == 303
    provider.claims["groups"] = []
    assert sign_in(client).status_code == 403


def test_nobody_takes_over_a_user_with_a_password(start: Start, provider: Provider, library: Library) -> None:
    library.users.add("Ada@example.com", Role.OWNER, "difference engine")
    answer = sign_in(start(oidc_viewers=["*"]))
    assert answer.status_code == 403 and "already called" in answer.text
    assert "Password" in answer.text  # who has one may still use it


def test_a_provider_that_is_away_is_one_sentence(start: Start) -> None:
    answer = start(oidc_issuer="http://127.0.0.1:9").get("/sign-in/oidc/")
    assert answer.status_code == 502 and "Signing in with 127.0.0.1:9 failed" in answer.text
    assert "Traceback" not in answer.text


def test_the_secret_may_lie_in_a_file(start: Start, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    client = start(oidc_client_secret=None, oidc_client_secret_file=tmp_path / "secret", **OWNERS)
    assert sign_in(client).status_code == 303
    with pytest.raises(InvalidSetting, match="FACEID_OIDC_CLIENT_SECRET_FILE"):
        start(oidc_client_secret_file=tmp_path / "missing")
