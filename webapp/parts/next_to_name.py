"""What to name next: the unnamed faces that would help the recogniser most, with the box to name them."""

from __future__ import annotations

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.library import DrawnFaces
from faceid_core.steps.next_to_name import ToName, next_to_name
from webapp.components.face_grid import Note, face_grid
from webapp.context import in_words, library
from webapp.markup import escaped_markdown
from webapp.parts.naming import Target, naming
from webapp.parts.photo_dialog import show_photo
from webapp.wording import isolated, percent

SHOWN = 24


def what_to_name_next() -> None:
    """Draw the faces, the most helpful first."""
    st.subheader("What to name next")
    try:
        with st.spinner("Comparing faces", show_time=False):
            found = next_to_name(library())
    except FaceIdError as error:
        st.warning(escaped_markdown(in_words(error)), icon=":material/warning:")
        return
    if not found:
        st.caption("Nothing for now: no unnamed face would help it much.")
        return
    st.caption(
        "Naming these faces would help the recogniser most, the first ones above all: many unnamed faces look "
        "like them. Select the faces of one person and name them. The corner of a face opens its photo."
    )
    shown = {each.face: each for each in found[:SHOWN]}
    faces = [face for face in library().faces.get_many(list(shown)) if face.person_id is None]
    target = Target(grid="next-to-name", shown=DrawnFaces.of(faces))
    with st.container(border=True, key="card-next-to-name"):
        naming(target, key="next-name")
        face_grid(
            faces, key=target.grid, label="Faces to name next", on_open=show_photo,
            notes={number: _note(each) for number, each in shown.items()},
        )  # fmt: skip
    if len(found) > SHOWN:
        st.caption(f"{len(found) - SHOWN:,} more will follow once these have names.")


def _note(each: ToName) -> Note:
    if (guess := each.guess) is None:
        return Note()
    name = isolated(guess.name)
    return Note(f"{name}?", f"Perhaps {name}, {percent(guess.probability)}")
