"""Names that the recogniser in use proposes for unnamed faces, to be accepted many at once."""

from __future__ import annotations

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.steps.apply_recogniser import Proposal, Proposals, accept, propose, threshold_for
from webapp.components.face_grid import Note, face_grid
from webapp.context import in_words, library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown
from webapp.parts.photo_dialog import show_photo
from webapp.parts.undo import offer_undo
from webapp.wording import count, isolated, percent

PRECISIONS = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
USUAL = 0.99

SHOWN = 120
"""Faces that are drawn, the least sure first: those are worth a look."""


def proposals() -> None:
    """Faces of the library without a name: who they are, and a button that takes the names over."""
    st.subheader("Unnamed faces")
    try:
        found = propose(library())
    except FaceIdError as error:
        st.warning(escaped_markdown(in_words(error)), icon=":material/warning:")
        return
    if not found.found:
        st.caption(f"It recognises nobody among the {count(found.of, 'face')} without a name.")
        return
    with st.container(border=True, key="card-proposals"):
        precision = st.select_slider(
            "Share of names that must be right", PRECISIONS, USUAL, key="proposal-precision",
            format_func=percent,
        )  # fmt: skip
        chosen = found.above(threshold_for(library(), found, precision))
        _in_words(found, chosen)
        if chosen:
            st.button(
                f"Accept {count(len(chosen), 'name')}", type="primary", icon=":material/done_all:",
                key="accept-proposals", on_click=_accept, args=(chosen,),
            )  # fmt: skip
            with st.expander("Review them first", icon=":material/visibility:"):
                _faces(chosen)


def _in_words(found: Proposals, chosen: list[Proposal]) -> None:
    people = count(len({each.person for each in chosen}), "person", "people")
    rest = len(found.found) - len(chosen)
    asked = f" Name faces asks about the less certain ones ({rest:,})." if rest else ""
    if chosen:
        st.markdown(
            f"Of {count(found.of, 'face')} without a name, **{count(len(chosen), 'face')}** would be named as "
            f"**{people}**.{asked}"
        )
    else:
        st.markdown(f"None of the {count(len(found.found), 'suggestion')} is that sure; choose a lower share.")


@guarded
def _accept(chosen: list[Proposal]) -> None:
    offer_undo(accept(library(), chosen))
    toast(f"{count(len(chosen), 'face')} named.")


def _faces(chosen: list[Proposal]) -> None:
    least = {each.face: each for each in chosen[::-1][:SHOWN]}
    if len(chosen) > SHOWN:
        st.caption(f"Showing the {SHOWN} least certain ones.")
    faces = {face.id: face for face in library().faces.get_many(list(least))}
    notes = {number: Note(_short(each), _long(each)) for number, each in least.items()}
    shown = [faces[number] for number in least if number in faces]
    face_grid(
        shown, key="proposed-faces", label="Suggested names", selectable=False, notes=notes, on_open=show_photo
    )


def _short(each: Proposal) -> str:
    return f"{isolated(each.name)} · {percent(each.probability)}"


def _long(each: Proposal) -> str:
    other = each.runner_up
    if other is None or other.probability < 0.001:
        return ""
    return f"Or {isolated(other.name)}, {percent(other.probability)}"
