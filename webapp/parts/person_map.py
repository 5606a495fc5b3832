"""A person's own small map: their faces as dots, to see and name those that lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from faceid_core.library import DrawnFaces
from webapp.components.crop_hover import crop_hover, has_webgl
from webapp.components.face_grid import face_grid
from webapp.context import library
from webapp.parts.face_map import CONFIG, figure, is_picture, selected_faces
from webapp.parts.naming import Target, naming
from webapp.parts.photo_dialog import show_photo
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import MapPoints, PersonView

GRID_FACES = 200


def points_of(person: PersonView) -> MapPoints | None:
    """The person's part of the map; None where fewer than two of their faces are on it."""
    points = library().maps.points(library().settings.projector)
    mine = np.array([name == person.name for name in points.people], bool)
    return points.only(mine) if mine.sum() > 1 else None


def person_map(person: PersonView, points: MapPoints) -> None:
    """The map, and beside it the faces that somebody drew around, to be given to somebody else."""
    chart, side = st.columns([5, 4], gap="medium")
    container = f"card-person-map-{person.id}"
    with chart, st.container(border=True, key=container):
        state = st.plotly_chart(
            figure(points, by="groups", height=420, webgl=has_webgl(), beside=False), key=f"person-map-{person.id}",
            on_select="rerun", selection_mode=("points", "box", "lasso"), config=CONFIG,
            alt=f"A map of the faces of {person.name}; the view Faces lists the same faces",
        )  # fmt: skip
        crop_hover(container)
    with side:
        _chosen(person, selected_faces(state, points if is_picture(points, webgl=has_webgl()) else None))


def _chosen(person: PersonView, ids: list[int]) -> None:
    faces = [face for face in library().faces.get_many(ids[:GRID_FACES]) if face.person_id == person.id]
    if not faces:
        st.caption(
            "Similar faces lie close together. Draw around dots that lie apart to see their faces here, then name "
            "them as somebody else: a new person or an existing one."
        )
        return
    every = library().faces.as_drawn(ids)
    target = Target(grid=f"person-map-faces-{person.id}", shown=DrawnFaces.of(faces), every=every)
    st.subheader(count(len(ids), "face"), anchor=False)
    naming(target, key="split-name", placeholder="Who else? Type a name", flags=())
    face_grid(
        faces, key=target.grid, label="Faces selected on the map", names=False, tile="5rem", on_open=show_photo
    )
