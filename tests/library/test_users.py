"""Users, their passwords and tokens: who may come in, who may say so, and what nobody can guess."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from faceid_core.errors import (
    BadInput,
    InvalidName,
    LastOwner,
    NameTaken,
    NotAllowed,
    NotFound,
    PasswordUnusable,
)
from faceid_core.library import Library, passwords
from faceid_core.values import LOCAL_OWNER, PROGRAM, Actor, Role, utc_now

GOOD = "difference engine"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of little work; one test below looks at the real ones."""
    from argon2 import PasswordHasher

    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)


def stored(library: Library, name: str) -> str:
    with library._database.read() as session:
        found = session.execute(text("SELECT password FROM account WHERE name = :name"), {"name": name})
        return str(found.scalar_one())


# --- users ------------------------------------------------------------------------------------------------------
def test_who_is_added_can_sign_in_under_a_name_of_any_case(library: Library) -> None:
    assert not library.users.exist()
    added = library.users.add("  Ada   Löwe ", Role.OWNER, GOOD)
    assert library.users.exist()
    assert (added.name, added.role, added.has_password) == ("Ada Löwe", Role.OWNER, True)
    for name in ("Ada Löwe", "ada löwe", " ADA LÖWE "):
        assert library.users.check(name, GOOD) == added
    assert library.users.check("Ada Löwe", "difference Engine") is None
    assert library.users.check("Bo", GOOD) is None
    assert library.users.check("", "") is None


def test_names_differ_by_more_than_case(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    with pytest.raises(NameTaken, match="already a user"):
        library.users.add("ADA", Role.VIEWER, GOOD)
    with pytest.raises(InvalidName):
        library.users.add(" \x00 ", Role.VIEWER, GOOD)
    assert [user.name for user in library.users.all()] == ["Ada"]


@pytest.mark.parametrize("name", ["program", "Program", "owner"])
def test_names_that_the_history_uses_are_taken(library: Library, name: str) -> None:
    with pytest.raises(NameTaken, match="history"):
        library.users.add(name, Role.EDITOR, GOOD)


def test_who_was_the_owner_before_may_keep_that_name(library: Library) -> None:
    library.users.add("Ada", Role.OWNER)
    library.users.add(LOCAL_OWNER.name, Role.OWNER, GOOD)
    with pytest.raises(NameTaken, match="history"):
        library.users.set_role(LOCAL_OWNER.name, Role.VIEWER)


def test_only_one_first_user(library: Library) -> None:
    assert library.users.add_first("Ada", GOOD).role is Role.OWNER
    with pytest.raises(BadInput, match="sign in"):
        library.users.add_first("Eve", GOOD)


def test_the_last_owner_stays_one(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    library.users.add("Bo", Role.EDITOR, GOOD)
    with pytest.raises(LastOwner, match="Ada is the only owner"):
        library.users.remove("ada")
    with pytest.raises(LastOwner):
        library.users.set_role("Ada", Role.EDITOR)
    library.users.set_role("Bo", Role.OWNER)
    library.users.remove("Ada")
    with pytest.raises(LastOwner):
        library.users.remove("Bo")


@pytest.mark.parametrize(
    "act",
    [
        lambda users: users.remove("Bo"),
        lambda users: users.set_role("Bo", Role.OWNER),
        lambda users: users.set_password("Bo", GOOD),
        lambda users: users.known("Bo"),
    ],
)
def test_an_unknown_user_is_one_sentence(library: Library, act: Callable[[object], object]) -> None:
    with pytest.raises(NotFound, match="There is no user Bo"):
        act(library.users)


def test_who_is_removed_and_added_again_is_somebody_else(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    first = library.users.add("Bo", Role.VIEWER, GOOD)
    library.tokens.add("frame", user="Bo")
    library.users.remove("Bo")
    again = library.users.add("Bo", Role.VIEWER, GOOD)
    assert again.id != first.id and again.stamp != first.stamp
    assert library.tokens.all() == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_only_owners_manage_users(library: Library, role: Role) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    library.users.add("Bo", role, GOOD)
    mine = library.acting_as(Actor("Bo", role))
    acts: list[Callable[[], object]] = [
        mine.users.all,
        lambda: mine.users.add("Eve", Role.OWNER, GOOD),
        lambda: mine.users.set_role("Bo", Role.OWNER),
        lambda: mine.users.set_password("Ada", GOOD),
        lambda: mine.users.remove("Ada"),
        mine.tokens.all,
        lambda: mine.tokens.add("mine", user="Ada"),
        lambda: mine.tokens.remove("mine"),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    assert mine.users.set_password("bo", "another engine").name == "Bo"


# --- passwords --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "password", ["", "1234567", "a" * 12, "abababab", "x" * 257, "Ada Lovelace", "ada lovelace"]
)
def test_weak_passwords_are_refused(library: Library, password: str) -> None:
    with pytest.raises(PasswordUnusable):
        library.users.add("Ada Lovelace", Role.OWNER, password)
    assert not library.users.exist()


@pytest.mark.slow
def test_a_password_is_kept_as_argon2_alone(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    library.users.add("Ada", Role.OWNER, GOOD)
    kept = stored(library, "Ada")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106, 4: the second recommended option
    assert GOOD not in kept
    assert library.users.check("Ada", GOOD)


def test_an_old_hash_is_renewed_at_the_next_sign_in(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    before = library.users.add("Ada", Role.OWNER, GOOD)
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: stronger)
    assert library.users.check("Ada", "wrong wrong") is None
    assert "t=1" in stored(library, "Ada")
    assert library.users.check("Ada", GOOD) == before  # the stamp stays: nobody is signed out
    assert "t=2" in stored(library, "Ada")
    assert library.users.check("Ada", GOOD)


def test_unknown_names_take_a_hash_as_well(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    library.users.add("Proxied", Role.VIEWER)
    quick, checked = passwords._hasher(), []

    class Counting:
        hash = staticmethod(quick.hash)

        @staticmethod
        def verify(against: str, password: str) -> bool:
            checked.append(against)
            return quick.verify(against, password)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    passwords._of_nobody.cache_clear()
    for name in ("Ada", "Nobody", "Proxied", ""):
        assert library.users.check(name, "wrong wrong") is None
    assert len(checked) == 4
    passwords._of_nobody.cache_clear()


def test_nobody_signs_in_without_a_password_of_their_own(library: Library) -> None:
    library.users.add("Proxied", Role.OWNER)
    for password in ("", "the password of nobody"):
        assert library.users.check("Proxied", password) is None
        assert library.users.check("Nobody", password) is None


def test_the_same_characters_in_another_spelling_fit(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, "Zoë und Ångström")
    assert library.users.check("Ada", "Zoe\u0308 und A\u030angstro\u0308m")


def test_a_new_password_ends_every_session(library: Library) -> None:
    before = library.users.add("Ada", Role.OWNER, GOOD)
    after = library.users.set_password("ada", "analytical engine")
    assert after.stamp != before.stamp and after.id == before.id
    assert library.users.check("Ada", GOOD) is None
    assert library.users.check("Ada", "analytical engine") == after


def test_ended_sessions_are_forgotten_once_their_cookies_expire(library: Library) -> None:
    library.users.end_session("old", utc_now() - timedelta(seconds=1))
    library.users.end_session("new", utc_now() + timedelta(days=1))
    library.users.end_session("new", utc_now() + timedelta(days=1))  # a second click on Sign out
    assert library.users.has_ended("new")
    assert not library.users.has_ended("old") and not library.users.has_ended("another")


# --- tokens -----------------------------------------------------------------------------------------------------
def test_a_token_is_found_by_its_secret_and_stored_as_a_digest(library: Library) -> None:
    ada = library.users.add("Ada", Role.OWNER, GOOD)
    secret = library.tokens.add("Photo frame", user="ada")
    assert secret.startswith("faceid_") and len(secret) >= 50
    found = library.tokens.find(secret)
    assert found and found[1] == ada
    assert library.tokens.user_of(found[0]) == ada
    assert library.tokens.find(secret[:-1]) is None
    with library._database.read() as session:
        row = session.execute(text("SELECT * FROM accesstoken")).one()
    assert secret not in map(str, row) and secret.removeprefix("faceid_") not in map(str, row)
    assert [(token.name, token.user, token.expires_at) for token in library.tokens.all()] == [
        ("Photo frame", "Ada", None)
    ]


def test_a_removed_token_opens_nothing(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    secret = library.tokens.add("frame", user="Ada")
    with pytest.raises(NameTaken, match="already a token"):
        library.tokens.add("Frame", user="Ada")
    library.tokens.remove("FRAME")
    assert library.tokens.find(secret) is None
    with pytest.raises(NotFound, match="no token frame"):
        library.tokens.remove("frame")
    with pytest.raises(NotFound, match="no user Bo"):
        library.tokens.add("frame", user="Bo")


def test_a_token_expires(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    secret = library.tokens.add("frame", user="Ada", days=3)
    found = library.tokens.find(secret)
    assert found
    with library._database.write() as session:
        session.execute(text("UPDATE accesstoken SET expires_at = '2020-01-01 00:00:00'"))
    assert library.tokens.find(secret) is None and library.tokens.user_of(found[0]) is None


# --- OpenID Connect ---------------------------------------------------------------------------------------------
ISSUER = "https://accounts.example"


def test_a_provider_s_user_is_known_by_their_subject_not_by_name(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    bo = library.users.of_subject(ISSUER, "17", "bo@example.com", Role.VIEWER)
    assert bo and bo.name == "bo@example.com"
    renamed = library.users.of_subject(ISSUER, "17", "robert@example.com", Role.EDITOR)
    assert renamed and (renamed.id, renamed.name, renamed.role) == (bo.id, bo.name, Role.EDITOR)
    for issuer, subject, name in (
        (ISSUER, "18", "BO@example.com"),
        (ISSUER, "19", "Ada"),
        ("https://x", "17", "Ada"),
    ):
        with pytest.raises(NameTaken, match="ask the owner"):
            library.users.of_subject(issuer, subject, name, Role.OWNER)


def test_a_provider_lets_nobody_in_by_itself(library: Library) -> None:
    assert library.users.of_subject(ISSUER, "17", "bo@example.com", None) is None
    added = library.users.add("bo@example.com", Role.OWNER)  # by an owner, for the provider to sign in
    found = library.users.of_subject(ISSUER, "17", "Bo@Example.com", None)
    assert found == added
    kept = library.users.of_subject(ISSUER, "17", "bo@example.com", Role.VIEWER)
    assert kept and kept.role is Role.OWNER  # the last one


# --- the door ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"host": "0.0.0.0"}, True),
        ({"host": "192.0.2.7"}, True),
        ({"host": "photos.example"}, True),
        ({"host": "::"}, True),
        ({"host": "0.0.0.0", "proxy_user_header": "Remote-User", "trusted_proxies": []}, True),
        ({"host": "0.0.0.0", "oidc_issuer": "https://accounts.example"}, True),
        ({"host": "0.0.0.0", "insecure": True}, False),
        ({"host": "0.0.0.0", "proxy_user_header": "Remote-User", "trusted_proxies": ["192.0.2.1"]}, False),
        ({"host": "0.0.0.0", "oidc_issuer": "https://accounts.example", "oidc_client_id": "faceid"}, False),
        ({"host": "127.0.0.1"}, False),
        ({"host": "localhost"}, False),
        ({"host": "::1"}, False),
    ],
)
def test_an_open_door_to_the_network_is_refused(
    library: Library, settings: dict[str, object], refused: bool
) -> None:
    library.settings = library.settings.model_copy(update=settings)
    if refused:
        with pytest.raises(BadInput, match="faceid user add"):
            library.refuse_open_door()
        library.users.add("Ada", Role.OWNER, GOOD)
    library.refuse_open_door()


# --- the audit --------------------------------------------------------------------------------------------------
def test_the_audit_says_who_let_whom_in_and_tells_no_secret(library: Library) -> None:
    library.users.add_first("Ada", GOOD)
    ada = library.acting_as(Actor("Ada", Role.OWNER))
    ada.users.add("Bo", Role.EDITOR, GOOD)
    ada.users.set_role("bo", Role.VIEWER)
    ada.users.set_role("bo", Role.VIEWER)
    ada.users.set_password("Bo", GOOD + "1")
    library.acting_as(Actor("Bo", Role.VIEWER)).users.set_password("Bo", GOOD + "2")
    secret = ada.tokens.add("photo frame", user="Bo", days=1)
    ada.tokens.add("script", user="Bo")
    ada.tokens.remove("Photo Frame")
    ada.users.remove("Bo")
    rows = [(row.actor, row.kind, row.summary) for row in library.journal.audit()]
    assert rows == [
        ("owner", "user", "Added the first user Ada, an owner"),
        ("Ada", "user", "Added the user Bo, an editor"),
        ("Ada", "user", "Made the user Bo a viewer, who was an editor"),
        ("Ada", "user", "Set the password of the user Bo"),
        ("Bo", "user", "Changed their own password"),
        ("Ada", "token", "Made the token photo frame for the user Bo, valid for 1 day"),
        ("Ada", "token", "Made the token script for the user Bo, without an end"),
        ("Ada", "token", "Removed the token photo frame"),
        ("Ada", "user", "Removed the user Bo"),
    ]
    with library._database.read() as session:
        stored = str(session.execute(text("SELECT * FROM event")).all())
    assert secret not in stored and GOOD not in stored and "argon2" not in stored


def test_what_is_refused_is_not_in_the_audit(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)
    for act in (
        lambda: library.users.remove("Ada"), lambda: library.users.set_role("Ada", Role.VIEWER),
        lambda: library.users.add("ada", Role.VIEWER), lambda: library.tokens.remove("none"),
        lambda: library.tokens.add("t", user="Bo"), lambda: library.users.set_password("Bo", GOOD),
    ):  # fmt: skip
        with pytest.raises((LastOwner, NameTaken, NotFound)):
            act()
    assert len(list(library.journal.audit())) == 1


def test_who_came_in_is_neither_undone_nor_told_to_editors(library: Library, faces: list[int]) -> None:
    library.people.name_faces(faces[:1], "Cy")
    library.users.add("Ada", Role.OWNER, GOOD)
    library.tokens.add("t", user="Ada")
    editor = library.acting_as(Actor("Edi", Role.EDITOR))
    assert [event.kind for event in editor.journal.recent()] == ["name"]
    user, token = reversed(library.journal.recent(2))
    assert user.final and token.final and not library.journal.may_undo(user)
    for event, page in ((user, "page Users"), (token, "page Users")):
        with pytest.raises(BadInput, match=page):
            library.journal.undo(event.id)
    assert library.journal.undo_to(1) == [] and library.journal.later(1) == 0
    assert library.journal.undo().summary == "Named 1 face “Cy”"
    assert library.users.named("Ada") is not None and len(library.tokens.all()) == 1


def test_who_comes_by_a_provider_is_let_in_by_the_program(library: Library) -> None:
    program = library.acting_as(PROGRAM)
    for role in (Role.VIEWER, Role.EDITOR, Role.EDITOR):
        program.users.of_subject("https://id.example", "7", "Ada", role)
    assert [(row.actor, row.summary) for row in library.journal.audit()] == [
        ("program", "Added the user Ada, a viewer, as the provider of OpenID Connect says"),
        ("program", "Made the user Ada an editor, who was a viewer"),
    ]
