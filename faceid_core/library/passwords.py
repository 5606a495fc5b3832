"""Passwords: their rules, and Argon2id hashes with the low-memory parameters of RFC 9106."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from faceid_core.errors import PasswordUnusable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

FEWEST_CHARACTERS, MOST_CHARACTERS = 8, 256
"""NIST SP 800-63B, 5.1.1.2: at least 8. The upper limit prevents denial of service by huge passwords."""

_AT_ONCE = threading.BoundedSemaphore(2)
"""A hash takes 64 MiB and half a core for a tenth of a second."""


def check_usable(password: str, name: str) -> None:
    """Raise PasswordUnusable if the password breaks a rule. name: of its user."""
    if len(password) < FEWEST_CHARACTERS:
        raise PasswordUnusable(f"Use a password of at least {FEWEST_CHARACTERS} characters.")
    if len(password) > MOST_CHARACTERS:
        raise PasswordUnusable(f"Use a password of at most {MOST_CHARACTERS} characters.")
    if password.casefold() == name.casefold() or len(set(password)) < 3:
        raise PasswordUnusable("That password is too easy to guess; use another one.")


def hashed(password: str) -> str:
    """Return the hash in Argon2's encoded form, with parameters and salt."""
    with _AT_ONCE:
        return _hasher().hash(_normalised(password))


def fits(password: str, stored: str | None) -> bool:
    """Whether the password matches the hash. None takes as long, so that timing does not reveal which users
    exist."""
    from argon2.exceptions import InvalidHashError, VerificationError

    if len(password) > MOST_CHARACTERS:
        password = ""  # nosec B105  # hashed only so that it takes as long as any other
    against = stored or _of_nobody()
    try:
        with _AT_ONCE:
            return _hasher().verify(against, _normalised(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with outdated parameters."""
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
    """Normalise Unicode, as keyboards encode the same text differently (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
