"""Who asks, in one header that the gate alone sets and that Streamlit, Gradio and the API all read."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from faceid_core.library import Library, UserView

HEADER = "X-Faceid-User"
PREFIX = b"x-faceid-"
"""Headers that begin so never come from outside."""

FRESH_SECONDS = 2.0
"""Seconds after which a user is looked up again: so long a removed user may still get in."""

REMEMBERED = 1000
"""Users and sessions that are remembered at once."""

Kind = Literal["session", "token", "proxy"]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Identity:
    """How somebody came in. number: the user's id, or the token's. stamp: what the user's must still be."""

    kind: Kind
    number: int
    stamp: str = ""
    session: str = ""

    def __str__(self) -> str:
        return f"{self.kind}.{self.number}.{self.stamp}.{self.session}"

    @classmethod
    def parse(cls, text: str) -> Identity:
        """From the header. ValueError for what no gate has written."""
        kind, number, stamp, session = text.split(".")
        if kind not in ("session", "token", "proxy"):
            raise ValueError(kind)
        return cls(kind, int(number), stamp, session)  # type: ignore[arg-type]


class Visitors:
    """Looks up who somebody is in the library, and remembers it for a moment. Safe to share between threads."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._known: OrderedDict[str, tuple[float, object]] = OrderedDict()
        self._lock = threading.Lock()

    def user(self, identity: Identity) -> UserView | None:
        """The user as they are now; None once the session has ended or the user was removed."""
        return self._remembered(str(identity), lambda: self._look_up(identity))

    def must_sign_in(self, *, now: bool = False) -> bool:
        """Whether strangers are shown the sign-in page. Else whoever reaches the address is the owner.

        now: as the library says in this moment, in which another process may have added the first user. The gate
        asks so for each request and message, which costs one read of a row.
        """
        settings = self.library.settings
        if settings.has_proxy_sign_in or settings.has_oidc:
            return True
        if not (settings.is_local or settings.insecure):
            return True  # the server started when there were users; a restored backup may hold none
        return self._remembered("", self.library.users.exist, again=now)

    def forget(self) -> None:
        """Look everything up again: this process has changed a user."""
        with self._lock:
            self._known.clear()

    def _look_up(self, identity: Identity) -> UserView | None:
        if identity.kind == "token":
            return self.library.tokens.user_of(identity.number)
        user = self.library.users.get(identity.number)
        if user is None or user.stamp != identity.stamp:
            return None
        return None if identity.session and self.library.users.has_ended(identity.session) else user

    def _remembered(self, key: str, look_up: Callable[[], Value], *, again: bool = False) -> Value:
        """again: a no is not remembered."""
        now = time.monotonic()
        with self._lock:
            at, value = self._known.get(key, (-FRESH_SECONDS, None))
            if now - at < FRESH_SECONDS and (value or not again):
                return value  # type: ignore[return-value]
        found = look_up()
        with self._lock:
            self._known[key] = (now, found)
            self._known.move_to_end(key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found
