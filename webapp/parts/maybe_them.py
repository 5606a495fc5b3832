"""On a person's page: unnamed faces that may be them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.library import DrawnFaces
from faceid_core.review.queue import Kind
from faceid_core.steps import open_questions
from webapp.components.face_grid import face_grid, selection
from webapp.context import library
from webapp.feedback import guarded
from webapp.markup import escaped_markdown
from webapp.parts.photo_dialog import show_photo
from webapp.parts.undo import offer_undo

if TYPE_CHECKING:
    from faceid_core.library import PersonView

AT_MOST = 24
"""Faces that one answer is about: as many as can be looked over in a glance."""


def maybe_them(person: PersonView) -> None:
    """Draw the question, where there is one."""
    faces = [face for face in library().faces.get_many(_suggested(person)) if face.person_id is None]
    if not faces:
        return
    name = escaped_markdown(person.name)
    ids, grid = [face.id for face in faces], f"maybe-{person.id}-{faces[0].id}-{len(faces)}"
    with st.container(border=True, key="card-maybe"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Is this {name}?** :gray[Faces you deselect are remembered as somebody else.]")
            st.space("stretch")
            st.button(
                "Answer", icon=":material/check:", type="primary", key="maybe-answer", on_click=_answer,
                args=(person.id, grid, ids), help=f"The selected faces are {name}; the others are not",
            )  # fmt: skip
        face_grid(faces, key=grid, label=f"Perhaps {person.name}", preselected=ids, on_open=show_photo)


def _suggested(person: PersonView) -> Sequence[int]:
    """The surest first; those that can't be this person by now are left out."""
    found = open_questions.read(library())
    kinds = (Kind.PERSON, Kind.FACE)
    questions = [one for one in found.questions if one.person == person.id and one.kind in kinds] if found else []
    faces = list(dict.fromkeys(face for question in questions for face in question.faces))[:AT_MOST]
    out = library().gallery.out_of_question(faces)
    return [face for face in faces if (face, person.id) not in out]


@guarded
def _answer(person_id: int, grid: str, faces: list[int]) -> None:
    yes = selection(grid, faces) if grid in st.session_state else faces
    no = [face for face in faces if face not in set(yes)]
    offer_undo(library().people.answer(yes, no, person_id, drawn=DrawnFaces.alike(faces)))
