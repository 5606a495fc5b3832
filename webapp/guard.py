"""The guard before everything: HTTP and WebSocket of Streamlit, Gradio and API alike.

It answers three questions before any of them sees a request. Is it for a name that this server goes by? Does it
come from a page of this server, and not from another web site, or another port of this machine? Is it an address
that the app really needs? Every answer carries the headers that keep browsers from framing or sharing it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp import front_page

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CLOSED = re.compile(
    r"/_stcore/(metrics|agent|script-health-check)"
    r"|/gradio/\w+/(login|logout|monitoring|manifest\.json|openapi\.json|pwa_icon)"
    r"|/gradio/\w+/gradio_api/(proxy=|dev|vibe|undo-vibe|process_recording|deep_link|runs|run-history|run/|api/|profiling"
    r"|custom_component|call/v2|token|openapi)"
)
"""Addresses that Streamlit and Gradio bring along and that this app has no use for."""

OPEN_CALLS = re.compile(r"/gradio/\w+/gradio_api/call/(?!recognise(/|$))")
"""Gradio's calls by name: only the public one is answered, so that private events can't be called from outside."""

ELSEWHERE = "This request comes from another website; open faceid itself."
NOT_MINE = "This server isn't known by that name; set FACEID_PUBLIC_URL to the address that people use."
NOT_HERE = "There is nothing here."


class Guard:
    """ASGI middleware. hosts: names without ports that are answered, None for any. origins: further origins that
    count as this server's own, such as https://photos.example: the public address behind a proxy."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None = None, origins: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal)
            return
        await self._app(_known_origin(scope), receive, _with_headers(scope, send))

    def _refusal(self, scope: Scope) -> Response | None:
        """Why not to answer; None where nothing speaks against it."""
        headers = Headers(scope=scope)
        if not self._is_mine(headers.get("host", "")):
            return PlainTextResponse(NOT_MINE, 421)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if CLOSED.match(path) or OPEN_CALLS.match(path):
            return PlainTextResponse(NOT_HERE, 404)
        acts = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if acts and not self._is_own(scope, headers):
            return PlainTextResponse(ELSEWHERE, 403)
        return None

    def _is_mine(self, host: str) -> bool:
        """Whether the Host header names this server, so that no web site reaches in by DNS rebinding."""
        return self._hosts is None or hostname(host) in self._hosts

    def _is_own(self, scope: Scope, headers: Headers) -> bool:
        """Whether a page of this server asks. The origin must be exact, port included: another program on another
        port of this machine is another site. Programs, which send neither header, are not a browser's victims."""
        origin = headers.get("origin")
        if origin is not None:
            return origin in self._origins or origin == own_origin(scope, headers)
        return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def own_origin(scope: Scope, headers: Headers) -> str:
    """Such as http://127.0.0.1:8501: the origin of the pages that this request's address belongs to."""
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    return f"{scheme}://{headers.get('host', '')}"


def hostname(host: str) -> str:
    """The name in a Host header, in lower case and without port; "" for rubbish.

    >>> hostname("LocalHost:8501"), hostname("[::1]:80"), hostname("a b")
    ('localhost', '::1', '')
    """
    try:
        return (urlsplit(f"//{host}").hostname or "") if not re.search(r"[\s/@?#]", host) else ""
    except ValueError:
        return ""


def _known_origin(scope: Scope) -> Scope:
    """Without the Origin header, which has been judged: for one that it does not know, Streamlit would ask the
    internet for this machine's address before it says no, and Gradio would compare names without ports."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"origin"]
    return {**scope, "headers": headers}


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: Response) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    refusal.headers.update({**POLICY, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"})
    await refusal(scope, receive, send)


# --- headers ----------------------------------------------------------------------------------------------------
POLICY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()",
    "X-Frame-Options": "SAMEORIGIN",
}
"""On every answer."""

NO_CAMERA = re.compile(r"/(api|share|sign-in|sign-out|account|metrics|static|media)(/|$)")
"""Everything but the pages of the app and the recognisers. The app is one document, whichever of its pages is
shown: the browser goes by the address at which it was opened."""


def permissions(path: str) -> str:
    """The Permissions-Policy of an address."""
    policy = POLICY["Permissions-Policy"]
    return policy if NO_CAMERA.match(path) else policy.replace("camera=()", "camera=(self)")


_CONTENT = {
    "default-src": "'self'",
    # Streamlit loads the script of a component from a blob, and Vega compiles its charts.
    "script-src": "'self' blob: 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "frame-src": "'self'",
    "frame-ancestors": "'self'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "object-src": "'none'",
}
_GRADIO = {"script-src": "'self' blob: 'unsafe-inline' 'unsafe-eval'"}
"""Gradio writes its configuration as a script into the page."""


_SHARED = "default-src 'none'; img-src 'self'; style-src 'self'; font-src 'self'; form-action 'self'; " \
    "base-uri 'none'; frame-ancestors 'none'"  # fmt: skip
"""Shared pages need no script."""


def content_policy(path: str) -> str:
    """The Content-Security-Policy of an address: what its pages need, and no more."""
    if path.startswith("/share/"):
        return _SHARED
    wanted = {**_CONTENT, **(_GRADIO if path.startswith("/gradio/") else {})}
    if not path.startswith("/gradio/"):
        wanted["script-src"] = " ".join([wanted["script-src"], *inline_scripts()])
    return "; ".join(f"{name} {sources}" for name, sources in wanted.items())


@cache
def inline_scripts() -> tuple[str, ...]:
    """The hashes, in the policy's form, of the scripts that stand in the front page."""
    found = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", front_page.document(), re.S)
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in found)
    return tuple(f"'sha256-{digest}'" for digest in digests)


def _with_headers(scope: Scope, send: Send) -> Send:
    """Adds the policy to an answer, and takes away what would share it with other sites."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    policy, allowed = content_policy(path), permissions(path)

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name in [name for name in headers if name.lower().startswith("access-control-")]:
                del headers[name]
            headers.setdefault("Cache-Control", "private, no-cache")  # it is for whoever is signed in
            silent = headers.get("Referrer-Policy") == "no-referrer"  # some pages tell nobody that they were there
            headers.update({**POLICY, "Permissions-Policy": allowed, "Content-Security-Policy": policy})
            if silent:
                headers["Referrer-Policy"] = "no-referrer"
        await send(message)

    return wrapped
