"""Names of people: which are valid, and when two are the same."""

from __future__ import annotations

import re
import unicodedata

from faceid_core.errors import InvalidName

NAME_CHARACTERS = 100
"""Longest name."""

_JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiner: invisible, but part of the spelling of Persian and Indic names."""


def clean(name: str) -> str:
    """Normalise a name: NFC, no control characters, single spaces. Raises InvalidName."""

    def allowed(c: str) -> bool:
        return c.isprintable() or c in _JOINERS

    name = unicodedata.normalize("NFC", name)
    name = re.sub(r"\s+", " ", "".join(c if allowed(c) else " " for c in name)).strip()
    if not name.strip(_JOINERS):
        raise InvalidName("Type a name first.")
    if len(name) > NAME_CHARACTERS:
        raise InvalidName(f"That name has {len(name)} characters; use at most {NAME_CHARACTERS}.")
    return name


def key(name: str) -> str:
    """Return the key by which names are compared, ignoring case and invisible joiners."""
    visible = "".join(c for c in name if c not in _JOINERS)
    return unicodedata.normalize("NFC", visible.casefold())


def sort_key(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a natural sort key: ignore case and accents, order numbers by value.

    >>> sorted(["Item 10", "item 2", "Émile", "Eva"], key=sort_key)
    ['Émile', 'Eva', 'item 2', 'Item 10']
    >>> sorted(["²", "1"], key=sort_key)
    ['1', '²']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", _plain(name))
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)


def matches(name: str, search: str) -> bool:
    """Whether a name contains every word of a search, ignoring case and accents.

    >>> matches("Zoë Ångström", "angst zoe")
    True
    """
    return all(word in _plain(name) for word in _plain(search).split())


def _plain(text: str) -> str:
    """Strip case, accents and invisible joiners, as the name box does for its suggestions."""
    if text.isascii():  # most names, in a tenth of the time
        return text.casefold()
    return "".join(c for c in unicodedata.normalize("NFD", key(text)) if not unicodedata.combining(c))
