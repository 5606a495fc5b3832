"""The gate behind the guard: only who is signed in gets through to the app, which learns who it is."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceid_core.errors import FaceIdError, LibraryError
from webapp.access.identity import HEADER, PREFIX, Identity, Visitors
from webapp.access.proxy_sign_in import ProxySignIn
from webapp.access.sessions import RENEWED_SECONDS, Sessions

log = logging.getLogger(__name__)

OPEN = re.compile(r"/sign-in(/.*)?|/sign-out|/share/.*")
"""Addresses that ask nobody who they are; those behind /sign-in and /share see to it themselves."""

SIGN_IN_FIRST = "Sign in first, or send a token as “Authorization: Bearer …”."
TOKEN_UNKNOWN = "That token is not valid, or no longer; create one with `faceid token add`."  # nosec B105
AT_ONCE = 8
"""Threads that look who comes. They are not of the usual 40, for which pictures and the API may wait long: the
app's first page would stay white meanwhile."""

OUT_OF_ORDER = "The library can't be used right now; whoever runs faceid can find the reason in its log."


@dataclass(frozen=True, slots=True)
class Entry:
    """Who may come in. identity: None while nobody has to sign in. renewed: the cookie should be given again."""

    identity: Identity | None = None
    renewed: bool = False


class Gate:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, visitors: Visitors, sessions: Sessions) -> None:
        self._app, self._visitors, self._sessions = app, visitors, sessions
        self._proxy, self._threads = ProxySignIn(visitors.library), CapacityLimiter(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._let_in(scope, receive, noting)
        except LibraryError as error:  # of a page before the app, such as /sign-in: the app answers its own
            if started or scope["type"] != "http":
                raise
            await _out_of_order(scope, error)(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = _without_our_headers(scope)
        try:
            entry = await to_thread.run_sync(self._entry, scope, limiter=self._threads)
        except LibraryError as error:
            entry = _out_of_order(scope, error)
        except FaceIdError as error:
            entry = _refusal(scope, str(error), 403)
        scope = self._proxy.without_header(scope)
        if is_open(scope):
            entry = entry if isinstance(entry, Entry) else Entry()
        if isinstance(entry, Response):
            await _refuse(scope, receive, send, entry)
        elif scope["type"] == "websocket":
            inside = scope if entry.identity is None else _as(scope, entry.identity)
            await self._app(inside, self._while_valid(entry.identity, receive, send), send)
        elif entry.identity is None:
            await self._app(scope, receive, send)
        else:
            await self._app(_as(scope, entry.identity), receive, self._renewing(entry, send))

    def _entry(self, scope: Scope) -> Entry | Response:
        """Who comes, or what they are answered instead. Raises FaceIdError."""
        if not self._visitors.must_sign_in(now=True):
            return Entry()
        headers = Headers(scope=scope)
        if (secret := _bearer(headers)) is not None:
            found = self._visitors.library.tokens.find(secret)
            return Entry(Identity("token", found[0])) if found else _no_such_token()
        if (user := self._proxy.user(scope)) is not None:
            return Entry(Identity("proxy", user.id, user.stamp))
        cookie = cookie_parser(headers.get("cookie", "")).get(self._sessions.cookie, "")
        if (session := self._sessions.read(cookie)) and self._visitors.user(session[0]):
            return Entry(session[0], renewed=session[1] > RENEWED_SECONDS)
        return _sign_in_first(scope)

    def _while_valid(self, identity: Identity | None, receive: Receive, send: Send) -> Receive:
        """A page stays connected for days; nothing that it sends counts once its user is out, or once the
        library that it was opened in without a user has one."""

        async def wrapped() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            if await to_thread.run_sync(self._is_out, identity, limiter=self._threads):
                await send({"type": "websocket.close", "code": 1008})
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        return wrapped

    def _is_out(self, identity: Identity | None) -> bool:
        return self._visitors.must_sign_in(now=True) if identity is None else self._visitors.user(identity) is None

    def _renewing(self, entry: Entry, send: Send) -> Send:
        if not entry.renewed or entry.identity is None:
            return send
        identity = entry.identity

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                carrier = Response()
                self._sessions.give(carrier, identity)
                headers = MutableHeaders(scope=message)
                if "set-cookie" not in headers:  # signing out, say, knows better
                    headers.append("Set-Cookie", carrier.headers["set-cookie"])
            await send(message)

        return wrapped


def path_of(scope: Scope) -> str:
    """The path within this app."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def is_open(scope: Scope) -> bool:
    """Whether an address is answered to everybody."""
    return scope["type"] == "http" and OPEN.fullmatch(path_of(scope)) is not None


def _without_our_headers(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if not name.lower().startswith(PREFIX)]
    return {**scope, "headers": headers}


def _as(scope: Scope, identity: Identity) -> Scope:
    return {**scope, "headers": [*scope["headers"], (HEADER.lower().encode(), str(identity).encode())]}


def _bearer(headers: Headers) -> str | None:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def _no_such_token() -> Response:
    challenge = 'Bearer realm="faceid", error="invalid_token"'
    return JSONResponse({"error": TOKEN_UNKNOWN}, 401, headers={"WWW-Authenticate": challenge})


def _sign_in_first(scope: Scope) -> Response:
    """People are led to the sign-in page, and back from there; programs are told what is missing."""
    if not _is_navigation(scope):
        return JSONResponse({"error": SIGN_IN_FIRST}, 401, headers={"WWW-Authenticate": 'Bearer realm="faceid"'})
    query = scope["query_string"].decode("latin-1")
    wanted = path_of(scope) + (f"?{query}" if query else "")
    target = "/sign-in" + (f"?next={quote(wanted, safe='/')}" if wanted != "/" else "")
    return RedirectResponse(scope.get("root_path", "") + target, 303, headers={"Cache-Control": "no-store"})


def _is_navigation(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or path_of(scope).startswith("/api"):
        return False
    headers = Headers(scope=scope)
    return headers.get("sec-fetch-mode", "navigate") == "navigate" and "text/html" in headers.get("accept", "")


def _refusal(scope: Scope, sentence: str, status: int) -> Response:
    return (
        PlainTextResponse(sentence, status) if _is_navigation(scope) else JSONResponse({"error": sentence}, status)
    )


def _out_of_order(scope: Scope, error: LibraryError) -> Response:
    log.error("the library can't be used: %s", error)
    return _refusal(scope, OUT_OF_ORDER, 503)


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await answer(scope, receive, send)
