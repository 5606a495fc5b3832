"""The figures of the page Statistics: photos and people by year, and who is in photos with whom."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from webapp.parts.face_map import COLOURS, OTHERS, plain
from webapp.wording import cut

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from faceid_core.library import PersonView, Together

CLEAR = "rgba(0,0,0,0)"
WIDEST_PX, LARGEST_PX, SMALLEST_PX = 9.0, 46.0, 14.0
"""Sizes in pixels: the line of the pair most often together; the dots of the people in the most and the fewest
photos."""

WIDTHS = 6
"""How many line widths are told apart; all lines of one width are one trace."""

BAR = 0.7
"""Width of a bar, in years."""

FEWEST_YEARS, MOST_TICKS = 7, 14
"""An axis spans at least the first number of years, and names every year up to the second."""

NEAR_THE_EDGE = 0.6
"""How far from the middle, of 1, a name has no room beside its dot."""

FEW = 6

SEED = 4
"""Of the layout: the same people always get the same places."""


def years_figure(counts: Mapping[int, int], colour: str) -> go.Figure:
    """A bar for each year. counts: year -> number."""
    import plotly.graph_objects as go

    drawn = go.Figure(go.Bar(x=[*counts], y=[*counts.values()], width=BAR, marker={"color": colour}))
    _lay_out(drawn, height=280, years=counts)
    if max(counts.values()) <= FEW:
        drawn.update_layout(yaxis={"dtick": 1})  # else halves are named, too
    return drawn


def people_figure(people: Sequence[PersonView], counts: Mapping[int, Mapping[int, int]]) -> go.Figure:
    """Stacked bars: photos of each person, by year."""
    import plotly.graph_objects as go

    drawn = go.Figure(
        [
            go.Bar(x=sorted(counts[person.id]), y=[counts[person.id][year] for year in sorted(counts[person.id])],
                   name=plain(cut(person.name)), width=BAR, marker={"color": colour})
            for person, colour in zip(people, COLOURS, strict=False)
        ]
    )  # fmt: skip
    _lay_out(drawn, height=340, years={year for each in counts.values() for year in each})
    drawn.update_layout(barmode="stack", showlegend=True)
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
        text=[plain(cut(people[person].name)) for person in known],
        customdata=[people[person].photos for person in known],
        hovertemplate="%{text}<br>Photos: %{customdata:,}<extra></extra>",
        mode="markers+text",
        textposition=[_outwards(*places[person]) for person in known],
        marker={
            "color": COLOURS[0],
            "size": [_between(people[person].photos / largest) for person in known],
            "opacity": 1,
            "line": {"color": "white", "width": 2},
        },
        showlegend=False,
    )
    drawn = go.Figure([line for line in lines if line is not None] + [dots])
    _lay_out(drawn, height=560)
    hidden = {"visible": False, "showgrid": False, "zeroline": False}
    drawn.update_layout(xaxis={**hidden, "range": [-1.35, 1.35]}, yaxis={**hidden, "range": [-1.2, 1.2]})
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


def _outwards(x: float, y: float) -> str:
    """Where the name of a dot is to stand: away from the middle, where fewest lines are, but never out of the
    picture.

    >>> _outwards(0.2, 0.5), _outwards(0.9, 0.1), _outwards(-0.9, -0.1)
    ('top center', 'top left', 'bottom right')
    """
    across = "center" if abs(x) < NEAR_THE_EDGE else "left" if x > 0 else "right"
    return f"{'top' if y > 0 else 'bottom'} {across}"


def _between(share: float) -> float:
    return SMALLEST_PX + (LARGEST_PX - SMALLEST_PX) * math.sqrt(share)


def _lay_out(drawn: go.Figure, *, height: int, years: Collection[int] = ()) -> None:
    drawn.update_layout(
        height=height, margin={"l": 0, "r": 0, "t": 8, "b": 0}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        legend={"orientation": "h", "y": -0.12, "yanchor": "top", "title": None},
        modebar={"remove": ["select2d", "lasso2d"], "bgcolor": CLEAR}, dragmode="pan",
    )  # fmt: skip
    if years:
        first, last = min(years), max(years)
        room = max(FEWEST_YEARS - (last - first + 1), 0) / 2
        each = {"tickvals": [*range(first, last + 1)]} if last - first < MOST_TICKS else {}
        drawn.update_layout(
            xaxis={"tickformat": "d", "range": [first - room - 0.6, last + room + 0.6], **each},
            yaxis={"tickformat": ",d", "rangemode": "tozero"},
        )
