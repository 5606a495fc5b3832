"""What questions about people share: a strip to choose whom to be asked about, and the faces that were compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from webapp.components.cards import Card, cards
from webapp.components.face_grid import face_grid
from webapp.context import library
from webapp.feedback import guarded
from webapp.markup import escaped_markdown, face_url
from webapp.parts.photo_dialog import show_photo
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import PersonView


def asked_about(
    numbers: Mapping[int, int], people: Mapping[int, PersonView], *, key: str, what: str, alone: bool = True
) -> int:
    """Draw the people with their numbers of `what`; the id of the chosen one, of the first until one is chosen.

    alone: draw the strip also when there is only one person.
    """
    chosen = st.session_state.get(_focus_key(key))
    current = next((person for person in numbers if person == chosen), next(iter(numbers)))
    if alone or len(numbers) > 1:
        shown = [_card(people[person], number, what) for person, number in numbers.items()]
        focus = partial(_focus, key)
        cards(shown, key=f"{key}-strip", label="People", layout="strip", current=current, on_choose=focus)
    return current


def compared_with(faces: Iterable[int], person: PersonView, *, at_most: int, key: str, label: str) -> None:
    """The faces of the person that were compared, each once, the first ones."""
    st.markdown(f":gray[:small[Compared with these faces of {escaped_markdown(person.name)}]]")
    shown = library().faces.get_many(list(dict.fromkeys(faces))[:at_most])
    face_grid(
        shown, key=f"{key}-{person.id}", label=label, selectable=False, names=False, tile="4rem", on_open=show_photo
    )


def _card(person: PersonView, number: int, what: str) -> Card:
    cover = face_url(person.cover_face_id) if person.cover_face_id else None
    return Card(person.id, f"{number:,}", cover, hint=f"{person.name}: {count(number, what)}")


def _focus_key(key: str) -> str:
    return f"{key}-focus"


@guarded
def _focus(key: str, person: int) -> None:
    st.session_state[_focus_key(key)] = person
