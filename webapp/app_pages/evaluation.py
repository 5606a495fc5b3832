"""Evaluation: where the recogniser goes wrong on faces held back from training, and how sure it must be to give a
name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import NotMeasured
from faceid_core.recognition import evaluation
from faceid_core.recognition.evaluation import UNKNOWN
from faceid_core.steps.evaluate_recogniser import (
    ConfidentError,
    confident_errors,
    correct,
    faces_of,
    held_out,
    keep,
)
from webapp.components.face_grid import face_grid
from webapp.context import library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_html, escaped_markdown, face_url, page_link
from webapp.parts.blank import no_recogniser
from webapp.parts.evaluation_charts import confusion_chart, curve_chart, reliability_chart
from webapp.parts.next_to_name import what_to_name_next
from webapp.parts.photo_dialog import show_photo
from webapp.parts.undo import offer_undo, undo_bar
from webapp.wording import ago, count, percent

if TYPE_CHECKING:
    from faceid_core.library import ModelView
    from faceid_core.recognition.evaluation import HeldOut, PersonResult
    from faceid_core.values import Ints

MATRIX = 12
"""Maximum number of people in the matrix: those who are confused most often."""

FEW_COLUMNS = 4
"""A matrix of up to so many rows is drawn narrower than the page."""

ERRORS_SHOWN = 12
OTHERS, NOBODY = "nobody it knows", "unknown"


def page() -> None:
    st.title("Evaluation")
    models = library().models.all()
    if not models:
        no_recogniser("Train one to see where it goes wrong.")
        return
    st.markdown("How the recogniser does on faces held back from training: it has never seen these photos.")
    model = _chosen(models)
    try:
        held = held_out(library(), model)
    except NotMeasured as missing:
        st.info(escaped_markdown(str(missing)), icon=":material/info:")
        page_link("train", "Train", icon=":material/arrow_forward:")
        what_to_name_next()
        undo_bar()
        return
    threshold = _threshold(model, held)
    _errors(model, held)
    _people(model, held, threshold)
    what_to_name_next()
    _confusion(model, held, threshold)
    _reliability(model, held)
    undo_bar()


def _chosen(models: list[ModelView]) -> ModelView:
    active = next(model for model in models if model.is_active)
    if len(models) == 1:
        return active
    chosen: ModelView = st.selectbox(
        "Recogniser", models, index=models.index(active), key="evaluated-model",
        format_func=lambda model: f"Recogniser {model.id} · {ago(model.at)}{' · in use' * model.is_active}",
    )  # fmt: skip
    return chosen


# --- the threshold ----------------------------------------------------------------------------------------------
def _threshold(model: ModelView, held: HeldOut) -> float:
    st.subheader("How strict should it be?")
    points = list(model.metrics.get("points") or ())
    threshold = model.threshold
    if points:
        threshold = _slider(model, points)
    found = evaluation.at(held, threshold)
    with st.container(horizontal=True):
        st.metric("Known faces recognised", percent(found.tpir), border=True, help="TPIR")
        st.metric("Unknown faces misnamed", percent(found.fpir), border=True, help="FPIR")
        st.metric("Correct names", percent(found.precision), border=True, help="Precision")
        st.metric(
            "Threshold", percent(threshold), border=True, help="Below this probability, the answer is “unknown”"
        )
    if threshold != model.threshold:
        st.button(
            "Use this threshold", key="use-threshold", icon=":material/check:", type="primary",
            on_click=_use_threshold, args=(model.id, threshold),
        )  # fmt: skip
    known, strangers = int(held.known.sum()), int((~held.known).sum())
    st.caption(_measured_on(known, strangers))
    if known and len(held.impostors):
        st.altair_chart(curve_chart(evaluation.curve(held), found), height=280)
    return threshold


def _measured_on(known: int, strangers: int) -> str:
    mine = f"Measured on {count(known, 'face')} of people it knows"
    if strangers >= evaluation.STRANGERS_TO_JUDGE:
        return f"{mine} and {count(strangers, 'face')} of people it doesn't."
    others = count(strangers, "unnamed person", "unnamed people") if strangers else "no unnamed people"
    return (
        f"{mine}. The library has {others} to test with, so these faces, each compared with everyone else, stand "
        "in for unknown ones. More unnamed people would make this more reliable."
    )


def _slider(model: ModelView, points: list[dict[str, float | None]]) -> float:
    """The threshold to look at; the recogniser uses it only once somebody clicks the button for that."""
    thresholds = {each: evaluation.threshold_for(points, each) or model.threshold for each in evaluation.CHOICES}
    nearest = min(evaluation.CHOICES, key=lambda each: abs(thresholds[each] - model.threshold))
    one_in = st.select_slider(
        "Unknown faces that may be misnamed, at most", evaluation.CHOICES, nearest, key=f"one-in-{model.id}",
        format_func=lambda each: f"1 in {each:,}",
    )  # fmt: skip
    return model.threshold if one_in == nearest else thresholds[one_in]


@guarded
def _use_threshold(model_id: int, threshold: float) -> None:
    offer_undo(library().models.set_threshold(model_id, threshold))


# --- wrong names ------------------------------------------------------------------------------------------------
def _errors(model: ModelView, held: HeldOut) -> None:
    found = confident_errors(library(), model, held)
    if not found:
        return
    st.subheader("Are these names wrong?")
    st.caption("The recogniser is sure that these faces show somebody else.")
    with st.container(horizontal=True, key="confident-errors"):
        for error in found[:ERRORS_SHOWN]:
            _error(error)
    if len(found) > ERRORS_SHOWN:
        st.caption(f"{len(found) - ERRORS_SHOWN:,} more will follow once these are answered.")


def _error(error: ConfidentError) -> None:
    name, guess = escaped_markdown(error.face.person or ""), escaped_markdown(error.guess)
    with st.container(border=True, width=152, key=f"card-error-{error.face.id}"):
        source = escaped_html(face_url(error.face.id, 300, box=error.face.box))
        st.html(f'<img src="{source}" alt="" style="width:100%;border-radius:.6rem;display:block">')
        st.markdown(f"Named **{name}**  \n:small[:gray[{percent(error.probability)} {guess}]]")
        st.button(
            f"It is {guess}", key=f"correct-{error.face.id}", width="stretch", on_click=_correct, args=(error,)
        )
        st.button(
            f"{name} is right", key=f"keep-{error.face.id}", width="stretch", type="tertiary", on_click=_keep,
            args=(error,),
        )  # fmt: skip


@guarded
def _correct(error: ConfidentError) -> None:
    offer_undo(correct(library(), error))


@guarded
def _keep(error: ConfidentError) -> None:
    offer_undo(keep(library(), error))
    toast("The next training will learn from this.", icon=":material/school:")


# --- people -----------------------------------------------------------------------------------------------------
def _people(model: ModelView, held: HeldOut, threshold: float) -> None:
    results = evaluation.by_person(held, len(model.classes), threshold)
    weak = evaluation.needs_photos(results)
    st.subheader("Person by person")
    if weak:
        names = ", ".join(escaped_markdown(model.classes[each.person]) for each in weak[:8])
        more = f" and {count(len(weak) - 8, 'other')}" if len(weak) > 8 else ""
        st.info(f"More photos would help most with **{names}**{more}.", icon=":material/add_a_photo:")
    order = sorted(results, key=lambda each: (2.0 if each.recall is None else each.recall, each.person))
    st.dataframe(
        {
            "Name": [model.classes[each.person] for each in order],
            "Tested": [each.tested for each in order],
            "Recognised": [_share(each.recall) for each in order],
            "Correct names": [_share(each.precision) for each in order],
            "Mistaken for others": [each.wrong for each in order],
            "Advice": [_why(each) for each in order],
        },
        hide_index=True,
        column_config={
            name: st.column_config.ProgressColumn(format="%.0f%%", min_value=0, max_value=100)
            for name in ("Recognised", "Correct names")
        },
    )


def _share(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _why(each: PersonResult) -> str:
    if not each.tested:
        return "only one photo: can't be tested"
    if each.tested < evaluation.FEW_TESTED:
        return "hardly tested"
    return "more photos would help" if (each.recall or 0.0) < evaluation.POOR_RECALL else ""


# --- who is taken for whom --------------------------------------------------------------------------------------
def _confusion(model: ModelView, held: HeldOut, threshold: float) -> None:
    cells = evaluation.confusion(held, threshold)
    wrong = {cell: rows for cell, rows in cells.items() if cell[0] != cell[1]}
    st.subheader("Who is mistaken for whom?")
    if not wrong:
        st.caption("Nobody, among these faces.")
        return
    _cell(model, held, cells, wrong, _picked(model, held, cells))


def _picked(model: ModelView, held: HeldOut, cells: dict[tuple[int, int], Ints]) -> tuple[int, int] | None:
    """The chart of who is taken for whom; the cell that was clicked."""
    people = evaluation.most_confused(cells, MATRIX)
    columns = [*people, UNKNOWN]
    rows = columns if (~held.known).any() else people  # without strangers their row would be empty
    names = {(truth, said): _cell_names(model, truth, said) for truth in rows for said in columns}
    counts = {names[cell]: len(found) for cell, found in cells.items() if cell in names}
    chart = confusion_chart(
        counts,
        [_truth(model, each) for each in rows],
        [_said(model, each) for each in columns],
        dark=st.context.theme.type == "dark",
    )
    only = "Showing only those confused most often. " if len(model.classes) > len(people) else ""
    st.caption(f"{only}Click a cell to see its faces.")
    event = st.altair_chart(
        chart,
        width="stretch" if len(rows) > FEW_COLUMNS else 340,
        height=110 + 34 * len(rows),
        on_select="rerun",
        selection_mode="cell",
        key=f"confusion-{model.id}",
    )
    picked = (event.selection.get("cell") or [{}])[0] if event else {}
    by_names = {both: cell for cell, both in names.items()}
    return by_names.get((picked.get("truth", ""), picked.get("said", "")))


def _truth(model: ModelView, person: int) -> str:
    return OTHERS if person == UNKNOWN else _person(model.classes[person])


def _said(model: ModelView, person: int) -> str:
    return NOBODY if person == UNKNOWN else _person(model.classes[person])


def _person(name: str) -> str:
    """The name, in quotes where it reads like OTHERS or NOBODY."""
    return f"“{name}”" if name.casefold() in (OTHERS, NOBODY) else name


def _cell_names(model: ModelView, truth: int, said: int) -> tuple[str, str]:
    return _truth(model, truth), _said(model, said)


def _cell(
    model: ModelView,
    held: HeldOut,
    cells: dict[tuple[int, int], Ints],
    wrong: dict[tuple[int, int], Ints],
    picked: tuple[int, int] | None,
) -> None:
    """The faces of the cell that was clicked, or else of one that is chosen from a list."""
    listed = sorted(wrong, key=lambda cell: (UNKNOWN in cell, -len(wrong[cell]), cell))
    if picked is None or picked not in cells:
        picked = st.selectbox(
            "Faces of", listed, key=f"cell-{model.id}",
            format_func=lambda cell: f"{_truth(model, cell[0])} as {_said(model, cell[1])} · {len(wrong[cell])}",
        )  # fmt: skip
    else:
        truth, said = (escaped_markdown(each) for each in _cell_names(model, *picked))
        st.markdown(f"**{truth}** as **{said}** · {count(len(cells[picked]), 'face')}")
    faces = faces_of(library(), held, cells[picked])
    face_grid(faces, key=f"cell-faces-{picked[0]}-{picked[1]}", label="Faces in this cell", selectable=False,
              on_open=show_photo)  # fmt: skip


# --- probabilities ----------------------------------------------------------------------------------------------
def _reliability(model: ModelView, held: HeldOut) -> None:
    st.subheader("Can you trust its probabilities?")
    error = model.metrics.get("calibration_error")
    off = f" On average, they are off by {percent(error)} (calibration error)." if error is not None else ""
    st.caption(
        f"When it is 80% sure, it should be right 80% of the time: the bars should end at the dashed line.{off}"
    )
    st.altair_chart(reliability_chart(evaluation.reliability(held)), height=280)
