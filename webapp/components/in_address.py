"""Keeps in the page's address what lies over the page, so that it can be reloaded, shared, and closed by Back."""

from __future__ import annotations

from webapp.components.files import component

_component = component(__file__)


def in_address(name: str, value: str) -> None:
    """While it is drawn, the address holds the parameter: as an entry of its own in the history, the same one when
    the value changes. Once it is no longer drawn, the entry is gone back from."""
    _component(key=f"address-{name}", data={"name": name, "value": value})


def not_in_address(name: str) -> None:
    """Takes away a parameter that was left there, as what lay over the page went before `in_address` was drawn."""
    _component(key=f"address-no-{name}", data={"name": name, "value": ""})
