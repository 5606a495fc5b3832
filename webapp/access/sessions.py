"""Sessions: a signed cookie that says who signed in, and a key that only this library has."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from itsdangerous import BadSignature, TimestampSigner
from starlette.responses import Response

from faceid_core.errors import NotWritable
from faceid_core.settings import Settings
from faceid_core.values import utc_now
from webapp.access.identity import Identity

if TYPE_CHECKING:
    from faceid_core.library import UserView

KEY_FILE, KEY_BYTES = "session.key", 32
RENEWED_SECONDS = 3600
"""A cookie that is older is given a new date, so that a session ends only when it was not used for long."""

DAY_SECONDS = 86400


class Sessions:
    """Makes and reads session cookies."""

    def __init__(self, settings: Settings) -> None:
        self._signer = TimestampSigner(
            session_key(settings.library),
            salt="faceid-session",
            digest_method=hashlib.sha256,
            key_derivation="hmac",
        )
        self._seconds = settings.session_days * DAY_SECONDS
        self._secure = (settings.public_url or "").lower().startswith("https:")
        self.cookie = cookie_name("faceid-session", settings)

    def new(self, user: UserView) -> Identity:
        """A session of its own for a user who has just signed in."""
        return Identity("session", user.id, user.stamp, secrets.token_hex(16))

    def read(self, cookie: str) -> tuple[Identity, float] | None:
        """Who signed in, and the cookie's age in seconds; None for one that is forged or too old."""
        try:
            value, signed_at = self._signer.unsign(cookie, max_age=self._seconds, return_timestamp=True)
            identity = Identity.parse(value.decode())
        except (BadSignature, ValueError):
            return None
        return identity, (datetime.now(UTC) - signed_at).total_seconds()

    def give(self, answer: Response, identity: Identity) -> None:
        """Let the browser send it from now on, to this app only, and never to its scripts."""
        answer.set_cookie(
            self.cookie,
            self._signer.sign(str(identity)).decode(),
            max_age=self._seconds,
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )

    def take(self, answer: Response) -> None:
        """Let the browser forget it."""
        answer.delete_cookie(self.cookie, httponly=True, samesite="lax", secure=self._secure)

    def latest_end(self) -> datetime:
        """UTC; no cookie that was given until now is read after this."""
        return utc_now() + timedelta(seconds=self._seconds)


def cookie_name(name: str, settings: Settings) -> str:
    """With the prefix that lets browsers refuse a cookie that another host or an unencrypted page has planted
    (RFC 6265bis, 4.1.3). It takes TLS, and for the stricter one a public address without a path."""
    if not (settings.public_url or "").lower().startswith("https:"):
        return name
    return f"__Secure-{name}" if settings.public_path else f"__Host-{name}"


def session_key(folder: Path) -> str:
    """The key of this library, made when first wanted. Raises NotWritable."""
    file = folder / KEY_FILE
    try:
        if not file.exists():
            _make_key(file)
        return file.read_text(encoding="ascii")
    except OSError as error:
        raise NotWritable(
            f"The key for sessions can't be kept in {file} ({error.strerror}); check the folder's permissions."
        ) from error


def _make_key(file: Path) -> None:
    """Complete from the first moment on, and never in the place of one that another server has just made."""
    handle, partial = tempfile.mkstemp(dir=file.parent, prefix=".session-")  # which only its owner reads
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(KEY_BYTES))
        stream.flush()
        os.fsync(handle)
    try:
        os.link(partial, file)
    except FileExistsError:
        pass
    except OSError:  # a disk that knows no links
        Path(partial).replace(file)
    finally:
        Path(partial).unlink(missing_ok=True)
