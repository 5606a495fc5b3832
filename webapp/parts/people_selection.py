"""People chosen from the list, to make several of them one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError
from webapp.components.face_grid import pick_grid, selection
from webapp.context import in_words, library
from webapp.markup import escaped_markdown, face_url
from webapp.parts.dialog import dialog
from webapp.parts.undo import offer_undo
from webapp.wording import count, isolated

if TYPE_CHECKING:
    from faceid_core.library import PersonView


def people_selection(people: Sequence[PersonView], open_person: Callable[[int], None]) -> None:
    """The people as tiles to be chosen, and above them a button that merges those that are."""
    grid = f"choose-people-{people[0].id}-{len(people)}" if people else "choose-people"
    chosen = set(selection(grid, [person.id for person in people]))
    several = [person for person in people if person.id in chosen]
    with st.container(horizontal=True, vertical_alignment="center", key="choice-people"):
        st.markdown(f"**{count(len(several), 'person', 'people')}** chosen", width="content")
        if st.button(
            "Merge", icon=":material/merge:", type="primary", disabled=len(several) < 2, key="merge-several",
            help="Choose two or more that are the same person",
        ):  # fmt: skip
            _merge(several)
    opened = pick_grid(
        [_tile(person) for person in people], key=grid, label="People", noun=("person", "people"), tile="9rem",
        openable=True,
    ).opened  # fmt: skip
    if opened is not None and any(person.id == opened for person in people):
        open_person(opened)
        st.rerun()


def _tile(person: PersonView) -> dict[str, object]:
    source = face_url(person.cover_face_id) if person.cover_face_id else ""
    numbers = f"{count(person.faces, 'face')}, {count(person.photos, 'photo')}"
    return {"id": person.id, "src": source, "name": person.name, "low": None, "title": f"{person.name}, {numbers}"}


@dialog("Merge", icon=":material/merge:")
def _merge(several: list[PersonView]) -> None:
    merge_several_form(several)


def merge_several_form(several: Sequence[PersonView]) -> None:
    """Which name stays, and what becomes of the others."""
    ranked = sorted(several, key=lambda person: (-person.faces, person.name))
    by_id = {person.id: person for person in ranked}
    keep_id = st.radio(
        "Which name stays?", list(by_id), key=f"keep-{'-'.join(map(str, by_id))}",
        format_func=lambda one: _in_words(by_id[one]),
    )  # fmt: skip
    keep = by_id[keep_id]
    others = [person for person in ranked if person.id != keep.id]
    total = sum(person.faces for person in ranked)
    names = ", ".join(f"**{escaped_markdown(person.name)}**" for person in others)
    st.markdown(
        f"All faces of {names} will be named **{escaped_markdown(keep.name)}**, who will then have "
        f"{count(total, 'face')}. You can undo this."
    )
    if any(person.withheld for person in ranked):
        st.warning(
            "One of them refused consent, which will then apply to all these faces: their pictures and vectors "
            "will be permanently deleted.",
            icon=":material/delete_forever:",
        )
    if st.button(f"Merge {len(ranked)} people", type="primary", key="merge-several-confirm"):
        try:
            offer_undo(library().people.merge(keep.id, [person.id for person in others], drawn=ranked))
        except FaceIdError as error:
            st.error(escaped_markdown(in_words(error)), icon=":material/error:")
        else:
            st.rerun()


def _in_words(person: PersonView) -> str:
    """In markdown, as the options of a radio are."""
    return f"{isolated(escaped_markdown(person.name))} · {count(person.faces, 'face')}"
