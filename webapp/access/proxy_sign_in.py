"""Users whom a proxy in front of faceid has signed in: it names them in a header, which nobody else may send."""

from __future__ import annotations

import ipaddress
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import Scope

from faceid_core.errors import NameTaken, NotAllowed
from faceid_core.values import PROGRAM, Role

if TYPE_CHECKING:
    from faceid_core.library import Library, UserView

TRUSTED_PEER = "faceid.trusted_peer"
"""Key in the scope: whether the program at the other end of the connection is a trusted proxy. Who undoes the
proxy's changes to the request sets it, as the client's address is then the browser's."""


class ProxySignIn:
    """Reads the header that the settings name, from trusted proxies alone."""

    def __init__(self, library: Library) -> None:
        settings = library.settings
        self._users = library.acting_as(PROGRAM).users  # nobody but it adds whom the proxy names
        self._header = (settings.proxy_user_header or "").lower()
        self._trusted = tuple(settings.trusted_proxies)
        self._newcomers = Role(settings.proxy_newcomers) if settings.proxy_newcomers else None
        self._adding = threading.Lock()

    def user(self, scope: Scope) -> UserView | None:
        """Whom the proxy names; None where it names nobody. Raises NotAllowed for somebody unknown."""
        if not self._header or not self._is_from_proxy(scope):
            return None
        named = Headers(scope=scope).getlist(self._header)
        name = named[0].encode("latin-1").decode("utf-8", "replace").strip() if len(named) == 1 else ""
        if not name:  # with two of them, one is the client's
            return None
        return self._users.named(name) or self._newcomer(name)

    def without_header(self, scope: Scope) -> Scope:
        """The request without that header, whoever sent it."""
        if not self._header:
            return scope
        name = self._header.encode()
        return {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != name]}

    def _newcomer(self, name: str) -> UserView:
        if self._newcomers is None:
            raise NotAllowed("You are not a user of this library yet; ask its owner to add you.")
        with self._adding:
            try:
                return self._users.named(name) or self._users.add(name, self._newcomers)
            except NameTaken:  # another process was faster, or the name is reserved
                if (user := self._users.named(name)) is None:
                    raise
                return user

    def _is_from_proxy(self, scope: Scope) -> bool:
        if TRUSTED_PEER in scope:
            return bool(scope[TRUSTED_PEER])
        return is_within(scope["client"][0] if scope.get("client") else "", self._trusted)


@lru_cache(maxsize=1024)
def is_within(host: str, networks: tuple[str, ...]) -> bool:
    """
    >>> is_within("127.0.0.2", ("127.0.0.0/8",)), is_within("::1", ("127.0.0.0/8",)), is_within("", ("::/0",))
    (True, False, False)
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)
