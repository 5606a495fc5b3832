"""Map: every face as a dot, similar faces close together; draw around dots to see the faces and name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.library import DrawnFaces
from faceid_core.steps.map_faces import SKETCH
from faceid_core.values import Role
from webapp.components.crop_hover import crop_hover, has_webgl, is_narrow
from webapp.components.face_grid import face_grid
from webapp.context import library, may
from webapp.feedback import guarded, toast
from webapp.parts.blank import blank
from webapp.parts.face_map import CONFIG, Colouring, figure, is_picture, selected_faces
from webapp.parts.job_progress import job_progress
from webapp.parts.naming import Target, naming
from webapp.parts.photo_dialog import show_photo
from webapp.parts.undo import undo_bar
from webapp.wording import count

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from faceid_core.library import Counts, MapPoints

GRID_FACES = 200
CHART, CHOSEN, VIEW, FIGURE = "face-map", "map-chosen", "map-view", "map-figure"
NO_FIGURE = (None, None, None)
COLOURINGS: dict[str, Colouring] = {"People": "people", "Groups": "groups"}


def page() -> None:
    counts = library().counts()
    _header(counts)
    with st.container():  # keeps its place when empty, so that the chart is not redrawn when a job ends
        job_progress("map", "cluster")
    points = library().maps.points(library().settings.projector)
    sketch = not len(points.face_ids)
    if sketch:
        points = library().maps.points(SKETCH)
    if not counts.faces:
        _nothing_found()
    elif not len(points.face_ids):
        _not_drawn()
    else:
        if sketch:
            st.caption("A rough sketch. The full map, which keeps similar faces together, takes a little longer.")
        _map(points, counts)
    undo_bar()


def _header(counts: Counts) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Map")
        if counts.mapped and may(Role.EDITOR):
            st.button("Redraw", icon=":material/refresh:", type="tertiary", on_click=_draw)


@guarded
def _draw() -> None:
    library().jobs.submit("map", {})
    toast("Drawing the map.", icon=":material/scatter_plot:")


def _nothing_found() -> None:
    blank(
        "No faces yet",
        "Import photos first. Each face in them becomes a dot on the map.",
        icon="add_photo_alternate",
        link=("photos", "Import photos"),
    )


def _not_drawn() -> None:
    blank(
        "The map is not drawn yet",
        "The map shows similar faces close together, so you can see at a glance who belongs together.",
        icon="scatter_plot",
        button=("Draw the map", _draw) if may(Role.EDITOR) else None,
    )


def _map(points: MapPoints, counts: Counts) -> None:
    chart, side = st.columns([5, 4], gap="medium")
    there = set(points.face_ids.tolist())
    chosen = [face for face in _chosen() if face in there]
    with chart:
        by = st.segmented_control(
            "Colour by", list(COLOURINGS), default="People" if counts.people else "Groups", required=True,
            key="map-colouring", label_visibility="collapsed",
        )  # fmt: skip
        _chart(points, COLOURINGS[by])
        _how_to()
        _missing(counts)
    if chosen:
        with side, st.container(key="map-selected"):  # see the style
            _selected(chosen)


def _chart(points: MapPoints, by: Colouring) -> None:
    with st.container(border=True, key="card-map-chart"):
        st.plotly_chart(
            _figure(points, by),
            height="stretch",
            key=CHART,
            on_select=_choose,
            selection_mode=("points", "box", "lasso"),
            config=CONFIG,
            alt="A map of all faces; the page Faces lists the same faces",
        )
    st.session_state[VIEW] = crop_hover("card-map-chart")
    if is_picture(points, webgl=has_webgl()):
        st.caption("This browser has no WebGL, so the map is a picture. Draw around dots to see their faces.")


def _figure(points: MapPoints, by: Colouring) -> go.Figure:
    """Streamlit makes a new chart out of any new figure. So the figure stays the same until its points change, and
    a new one starts with the selection and the view of the last."""
    what = (by, has_webgl(), is_narrow())
    content = hash((*what, points.face_ids.tobytes(), points.x.tobytes(), *points.people, *points.clusters))
    known, drawn, _ = st.session_state.get(FIGURE, NO_FIGURE)
    if known != content:
        drawn = figure(
            points, by=by, chosen=_chosen(), view=st.session_state.get(VIEW), webgl=has_webgl(),
            beside=not is_narrow(),
        )  # fmt: skip
        pictured = points if is_picture(points, webgl=has_webgl()) else None
        st.session_state[FIGURE] = (content, drawn, pictured)
    return drawn


def _chosen() -> list[int]:
    """The faces that were selected last, whatever happened to the chart since."""
    chosen: list[int] = st.session_state.setdefault(CHOSEN, [])
    return chosen


def _choose() -> None:
    *_, pictured = st.session_state.get(FIGURE, NO_FIGURE)  # what was drawn around, not what is there by now
    st.session_state[CHOSEN] = selected_faces(st.session_state.get(CHART), pictured)


def _let_go() -> None:
    st.session_state[CHOSEN] = []
    st.session_state.pop(FIGURE, None)


def _missing(counts: Counts) -> None:
    newer = counts.faces - counts.mapped
    if newer > 0:
        st.caption(f"{count(newer, 'new face')} {'is' if newer == 1 else 'are'} not on this map yet.")


def _selected(ids: list[int]) -> None:
    faces = library().faces.get_many(ids[:GRID_FACES])
    target = Target(grid="map-faces", shown=DrawnFaces.of(faces), every=library().faces.as_drawn(ids))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(count(len(ids), "face"), anchor=False)
        st.button("Clear selection", icon=":material/close:", type="tertiary", on_click=_let_go, key="map-let-go")
    naming(target, key="map-name")
    face_grid(faces, key=target.grid, label="Faces selected on the map", tile="5rem", on_open=show_photo)
    if len(ids) > len(faces):
        st.caption(f"Showing the first {len(faces):,}{'; “Name all” names all of them' * may(Role.EDITOR)}.")


def _how_to() -> None:
    name = " and name" if may(Role.EDITOR) else ""
    around = f":material/gesture: Draw around dots to see{name} their faces."
    mouse = (
        f":material/ads_click: Point at a dot to see the face. {around} :material/zoom_in: Scroll to zoom; "
        "double-click to clear the selection."
    )
    st.caption(f"{around if is_narrow() else mouse} Similar faces lie close together; large distances mean little.")
