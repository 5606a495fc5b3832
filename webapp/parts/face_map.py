"""The map's figure: faces as points, coloured by person or by group, with a legend that stays readable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from faceid_core.geometry import inside
from webapp.parts.map_picture import as_image, drawn_around
from webapp.wording import cut, isolated

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from faceid_core.library import MapPoints

Colouring = Literal["people", "groups"]
View = dict[str, list[float]]
"""The ranges of the axes x and y that are in view."""

COLOURS = (
    "#0f9d8f", "#e8862e", "#7c5cd6", "#d9468f", "#3b82f6", "#84a816", "#e0514f", "#0891b2", "#a16207", "#9d4edd",
    "#22a06b", "#c2410c", "#6366f1", "#be185d", "#64748b", "#4d7c0f",
)  # fmt: skip
"""Told apart on light and on dark; the first ones most easily."""
OTHERS, NOBODY = "#8b9a98", "#a9b4b2"


CONFIG = {
    "displaylogo": False,
    "displayModeBar": True,
    "scrollZoom": True,
    "modeBarButtonsToRemove": ["zoom2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "toImage", "toggleSpikelines"],
}
"""Of the chart."""

BESIDE, BELOW = {"orientation": "v", "x": 1.01, "y": 1}, {"orientation": "h", "y": -0.02}
"""Places of the legend."""

MOST_PLAIN = 5000
"""Points that a browser without WebGL draws in a second, as elements of the page."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Points of one colour. places: (n,) indices into the map's points."""

    name: str
    colour: str
    places: np.ndarray
    faint: bool = False


def figure(
    points: MapPoints,
    *,
    by: Colouring,
    chosen: Collection[int] = (),
    view: View | None = None,
    height: int | None = None,
    webgl: bool = True,
    beside: bool = True,
) -> go.Figure:
    """The map. Each point carries its face's id as customdata, each trace its name as meta.

    chosen: ids of faces that are selected already. view: the part to show, all of it by default. height: in pixels;
    None for that of its place. beside: the legend stands beside the map, else below it.
    webgl: whether the browser has it; without, more points than it can draw are a picture, over which lie a few of
    them, invisible, to be pointed at.
    """
    # Plotly uses pandas when it finds it loaded, even if another thread is only half way through importing it:
    # our own import waits for that one to end.
    import pandas  # noqa: F401
    import plotly.graph_objects as go

    size, ids = point_size(len(points.face_ids)), np.array(sorted(chosen), np.int64)
    coloured, as_picture = layers(points, by=by), is_picture(points, webgl=webgl)
    every = -(-len(points.face_ids) // MOST_PLAIN) if as_picture else 1
    traces = [_trace(points, layer, size, ids, webgl=webgl, every=every) for layer in coloured]
    drawn = go.Figure(traces)
    if as_picture:
        drawn.add_layout_image(as_image(points, coloured, size))
        drawn.update_traces(unselected_marker_opacity=0)
    hidden: dict[str, Any] = {"visible": False, "showgrid": False, "zeroline": False}
    drawn.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 36, "b": 0},
        xaxis={**hidden, "range": view["x"] if view else None},
        yaxis={**hidden, "range": view["y"] if view else None, "scaleanchor": "x", "scaleratio": 1},
        dragmode="lasso",
        hovermode="closest",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": OTHERS, "activecolor": COLOURS[0]},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={**(BESIDE if beside else BELOW), "yanchor": "top", "itemsizing": "constant", "title": None},
    )
    return drawn


def is_picture(points: MapPoints, *, webgl: bool) -> bool:
    """Whether the points are drawn as a picture: too many of them for a browser without WebGL."""
    return not webgl and len(points.face_ids) > MOST_PLAIN


def layers(points: MapPoints, *, by: Colouring) -> list[Layer]:
    """Who gets a colour: the largest named people or groups; all others share a grey. Bottom layer first."""
    labels: list[Hashable | None] = list(points.people if by == "people" else points.clusters)
    return list(_layers(labels, by))


def _layers(labels: list[Hashable | None], by: Colouring) -> Iterator[Layer]:
    sizes = Counter(label for label in labels if label is not None)
    ranked = sorted(sizes, key=lambda label: (-sizes[label], str(label)))
    top, rest = ranked[: len(COLOURS)], set(ranked[len(COLOURS) :])
    nobody, others = ("Unnamed", "Other people") if by == "people" else ("Single faces", "Smaller groups")
    yield from _layer(nobody, NOBODY, [label is None for label in labels], faint=True)
    yield from _layer(others, OTHERS, [label in rest for label in labels], faint=by == "groups")
    for label, colour in zip(top, COLOURS, strict=False):
        yield from _layer(
            str(label) if by == "people" else f"Group {label}", colour, [one == label for one in labels]
        )


def _layer(name: str, colour: str, mask: list[bool], *, faint: bool = False) -> Iterator[Layer]:
    places = np.flatnonzero(mask)
    if len(places):
        yield Layer(name, colour, places, faint)


def point_size(points: int) -> float:
    """Diameter in px: large enough to hit in a small library, small enough not to blur in a large one."""
    return float(np.clip(13 - 2 * np.log10(max(points, 1)), 3.5, 10))


def _trace(
    points: MapPoints, layer: Layer, size: float, chosen: np.ndarray, *, webgl: bool, every: int
) -> go.Scattergl | go.Scatter:
    """every: 1, or n for only one point in n, which `figure` hides until it is selected."""
    import plotly.graph_objects as go

    places = layer.places[::every]
    faces = points.face_ids[places]
    kind = go.Scattergl if webgl else go.Scatter
    # Greys come last in the legend, though they are drawn first.
    return kind(
        x=points.x[places],
        y=points.y[places],
        customdata=faces.astype(np.int32),
        meta=layer.name,
        name=f"{isolated(plain(cut(layer.name)))} · {len(layer.places):,}",
        mode="markers",
        hoverinfo="none",
        legendrank=2000 if layer.colour in (OTHERS, NOBODY) else 1000,
        marker={"color": layer.colour, "size": size, "opacity": 0.5 if layer.faint else 0.9},
        selectedpoints=np.flatnonzero(np.isin(faces, chosen)) if len(chosen) or every > 1 else None,
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0.12}},
    )


def plain(name: str) -> str:
    """Plotly reads HTML in names."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def selected_faces(state: Any, points: MapPoints | None = None) -> list[int]:
    """The ids of the selected points, without repeats, from the chart's state. points: all that a picture shows,
    of which the chart knows a few only."""
    selection = (state or {}).get("selection") or {}
    ids = (point.get("customdata") for point in selection.get("points") or [])
    found = [int(one[0] if isinstance(one, list | tuple) else one) for one in ids if one is not None]
    if points is not None:
        for area in drawn_around(selection):
            found += points.face_ids[inside(points.x, points.y, area)].tolist()
    return list(dict.fromkeys(found))
