"""The commands for links that show photos to others: share add, list, remove."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from faceid_core.cli.console import JSON, Commands, library_of, new_password, print_json, print_table, put, say
from faceid_core.cli.listing import QUERY, query_of
from faceid_core.cli.parameters import IDENTITY

if TYPE_CHECKING:
    from faceid_core.library import ShareView
    from faceid_core.settings import Settings


@click.group(cls=Commands)
def share() -> None:
    """Share one person or one search by a link."""


@share.command("add")
@QUERY
@click.option("--days", type=int, default=14, show_default=True, help="Days until the link ends.")
@click.option("--title", default="", help="Title of the page [default: Shared photos].")
@click.option("--name", "show_name", is_flag=True, help="Show the person's name instead.")
@click.option("--no-blur", is_flag=True, help="Don't blur other people's faces.")
@click.option("--downloads", is_flag=True, help="Offer larger pictures for download.")
@click.option(
    "--password", "with_password", is_flag=True, help="Ask for a password, or read it from standard input."
)
@click.pass_context
def add(ctx: click.Context, /, days: int, title: str, show_name: bool, no_blur: bool, downloads: bool,
        with_password: bool, **wanted: Any) -> None:  # fmt: skip
    """Create a link to one person (only --with NAME) or one search and print it. It is not shown again."""
    with library_of(ctx) as library:
        made, secret = library.shares.add(
            query_of(library, **wanted), title=title, days=days, show_name=show_name,
            blur_others=not no_blur, downloads=downloads, password=new_password() if with_password else None,
        )  # fmt: skip
        put(_address(library.settings, secret))
    say(f"Link {made.id} is valid until {made.expires_at:%Y-%m-%d}; `faceid share remove {made.id}` ends it.")


@share.command("list")
@JSON
@click.pass_context
def list_shares(ctx: click.Context, as_json: bool) -> None:
    """List all links, newest first. Their addresses are not stored."""
    with library_of(ctx) as library:
        shares = library.shares.all()
    if as_json:
        print_json([{**asdict(one), "password": one.password is not None} for one in shares])
    elif shares:
        rows = [(one.id, _what(one), _until(one), one.views, "yes" if one.password else "") for one in shares]
        print_table(("Number", "What", "Valid until", "Views", "Password"), rows)
    else:
        say("Nothing is shared; `faceid share add --with NAME` creates a link to a person.")


@share.command("remove")
@click.argument("number", type=IDENTITY)
@click.pass_context
def remove(ctx: click.Context, number: int) -> None:
    """End the link NUMBER, which then shows nothing."""
    with library_of(ctx) as library:
        library.shares.remove(number)
    say(f"Link {number} has ended.")


def _what(share: ShareView) -> str:
    return share.person or share.title or "a search"


def _until(share: ShareView) -> str:
    return f"{share.expires_at:%Y-%m-%d}" if share.is_valid else "no longer valid"


def _address(settings: Settings, secret: str) -> str:
    return (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/") + f"/share/{secret}"
