"""Users who may sign in. They have a name, a role and usually a password."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from faceid_core.errors import BadInput, LastOwner, NameTaken, NotFound
from faceid_core.library import passwords, person_names
from faceid_core.library.store import journal
from faceid_core.library.store.database import Database
from faceid_core.library.store.records import UserView
from faceid_core.library.store.tables import EndedSession, User
from faceid_core.settings import Settings
from faceid_core.values import LOCAL_OWNER, PROGRAM, Role, utc_now


class Users:
    """Adds, changes and removes users, and checks their passwords."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[UserView]:
        """Return all users, by name. Raises NotAllowed."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            return [view_of(user) for user in session.scalars(select(User).order_by(col(User.name_key)))]

    def exist(self) -> bool:
        """Whether there are any users. Without users, nobody has to sign in."""
        with self._database.read() as session:
            return session.scalar(select(User.id).limit(1)) is not None  # type: ignore[call-overload]

    def get(self, user_id: int) -> UserView | None:
        """Return the user with this id, or None."""
        with self._database.read() as session:
            user = session.get(User, user_id)
            return view_of(user) if user else None

    def named(self, name: str) -> UserView | None:
        """Return the user with this name, ignoring case, or None."""
        with self._database.read() as session:
            user = _by_name(session, name)
            return view_of(user) if user else None

    def known(self, name: str) -> UserView:
        """Return the user with this name, ignoring case. Raises NotFound."""
        with self._database.read() as session:
            return view_of(known_user(session, name))

    def add(self, name: str, role: Role, password: str | None = None) -> UserView:
        """Add a user. Without a password, they can sign in only through a proxy or an OpenID Connect provider.

        Raises InvalidName, NameTaken, PasswordUnusable.
        """
        stored = _checked_hash(password, name)
        with self._database.write(Role.OWNER) as session:
            user = _add(session, name, role, stored)
            _note(session, f"Added the user {user.name}, {role.with_article}")
            return user

    def add_first(self, name: str, password: str) -> UserView:
        """Add the first user of a library, an owner. Raises InvalidName, PasswordUnusable, BadInput."""
        stored = _checked_hash(password, name)
        with self._database.write(Role.OWNER) as session:
            if session.scalar(select(func.count()).select_from(User)):
                raise BadInput("A user has been added in the meantime; sign in.")
            user = _add(session, name, Role.OWNER, stored)
            _note(session, f"Added the first user {user.name}, an owner")
            return user

    def set_password(self, name: str, password: str) -> UserView:
        """Set a user's password and end all their sessions. Only owners may do so for other users.

        Raises NotFound, PasswordUnusable.
        """
        stored = _checked_hash(password, name)
        own = person_names.key(name) == person_names.key(self._database.actor.name)
        with self._database.write(Role.VIEWER if own else Role.OWNER) as session:
            user = known_user(session, name)
            user.password, user.stamp = stored, _new_stamp()
            session.flush()
            _note(session, "Changed their own password" if own else f"Set the password of the user {user.name}")
            return view_of(user)

    def set_role(self, name: str, role: Role) -> UserView:
        """Set a user's role. Raises NotFound, LastOwner."""
        with self._database.write(Role.OWNER) as session:
            user = known_user(session, name)
            if role is not Role.OWNER:
                _refuse_last_owner(session, user)
            _refuse_reserved(user.name_key, role)
            _change_role(session, user, role)
            return view_of(user)

    def remove(self, name: str) -> None:
        """Remove a user with their tokens and sessions. What they did stays in the history. Raises NotFound,
        LastOwner."""
        with self._database.write(Role.OWNER) as session:
            user = known_user(session, name)
            _refuse_last_owner(session, user)
            session.execute(delete(User).where(col(User.id) == user.id))
            _note(session, f"Removed the user {user.name}")

    def check(self, name: str, password: str) -> UserView | None:
        """Return the user with this name and password, or None. A wrong name takes as long as a wrong password."""
        with self._database.read() as session:
            user = _by_name(session, name)
            stored, view = (user.password, view_of(user)) if user else (None, None)
        if not passwords.fits(password, stored):
            return None
        if view and stored and passwords.is_outdated(stored):
            self._renew_hash(view, password)
        return view

    def _renew_hash(self, user: UserView, password: str) -> None:
        renewed = passwords.hashed(password)
        with self._database.write(Role.OWNER) as session:
            found = session.get(User, user.id)
            if found and found.stamp == user.stamp:  # otherwise, the password has just been changed
                found.password = renewed

    # --- users of an OpenID Connect provider ------------------------------------------------------------------
    def of_subject(self, issuer: str, subject: str, name: str, role: Role | None) -> UserView | None:
        """Return the user identified by a provider's `subject`, and set the role that the provider gives them, if
        any. A new user is added if the provider gives a role, or linked to a user of that name without a password.
        Returns None for anybody else.

        Raises NameTaken if another user has that name, InvalidName.
        """
        digest = hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()
        with self._database.write(Role.OWNER) as session:
            user = session.scalars(select(User).where(col(User.subject) == digest)).first()
            if user is None:
                user = _by_name(session, name)
                if user is not None and (user.password or user.subject):
                    raise NameTaken(f"Another user is already called {user.name}; ask the owner of this library.")
            if user is None:
                if role is None:
                    return None
                _add(session, name, role, None)
                user = known_user(session, name)
                _note(
                    session,
                    f"Added the user {user.name}, {role.with_article}, as the provider of OpenID Connect says",
                )
            user.subject = digest
            if role is not None and not _is_last_owner(session, user):
                _change_role(session, user, role)
            session.flush()
            return view_of(user)

    # --- sessions ---------------------------------------------------------------------------------------------
    def end_session(self, session_id: str, until: datetime) -> None:
        """End a session. until: when its cookie would have expired, in UTC."""
        with self._database.write(Role.OWNER) as session:
            session.execute(delete(EndedSession).where(col(EndedSession.until) < utc_now()))
            session.merge(EndedSession(id=session_id, until=until))

    def has_ended(self, session_id: str) -> bool:
        """Whether the user signed out of this session."""
        with self._database.read() as session:
            return session.get(EndedSession, session_id) is not None


def view_of(user: User) -> UserView:
    """Return the public view of a user, without the password hash."""
    assert user.id is not None
    return UserView(user.id, user.name, Role(user.role), user.stamp, user.password is not None, user.created_at)


def known_user(session: Session, name: str) -> User:
    """Return the user with this name. Raises NotFound."""
    user = _by_name(session, name)
    if user is None:
        raise NotFound(f"There is no user {name}; `faceid user list` lists them.")
    return user


def _by_name(session: Session, name: str) -> User | None:
    return session.scalars(select(User).where(col(User.name_key) == person_names.key(name.strip()))).first()


def _add(session: Session, name: str, role: Role, stored: str | None) -> UserView:
    name = person_names.clean(name)
    key = person_names.key(name)
    _refuse_reserved(key, role)
    if _by_name(session, name):
        raise NameTaken(f"There is already a user {name}; choose another name.")
    user = User(name=name, name_key=key, role=role.value, password=stored, stamp=_new_stamp())
    session.add(user)
    session.flush()
    return view_of(user)


def _change_role(session: Session, user: User, role: Role) -> None:
    if user.role != role.value:
        _note(session, f"Made the user {user.name} {role.with_article}, who was {Role(user.role).with_article}")
    user.role = role.value
    session.flush()


def _note(session: Session, summary: str) -> None:
    journal.note(session, journal.USERS, summary)


def _refuse_reserved(key: str, role: Role) -> None:
    """Refuse names that the history uses for the program, and for the owner while sign-in was off."""
    if key == PROGRAM.name or (key == LOCAL_OWNER.name and role is not Role.OWNER):
        raise NameTaken(f"The name {key} has a meaning of its own in the history; choose another name.")


def _refuse_last_owner(session: Session, user: User) -> None:
    if _is_last_owner(session, user):
        raise LastOwner(f"{user.name} is the only owner; make somebody else an owner first.")


def _is_last_owner(session: Session, user: User) -> bool:
    if user.role != Role.OWNER.value:
        return False
    others = (
        select(func.count()).select_from(User).where(col(User.role) == Role.OWNER.value, col(User.id) != user.id)
    )
    return not session.scalar(others)


def _checked_hash(password: str | None, name: str) -> str | None:
    if password is None:
        return None
    passwords.check_usable(password, name)
    return passwords.hashed(password)


def _new_stamp() -> str:
    return secrets.token_hex(8)


OPEN_TO_ALL = (
    "The address {host} can be reached by others, and nobody would have to sign in; add a user with "
    "`faceid user add NAME`, or give --insecure."
)


def refuse_open_door(settings: Settings, users: Users | None = None) -> None:
    """Raise BadInput if the web app would be open to the network although the settings don't allow it. users: None
    for a library that is not there yet."""
    signs_in = settings.has_proxy_sign_in or settings.has_oidc
    if settings.is_local or settings.insecure or signs_in or (users is not None and users.exist()):
        return
    raise BadInput(OPEN_TO_ALL.format(host=settings.host))
