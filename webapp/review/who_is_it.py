"""Is this Ada? Unnamed faces that look like a named person, to be confirmed or rejected many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.review.identity import Suggestion, by_person
from faceid_core.steps import answer
from faceid_core.steps.ask import likely_distance, suggestions
from webapp.components.face_grid import Note, face_grid, selection
from webapp.context import library
from webapp.feedback import guarded
from webapp.markup import escaped_markdown
from webapp.parts.blank import blank
from webapp.parts.photo_dialog import show_photo
from webapp.parts.undo import offer_undo
from webapp.review.person_strip import asked_about, compared_with
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import PersonView

SHOWN = 120
"""Faces of one person at a time; the others come when these are answered."""

BECAUSE = 6


def suggested() -> None:
    """The people of whom there are suggestions, and the faces for one of them."""
    found = by_person(suggestions(library()))
    people = {person.id: person for person in library().people.all() if not person.hidden}
    found = {number: faces for number, faces in found.items() if number in people}
    if not found:
        blank(
            "No suggestions",
            "Unnamed faces that look like someone you named appear here.",
            icon="task_alt",
        )
        return
    numbers = {person: len(faces) for person, faces in found.items()}
    current = asked_about(numbers, people, key="suggested", what="suggestion")
    with st.container(border=True, key="card-suggested"):
        _person(people[current], found[current], people)


def _person(person: PersonView, made: list[Suggestion], people: Mapping[int, PersonView]) -> None:
    shown = made[:SHOWN]
    ids = [one.face for one in shown]
    key, name = f"suggested-{person.id}-{hash(tuple(ids))}", escaped_markdown(person.name)
    preselected = ids if made[0].sure else []
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Is this {name}?" if made[0].sure else f"Could this be {name}?", anchor=False)
        st.space("stretch")
        _buttons(person, ids, selection(key, ids) if key in st.session_state else preselected)
    st.caption(_reason(name, shown))
    notes = {one.face: _note(one, person, people) for one in shown}
    grid, label = library().faces.get_many(ids), f"Faces that may be {person.name}"
    face_grid(grid, key=key, label=label, preselected=preselected, notes=notes, on_open=show_photo)
    because, label = (face for one in shown for face in one.because), f"Confirmed faces of {person.name}"
    compared_with(because, person, at_most=BECAUSE, key="because", label=label)


def _note(one: Suggestion, person: PersonView, people: Mapping[int, PersonView]) -> Note:
    """How far it is from the person, and who comes next."""
    following = people.get(one.runner_up or 0)
    then = f"; the runner-up is {following.name} at {one.runner_up_distance:.2f}" if following else ""
    return Note(f"{one.distance:.2f}", f"{one.distance:.2f} from {person.name}{then}.")


def _reason(name: str, shown: Sequence[Suggestion]) -> str:
    near, far = shown[0].distance, shown[-1].distance
    span = f"{near:.2f}" if len(shown) == 1 else f"{near:.2f} to {far:.2f}"
    if not shown[0].sure:
        return (
            f"Less sure: {name} is closest, but not very close (distance {span}). Select the faces that are {name}."
        )
    return (
        f"These faces are closest to {name}, the likeliest first (distance {span}; sure up to "
        f"{likely_distance(library()):.2f}). Deselect the faces that are not {name}."
    )


def _buttons(person: PersonView, ids: list[int], chosen: list[int]) -> None:
    """Yes for the selected faces; no for the others, or for all where no difference is made."""
    others = [face for face in ids if face not in set(chosen)] or ids
    st.button(
        f"Yes, {count(len(chosen), 'face')}" if chosen else "Yes", type="primary", icon=":material/check:",
        disabled=not chosen, key="suggested-yes", on_click=_accept, args=(person.id, chosen),
    )  # fmt: skip
    st.button(
        "None of them" if others == ids else f"Not the other {len(others):,}", icon=":material/close:",
        key="suggested-no", on_click=_refuse, args=(person.id, others),
        help="These faces won't be suggested as this person again",
    )  # fmt: skip


@guarded
def _accept(person: int, faces: list[int]) -> None:
    offer_undo(answer.accept(library(), faces, person))


@guarded
def _refuse(person: int, faces: list[int]) -> None:
    offer_undo(answer.refuse(library(), faces, person))
