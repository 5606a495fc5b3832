"""The people that a name box offers. A page holds only their address: 2,000 people would otherwise be sent with
every question, and parsed by the browser each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from webapp.markup import face_url, on_server
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import PersonView


def people_address(everybody: Sequence[PersonView]) -> str:
    """Where the browser gets them: another address whenever somebody came, went, was renamed or hidden. The numbers
    of faces that the browser knows may be old."""
    names = hash(tuple(sorted((person.id, person.name) for person in everybody if not person.hidden)))
    return on_server(f"/api/people/choices?v={names & 0xFFFF_FFFF_FFFF:x}")


def choices(everybody: Sequence[PersonView]) -> list[dict[str, Any]]:
    """As type_ahead.js reads them: those with most faces first, without hidden ones."""
    return [
        {
            "id": person.id,
            "name": person.name,
            "note": count(person.faces, "face"),
            "src": face_url(person.cover_face_id) if person.cover_face_id else None,
        }
        for person in everybody
        if not person.hidden
    ]
