"""The charts of the page Evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from webapp.theme import ACCENT, ACCENT_DARK

if TYPE_CHECKING:
    import altair as alt

    from faceid_core.recognition.evaluation import Bar, Point

HIGHLIGHT = "#d97706"
LEAST_FPIR = 0.0005
"""Where the curve begins: a logarithmic axis has no zero."""


def curve_chart(points: Sequence[Point], chosen: Point) -> alt.LayerChart | alt.FacetChart:
    """TPIR by FPIR, with the chosen threshold as a point."""
    import altair as alt
    import pandas as pd

    x = alt.X(
        "fpir:Q", title="Unknown faces misnamed",
        scale=alt.Scale(type="log", domain=[LEAST_FPIR, 1], clamp=True),
        axis=alt.Axis(format="~%", values=[0.001, 0.01, 0.1, 1], grid=True),
    )  # fmt: skip
    y = alt.Y("tpir:Q", title="Known faces recognised", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    tips = [
        alt.Tooltip("tpir:Q", title="Recognised", format=".1%"),
        alt.Tooltip("fpir:Q", title="Misnamed", format=".2%"),
        alt.Tooltip("threshold:Q", title="Threshold", format=".3f"),
    ]

    def rows(of: Sequence[Point]) -> Any:
        return pd.DataFrame(
            {"tpir": [p.tpir for p in of], "fpir": [max(p.fpir or 0.0, LEAST_FPIR) for p in of],
             "threshold": [p.threshold for p in of]}
        )  # fmt: skip

    strict_first = alt.Order("threshold:Q", sort="descending")  # many points share one FPIR
    steps = alt.Chart(rows(points)).mark_line(color=ACCENT_DARK, strokeWidth=3, interpolate="step-after")
    line = steps.encode(x=x, y=y, order=strict_first)
    dots = alt.Chart(rows(points)).mark_point(opacity=0, size=120).encode(x=x, y=y, tooltip=tips)
    point = alt.Chart(rows([chosen])).mark_point(color=HIGHLIGHT, filled=True, size=180, opacity=1)
    return alt.layer(line, dots, point.encode(x=x, y=y, tooltip=tips), background="transparent")


def reliability_chart(bars: Sequence[Bar]) -> alt.LayerChart | alt.FacetChart:
    """The share that is right by probability, beside the diagonal on which both are equal."""
    import altair as alt
    import pandas as pd

    frame = pd.DataFrame(
        {
            "low": [bar.low for bar in bars],
            "high": [bar.high for bar in bars],
            "right": [bar.right for bar in bars],
            "faces": [bar.faces for bar in bars],
        }
    )
    axis: dict[str, Any] = {"scale": alt.Scale(domain=[0, 1]), "axis": alt.Axis(format="%", tickCount=5)}
    shown = (
        alt.Chart(frame)
        .mark_bar(color=ACCENT_DARK, opacity=0.75)
        .encode(
            x=alt.X("low:Q", title="Probability given", **axis),
            x2="high:Q",
            y=alt.Y("right:Q", title="Share correct", **axis),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("faces:Q", title="Faces", format=","),
                alt.Tooltip("right:Q", title="Correct", format=".1%"),
            ],
        )
    )
    diagonal = alt.Chart(pd.DataFrame({"low": [0, 1], "right": [0, 1]}))
    line = diagonal.mark_line(color=HIGHLIGHT, strokeDash=[5, 4]).encode(x="low:Q", y="right:Q")
    return alt.layer(shown, line, background="transparent")


def confusion_chart(
    counts: Mapping[tuple[str, str], int], rows: Sequence[str], columns: Sequence[str], *, dark: bool
) -> alt.LayerChart | alt.FacetChart:
    """A cell for each pair of (who it is, who it is said to be); a click selects it, as “cell”."""
    import altair as alt
    import pandas as pd

    cells = [
        {"truth": truth, "said": said, "faces": counts.get((truth, said), 0), "right": rows.index(truth) == at}
        for truth in rows
        for at, said in enumerate(columns)
    ]
    picked = alt.selection_point(name="cell", fields=["truth", "said"], empty=False)
    base = alt.Chart(pd.DataFrame(cells)).encode(
        x=alt.X(
            "said:N",
            sort=list(columns),
            title="Answer",
            axis=alt.Axis(orient="top", labelLimit=110, labelAngle=-40),
        ),
        y=alt.Y("truth:N", sort=list(rows), title="Who it is", axis=alt.Axis(labelLimit=110)),
        tooltip=[
            alt.Tooltip("truth:N", title="Who it is"),
            alt.Tooltip("said:N", title="Answer"),
            alt.Tooltip("faces:Q", title="Faces", format=","),
        ],
    )
    right, wrong, text = (ACCENT, "#b45309", "#e6ecea") if dark else (ACCENT_DARK, "#f59e0b", "#1d2b2a")
    colour = alt.condition("datum.right", alt.value(right), alt.value(wrong))
    strength = alt.Opacity("faces:Q", legend=None, scale=alt.Scale(type="sqrt", range=[0.06, 0.95], domainMin=0))
    squares = base.mark_rect(cornerRadius=3, stroke="#88888840").encode(color=colour, opacity=strength)
    numbers = base.transform_filter("datum.faces > 0").mark_text(fontWeight=600, color=text).encode(
        text=alt.Text("faces:Q", format=",")
    )  # fmt: skip
    return alt.layer(squares.add_params(picked), numbers, background="transparent")
