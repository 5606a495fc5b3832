"""Passwords: what one may be, and their hashes by Argon2id with the parameters of RFC 9106 for little memory."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from faceid_core.errors import PasswordUnusable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

FEWEST_CHARACTERS, MOST_CHARACTERS = 8, 256
"""NIST SP 800-63B, 5.1.1.2: at least 8. The upper limit keeps a form from being used as a load."""

_AT_ONCE = threading.BoundedSemaphore(2)
"""A hash takes 64 MiB and half a core for a tenth of a second."""


def check_usable(password: str, name: str) -> None:
    """Raises PasswordUnusable. name: whose it becomes."""
    if len(password) < FEWEST_CHARACTERS:
        raise PasswordUnusable(f"Use a password of at least {FEWEST_CHARACTERS} characters.")
    if len(password) > MOST_CHARACTERS:
        raise PasswordUnusable(f"Use a password of at most {MOST_CHARACTERS} characters.")
    if password.casefold() == name.casefold() or len(set(password)) < 3:
        raise PasswordUnusable("That password is too easy to guess; use another one.")


def hashed(password: str) -> str:
    """Argon2's own form, with its parameters and salt."""
    with _AT_ONCE:
        return _hasher().hash(_normalised(password))


def fits(password: str, stored: str | None) -> bool:
    """Whether a password has that hash. None takes as long as any other, so that time tells nobody who exists."""
    from argon2.exceptions import InvalidHashError, VerificationError

    if len(password) > MOST_CHARACTERS:
        password = ""  # nosec B105 - hashed in vain, so that it takes as long as any other
    against = stored or _of_nobody()
    try:
        with _AT_ONCE:
            return _hasher().verify(against, _normalised(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(stored)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher
    from argon2.profiles import RFC_9106_LOW_MEMORY

    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


@cache
def _of_nobody() -> str:
    return hashed("the password of nobody")


def _normalised(password: str) -> str:
    """One spelling for what keyboards send in several (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
