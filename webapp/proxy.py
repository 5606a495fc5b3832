"""What a reverse proxy changes about a request is undone before the app sees it: who asks, by which scheme, under
which name and path.

`FromProxy` comes first, before the guard. It believes the X-Forwarded headers of trusted proxies alone, and takes
them away, so that no part of the app judges them again. Every path then begins with the public one, whether the
proxy cuts it off or passes it on. `PublicName` comes after the guard, which must judge the Host header as it was
sent: a request that came by the public address carries its name and scheme from there on, so that the app's own
absolute addresses are right.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from faceid_core.settings import is_loopback
from webapp.access.proxy_sign_in import TRUSTED_PEER, is_within
from webapp.guard import hostname

BY_PUBLIC_NAME = "faceid.by_public_name"
"""Key in the scope: whether the request was sent to the public address."""

FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto",
             b"x-forwarded-prefix", b"x-forwarded-server", b"x-real-ip", b"x-gradio-server")  # fmt: skip
"""Headers in which proxies say what the browser sent; nobody else's are believed."""


class FromProxy:
    """ASGI middleware. trusted: addresses and networks of proxies. origin, path: the public address, such as
    https://photos.example and /faces."""

    def __init__(self, app: ASGIApp, trusted: Iterable[str], origin: str | None = None, path: str = "") -> None:
        self._app, self._origin, self._path = app, origin, path
        self._trusted = tuple(trusted)
        self._believing = ProxyHeadersMiddleware(self._forward, list(self._trusted))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        peer = scope["client"][0] if scope.get("client") else ""
        trusted = is_within(peer, self._trusted)
        scope = {**scope, TRUSTED_PEER: trusted, BY_PUBLIC_NAME: self._by_public_name(scope, trusted)}
        await (self._believing if trusted else self._forward)(scope, receive, send)  # type: ignore[arg-type]

    def _by_public_name(self, scope: Scope, trusted: bool) -> bool:
        """By the Host or Origin, as a page of that address asks, or as a trusted proxy left its headers."""
        if self._origin is None:
            return False
        headers = Headers(scope=scope)
        if headers.get("host") == urlsplit(self._origin).netloc or headers.get("origin") == self._origin:
            return True
        if trusted and headers.get("referer", "").startswith(f"{self._origin}/"):  # the Host may be the proxy's own
            return True
        return trusted and any(name in headers for name in ("x-forwarded-host", "x-forwarded-proto"))

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in FORWARDED]
        if self._path:
            if scope["path"] == self._path and scope["type"] == "http":
                query = scope["query_string"].decode("latin-1")
                home = RedirectResponse(f"{self._path}/" + (f"?{query}" if query else ""), 308)
                await home(scope, receive, send)
                return
            scope.update(self._below_public_path(scope))
        await self._app(scope, receive, _for_public_path(scope, send, self._path, self._origin))

    def _below_public_path(self, scope: Scope) -> dict[str, object]:
        """The path as the browser knows it; root_path tells the app how much of it isn't the app's own."""
        before = "" if scope["path"].startswith(f"{self._path}/") else self._path
        changed: dict[str, object] = {"root_path": self._path, "path": before + scope["path"]}
        if scope.get("raw_path"):
            changed["raw_path"] = before.encode() + scope["raw_path"]
        return changed


class PublicName:
    """ASGI middleware: what came by the public address carries its Host and scheme. origin: see FromProxy."""

    def __init__(self, app: ASGIApp, origin: str | None = None) -> None:
        self._app, self._origin = app, origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._origin and scope.get(BY_PUBLIC_NAME):
            parts = urlsplit(self._origin)
            headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
            headers.append((b"host", parts.netloc.encode()))
            scheme = parts.scheme if scope["type"] == "http" else parts.scheme.replace("http", "ws")
            scope = {**scope, "headers": headers, "scheme": scheme}
        await self._app(scope, receive, send)


def _own_names(scope: Scope, origin: str | None) -> set[str]:
    """Host headers that this request's answer may be about."""
    public = {urlsplit(origin).netloc} if origin and scope[BY_PUBLIC_NAME] else set()
    return {Headers(scope=scope).get("host", ""), *public} - {""}


def _is_encrypted(scope: Scope, origin: str | None) -> bool:
    if origin and scope[BY_PUBLIC_NAME]:
        return origin.startswith("https:")
    return scope["scheme"] in ("https", "wss")


def own_cookie(cookie: str, path: str, *, encrypted: bool) -> str:
    """A Set-Cookie header for this app alone, not for what else lies under the same name; over TLS for TLS alone.

    >>> own_cookie("a=b; Path=/; SameSite=Lax", "/faces", encrypted=True)
    'a=b; Path=/faces/; SameSite=Lax; Secure'
    """
    parts = [part.strip() for part in cookie.split(";")]
    parts = [f"Path={path}/" if part.lower() == "path=/" else part for part in parts]
    if encrypted and "secure" not in map(str.lower, parts):
        parts.append("Secure")
    return "; ".join(parts)


def own_location(location: str, names: set[str]) -> str:
    """A redirect to this server without its name: the browser knows best by which it came.

    >>> own_location("http://127.0.0.1:8501/a/?b", {"127.0.0.1:8501"}), own_location("//x/y", {"z"})
    ('/a/?b', '//x/y')
    >>> own_location("http://me//evil.example/", {"me"})  # without the name, it would lead elsewhere
    'http://me//evil.example/'
    """
    target = urlsplit(location)
    if target.netloc not in names or target.path.startswith("//"):
        return location
    return target._replace(scheme="", netloc="").geturl() or "/"


def _is_isolated(scope: Scope, origin: str | None) -> bool:
    """Whether browsers heed Cross-Origin-Opener-Policy; elsewhere they only write an error to their console."""
    plain = origin is not None and origin.startswith("http:")
    return _is_encrypted(scope, origin) or (
        is_loopback(hostname(Headers(scope=scope).get("host", ""))) and not plain
    )


def _for_public_path(scope: Scope, send: Send, path: str, origin: str | None) -> Send:
    """Sends answers whose cookies, redirects and policy fit the public address."""
    names, encrypted = _own_names(scope, origin), _is_encrypted(scope, origin)
    useless = set() if _is_isolated(scope, origin) else {b"cross-origin-opener-policy"}

    def fitting(name: bytes, value: bytes) -> tuple[bytes, bytes]:
        text = value.decode("latin-1")
        if name.lower() == b"set-cookie":
            return name, own_cookie(text, path, encrypted=encrypted).encode("latin-1")
        return name, own_location(text, names).encode("latin-1") if name.lower() == b"location" else value

    async def wrapped(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept"):
            headers = [fitting(*each) for each in message.get("headers", ()) if each[0].lower() not in useless]
            message = {**message, "headers": headers}
        await send(message)

    return wrapped
