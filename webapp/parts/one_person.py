"""On a person's page: others who may be the same person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import NotFound
from faceid_core.library import PersonView
from faceid_core.review.merge_candidates import Pair
from faceid_core.review.queue import Kind
from faceid_core.steps import answer, open_questions
from webapp.context import library
from webapp.feedback import guarded
from webapp.markup import escaped_html, escaped_markdown, face_url
from webapp.parts.undo import offer_undo
from webapp.wording import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from faceid_core.review.queue import Question

AT_MOST = 3
"""How many others to ask about at once; more follow as these are answered."""


def one_person(person: PersonView, open_person: Callable[[int], None]) -> None:
    """Draw the questions, where there are any. open_person is called with the one who stays after a merge."""
    for question, other in _doubles(person)[:AT_MOST]:
        name, others = escaped_markdown(person.name), escaped_markdown(other.name)
        key = f"card-one-person-{other.id}"
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=key):
            st.html(_pictures(question), width="content")
            st.markdown(f"**Are {name} and {others} the same person?** :gray[{count(other.faces, 'face')}]")
            st.space("stretch")
            st.button(
                "Yes, merge", icon=":material/merge:", key=f"one-person-{other.id}", on_click=_merge,
                args=(person, other, open_person),
                help="The name with more faces is kept; you can undo this",
            )  # fmt: skip
            st.button(
                "No, two people", key=f"two-people-{other.id}", on_click=_apart, args=(question, person, other),
                help="You won't be asked again",
            )  # fmt: skip


def _doubles(person: PersonView) -> list[tuple[Question, PersonView]]:
    """The likeliest first; without those that were answered meanwhile, and hidden people."""
    found = open_questions.read(library())
    asked = [one for one in found.questions if one.kind is Kind.PEOPLE] if found else []
    asked = [one for one in asked if person.id in (one.number, *one.others)]
    said = {tuple(pair) for pair in library().pair_constraints.all(same=False).tolist()} if asked else set()
    doubles = []
    for question in asked:
        other = next(one for one in (question.number, *question.others) if one != person.id)
        view = _person(other)
        if view is not None and not view.hidden and tuple(sorted(question.faces)) not in said:
            doubles.append((question, view))
    return doubles


def _person(number: int) -> PersonView | None:
    try:
        return library().people.get(number)
    except NotFound:
        return None


def _pictures(question: Question) -> str:
    style = "width:56px;height:56px;border-radius:.6rem;object-fit:cover"
    pictures = (f'<img src="{escaped_html(face_url(face))}" alt="" style="{style}">' for face in question.because)
    return f'<div style="display:flex;gap:.4rem">{"".join(pictures)}</div>'


@guarded
def _merge(person: PersonView, other: PersonView, open_person: Callable[[int], None]) -> None:
    keep, gone = sorted((person, other), key=lambda view: -view.faces)
    offer_undo(library().people.merge(keep.id, [gone.id], drawn=(keep, gone)))
    open_person(keep.id)


@guarded
def _apart(question: Question, person: PersonView, other: PersonView) -> None:
    one, two = question.faces[:2]
    pair = Pair(question.number, question.others[0], question.distance, (one, two), (one, two))
    offer_undo(answer.not_one_person(library(), pair, f"“{person.name}” and “{other.name}”"))
