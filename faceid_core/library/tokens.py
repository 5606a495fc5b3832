"""Access tokens, with which programs authenticate instead of a password."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import or_, select
from sqlmodel import col

from faceid_core.errors import NameTaken, NotFound
from faceid_core.library import person_names
from faceid_core.library.store import journal
from faceid_core.library.store.database import Database
from faceid_core.library.store.records import TokenView, UserView
from faceid_core.library.store.tables import AccessToken, User
from faceid_core.library.users import known_user, view_of
from faceid_core.values import Role, utc_now
from faceid_core.wording import count

PREFIX = "faceid_"
"""Lets secret scanners recognise leaked tokens."""

SECRET_BYTES = 32
"""256 bits can't be guessed, so a plain SHA-256 protects them as well as a slow hash would."""


class Tokens:
    """Creates, lists, finds and removes tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, *, user: str, days: int | None = None) -> str:
        """Create a token that acts for `user`. days: validity, None for unlimited. Returns the secret, which is not
        stored.

        Raises InvalidName, NameTaken, NotFound.
        """
        name = person_names.clean(name)
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        expires = utc_now() + timedelta(days=days) if days is not None else None
        with self._database.write(Role.OWNER) as session:
            owner = known_user(session, user)
            key = person_names.key(name)
            if session.scalars(select(AccessToken).where(col(AccessToken.name_key) == key)).first():
                raise NameTaken(f"There is already a token {name}; remove it first, or choose another name.")
            assert owner.id is not None
            session.add(
                AccessToken(user_id=owner.id, name=name, name_key=key, digest=_digest(secret), expires_at=expires)
            )
            ends = f"valid for {count(days, 'day')}" if days is not None else "without an end"
            journal.note(session, journal.TOKENS, f"Made the token {name} for the user {owner.name}, {ends}")
        return secret

    def all(self) -> list[TokenView]:
        """Return all tokens, by name, with their users. Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        wanted = select(AccessToken, User.name).join(User).order_by(col(AccessToken.name_key))  # type: ignore[call-overload]
        with self._database.read() as session:
            return [
                TokenView(token.id, token.name, user, token.created_at, token.expires_at)
                for token, user in session.execute(wanted)
            ]

    def remove(self, name: str) -> None:
        """Delete a token, which stops working at once. Raises NotFound."""
        key = person_names.key(name.strip())
        with self._database.write(Role.OWNER) as session:
            token = session.scalars(select(AccessToken).where(col(AccessToken.name_key) == key)).first()
            if token is None:
                raise NotFound(f"There is no token {name}; `faceid token list` lists them.")
            session.delete(token)
            journal.note(session, journal.TOKENS, f"Removed the token {token.name}")

    def find(self, secret: str) -> tuple[int, UserView] | None:
        """Return the id and the user of the token with this secret; None if it is unknown or expired."""
        return self._valid(col(AccessToken.digest) == _digest(secret))

    def user_of(self, token_id: int) -> UserView | None:
        """Return the user of a token; None if it was removed or has expired."""
        found = self._valid(col(AccessToken.id) == token_id)
        return found[1] if found else None

    def _valid(self, which: object) -> tuple[int, UserView] | None:
        wanted = (
            select(AccessToken.id, User)  # type: ignore[call-overload]
            .join(User)
            .where(which, or_(col(AccessToken.expires_at).is_(None), col(AccessToken.expires_at) > utc_now()))
        )
        with self._database.read() as session:
            row = session.execute(wanted).first()
            return (row[0], view_of(row[1])) if row else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
