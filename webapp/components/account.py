"""Who is signed in, with a button to sign out; the page leaves by itself when the session has ended."""

from __future__ import annotations

from webapp.components.files import component
from webapp.context import settings

_component = component(__file__)


def account(name: str, *, can_sign_out: bool) -> None:
    """Draw it. can_sign_out: not where a proxy signs in again at once."""
    root = settings().public_path
    addresses = {
        "account": f"{root}/account",
        "signIn": f"{root}/sign-in",
        "signOut": f"{root}/sign-out" if can_sign_out else "",
        "state": f"{root}/sign-in/state",
    }
    _component(key="account", data={"name": name, **addresses})
