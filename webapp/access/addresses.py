"""Where a sign-in leads to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def local_path(target: str) -> str:
    """Where to go after signing in: a path on this server, "/" for anything else.

    >>> local_path("/people?person=3"), local_path("https://evil.example/"), local_path("//evil.example")
    ('/people?person=3', '/', '/')
    """
    parts = urlsplit(target) if not re.search(r"[\\\s\x00-\x1f]", target) else None
    if parts is None or parts.scheme or parts.netloc or not parts.path.startswith("/") or target.startswith("//"):
        return "/"
    return "/" if re.match(r"/sign-(in|out)", parts.path) else target
