"""Where somebody is in the queue of questions: the same in all their tabs, and after a reload."""

from __future__ import annotations

import threading

from faceid_core.review.place import Place
from webapp.context import library, who

_lock = threading.Lock()
_places: dict[tuple[str, str], Place] = {}


def place() -> Place:
    """The place of whoever acts, in the library that is served; kept while the server runs."""
    with _lock:
        return _places.setdefault((library().settings.url, who().name), Place())
