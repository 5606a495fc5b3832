"""The figures of the page Statistics: photos and people by year, and who is on photos with whom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from webapp.parts.face_map import COLOURS, OTHERS, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from faceid_core.library import PersonView, Together, YearCounts

CLEAR = "rgba(0,0,0,0)"
WIDEST_PX, LARGEST_PX, SMALLEST_PX = 9.0, 46.0, 14.0
"""The line of those who are together most; the dots of those on most and on fewest photos."""

WIDTHS = 6
"""Lines of equal width are one trace: so many widths are told apart."""

SEED = 4
"""Of the arrangement: the same people lie in the same places."""


def years_figure(years: Sequence[YearCounts]) -> go.Figure:
    """Bars of photos and a line of people, by year."""
    import plotly.graph_objects as go

    when = [each.year for each in years]
    drawn = go.Figure(
        [
            go.Bar(x=when, y=[each.photos for each in years], name="Photos", marker={"color": COLOURS[0]}),
            go.Scatter(
                x=when, y=[each.people for each in years], name="People", yaxis="y2", mode="lines+markers",
                line={"color": COLOURS[1], "width": 3},
            ),
        ]
    )  # fmt: skip
    _lay_out(drawn, height=340)
    drawn.update_layout(
        yaxis={"title": "Photos", "rangemode": "tozero"},
        yaxis2={"title": "People", "overlaying": "y", "side": "right", "rangemode": "tozero", "showgrid": False},
    )
    return drawn


def people_figure(people: Sequence[PersonView], counts: Mapping[int, Mapping[int, int]]) -> go.Figure:
    """Stacked bars: photos of each person, by year."""
    import plotly.graph_objects as go

    drawn = go.Figure(
        [
            go.Bar(x=sorted(counts[person.id]), y=[counts[person.id][year] for year in sorted(counts[person.id])],
                   name=plain(person.name), marker={"color": colour})
            for person, colour in zip(people, COLOURS, strict=False)
        ]
    )  # fmt: skip
    _lay_out(drawn, height=340)
    drawn.update_layout(barmode="stack")
    return drawn


def together_figure(people: Mapping[int, PersonView], pairs: Sequence[Together]) -> go.Figure:
    """A dot for each person, larger for more photos, and a line for each pair, wider for more photos together."""
    import plotly.graph_objects as go

    places = arranged(pairs)
    most = max(pair.photos for pair in pairs)
    lines = [_lines(pairs, places, step, most) for step in range(1, WIDTHS + 1)]
    known = [person for person in places if person in people]
    largest = max(people[person].photos for person in known) or 1
    dots = go.Scatter(
        x=[places[person][0] for person in known],
        y=[places[person][1] for person in known],
        text=[plain(people[person].name) for person in known],
        customdata=[people[person].photos for person in known],
        hovertemplate="%{text}<br>%{customdata:,} photos<extra></extra>",
        mode="markers+text",
        textposition="bottom center",
        marker={
            "color": COLOURS[0],
            "size": [_between(people[person].photos / largest) for person in known],
            "line": {"color": "white", "width": 2},
        },
        showlegend=False,
    )
    drawn = go.Figure([line for line in lines if line is not None] + [dots])
    _lay_out(drawn, height=560)
    hidden = {"visible": False, "showgrid": False, "zeroline": False}
    drawn.update_layout(xaxis={**hidden, "range": [-1.25, 1.25]}, yaxis={**hidden, "range": [-1.25, 1.2]})
    return drawn


def arranged(pairs: Sequence[Together]) -> dict[int, tuple[float, float]]:
    """Person -> x and y from -1 to 1: those who are together often lie close."""
    import networkx as nx

    graph = nx.Graph()
    for pair in pairs:
        graph.add_edge(pair.one, pair.other, weight=pair.photos**0.5)
    found = nx.spring_layout(graph, seed=SEED, k=2.2 / max(len(graph), 1) ** 0.5, iterations=120)
    return {int(person): (float(x), float(y)) for person, (x, y) in found.items()}


def _lines(
    pairs: Sequence[Together], places: Mapping[int, tuple[float, float]], step: int, most: int
) -> go.Scatter | None:
    import plotly.graph_objects as go

    xs: list[float | None] = []
    ys: list[float | None] = []
    for pair in pairs:
        if max(1, round(WIDTHS * pair.photos / most)) == step:
            (x, y), (other_x, other_y) = places[pair.one], places[pair.other]
            xs += [x, other_x, None]
            ys += [y, other_y, None]
    line = {"width": WIDEST_PX * step / WIDTHS, "color": OTHERS}
    return (
        go.Scatter(x=xs, y=ys, mode="lines", line=line, opacity=0.5, hoverinfo="skip", showlegend=False)
        if xs
        else None
    )


def _between(share: float) -> float:
    return SMALLEST_PX + (LARGEST_PX - SMALLEST_PX) * math.sqrt(share)


def _lay_out(drawn: go.Figure, *, height: int) -> None:
    axis: dict[str, Any] = {"tickformat": "d"}
    drawn.update_layout(
        height=height, margin={"l": 0, "r": 0, "t": 8, "b": 0}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis=axis, legend={"orientation": "h", "y": -0.12, "yanchor": "top", "title": None},
        modebar={"remove": ["select2d", "lasso2d"], "bgcolor": CLEAR}, dragmode="pan",
    )  # fmt: skip
