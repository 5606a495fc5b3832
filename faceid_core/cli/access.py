"""The commands that say who may come in: user, token."""

from __future__ import annotations

from dataclasses import asdict

import click

from faceid_core.cli.console import (
    JSON,
    Commands,
    Refused,
    library_of,
    new_library_of,
    new_password,
    print_json,
    print_table,
    put,
    say,
)

ROLE = click.Choice(["viewer", "editor", "owner"])
NAME = click.argument("name")


@click.group(cls=Commands)
def user() -> None:
    """Manage who may sign in."""


@user.command()
@NAME
@click.option("--role", type=ROLE, help="What they may do [default: owner for the first user, then viewer].")
@click.option("--no-password", is_flag=True, help="A proxy or OpenID Connect signs them in.")
@click.pass_context
def add(ctx: click.Context, name: str, role: str | None, no_password: bool) -> None:
    """Add a user, who may sign in. Once there is one, everybody has to.

    Asks for the password, or reads it from standard input.
    """
    from faceid_core.values import Role

    with new_library_of(ctx) as library:
        chosen = Role(role) if role else Role.VIEWER if library.users.exist() else Role.OWNER
        if chosen is not Role.OWNER and not library.users.exist():
            raise Refused("The first user must be an owner, or nobody could add the others; use --role owner.")
        if library.users.named(name):
            raise Refused(f"There is already a user {name}; `faceid user password` changes the password.")
        added = library.users.add(name, chosen, None if no_password else new_password())
    say(f"Added {added.name}, who is {chosen.with_article}.")


@user.command("password")
@NAME
@click.pass_context
def set_password(ctx: click.Context, name: str) -> None:
    """Change a user's password and sign them out everywhere.

    Asks for the password, or reads it from standard input.
    """
    with library_of(ctx) as library:
        library.users.known(name)
        changed = library.users.set_password(name, new_password())
    say(f"{changed.name} has a new password and is signed out everywhere.")


@user.command("role")
@NAME
@click.argument("role", type=ROLE)
@click.pass_context
def set_role(ctx: click.Context, name: str, role: str) -> None:
    """Change what a user may do: viewer, editor or owner."""
    from faceid_core.values import Role

    with library_of(ctx) as library:
        changed = library.users.set_role(name, Role(role))
    say(f"{changed.name} is {changed.role.with_article} now.")


@user.command("remove")
@NAME
@click.pass_context
def remove_user(ctx: click.Context, name: str) -> None:
    """Remove a user and their tokens. What they did stays in the history."""
    with library_of(ctx) as library:
        library.users.remove(name)
    say(f"Removed {name}.")


@user.command("list")
@JSON
@click.pass_context
def list_users(ctx: click.Context, as_json: bool) -> None:
    """List who may sign in."""
    with library_of(ctx) as library:
        users = library.users.all()
    if as_json:
        shown = ("id", "name", "role", "has_password", "created_at")
        print_json([{key: value for key, value in asdict(one).items() if key in shown} for one in users])
    elif users:
        rows = [
            (u.name, u.role, "" if u.has_password else "no password", f"{u.created_at:%Y-%m-%d}") for u in users
        ]
        print_table(("Name", "Role", "", "Since"), rows)
    else:
        say("There are no users, so nobody has to sign in; add one with `faceid user add NAME`.")


@click.group(cls=Commands)
def token() -> None:
    """Let programs use the API in a user's name."""


@token.command("add")
@NAME
@click.option("--user", "owner", required=True, metavar="USER", help="User in whose name it acts.")
@click.option("--days", type=click.IntRange(1, 36500), help="Days until it expires [default: never].")
@click.pass_context
def add_token(ctx: click.Context, name: str, owner: str, days: int | None) -> None:
    """Create a token and print it. It is not shown again."""
    with library_of(ctx) as library:
        secret = library.tokens.add(name, user=owner, days=days)
    say("Send it as “Authorization: Bearer …”. It can't be shown again:")
    put(secret)


@token.command("list")
@JSON
@click.pass_context
def list_tokens(ctx: click.Context, as_json: bool) -> None:
    """List the tokens, without their secrets."""
    with library_of(ctx) as library:
        tokens = library.tokens.all()
    if as_json:
        print_json([asdict(one) for one in tokens])
    elif tokens:
        rows = [
            (t.name, t.user, f"{t.created_at:%Y-%m-%d}", f"{t.expires_at:%Y-%m-%d}" if t.expires_at else "never")
            for t in tokens
        ]
        print_table(("Name", "User", "Since", "Expires"), rows)
    else:
        say("There are no tokens; create one with `faceid token add NAME --user USER`.")


@token.command("remove")
@NAME
@click.pass_context
def remove_token(ctx: click.Context, name: str) -> None:
    """Remove a token, which then stops working."""
    with library_of(ctx) as library:
        library.tokens.remove(name)
    say(f"Removed the token {name}.")
