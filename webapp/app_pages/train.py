"""Train: the people in training, the training itself, and how good the recogniser is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from faceid_core.extras import install
from faceid_core.recognition.model_card import as_markdown, card_of, rates_at
from faceid_core.recognition.training import RECIPES, TrainOptions, has_trainer
from faceid_core.steps.train import changed_since, readiness
from webapp.context import library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown, page_link
from webapp.parts.blank import nothing_found
from webapp.parts.job_progress import job_progress, last_failure
from webapp.parts.proposals import proposals
from webapp.parts.recogniser_list import recogniser_list
from webapp.parts.undo import undo_bar
from webapp.wording import ago, count, duration, percent

if TYPE_CHECKING:
    import pandas as pd

    from faceid_core.library import JobView, ModelView, PersonView
    from faceid_core.recognition.training import Readiness
    from faceid_core.steps.train import Since


def page() -> None:
    st.title("Train")
    st.markdown(
        "The recogniser learns from the names you gave. It is then tested on faces it hasn't seen, to find out "
        "how accurate it is and how sure it must be before it gives a name."
    )
    models = library().models.all()
    if not models and not library().counts().faces:
        nothing_found()
        return
    ready = readiness(library(), TrainOptions(recipe=_recipe()))
    if not job_progress("train", body=_curves):
        last_failure("train")
        _start(ready, next((model for model in models if model.is_active), None))
    if models:
        active = next(model for model in models if model.is_active)
        _result(active)
        proposals()
    _who(sorted(library().people.all(), key=lambda person: -person.faces), ready)
    if models:
        recogniser_list(models)
    undo_bar()


# --- before -----------------------------------------------------------------------------------------------------
def _start(ready: Readiness, active: ModelView | None) -> None:
    possible = ready.refusal is None
    since = changed_since(library(), active) if active is not None else None
    nothing_new = possible and since is not None and since.is_nothing
    with st.container(border=True, key="card-start"), st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_in_words(ready, nothing_new=nothing_new), width="stretch")
        if not possible and _recipe() == _usual_recipe():
            page_link("clusters", "Name more faces", icon=":material/arrow_forward:")
        st.button(
            "Train", type="secondary" if nothing_new else "primary", icon=":material/model_training:",
            disabled=not possible, on_click=_train,
        )  # fmt: skip
    if active is not None and since is not None and since.is_much:
        st.info(_in_words_since(active, since), icon=":material/update:")
    if possible or _recipe() != _usual_recipe():  # another recipe may be possible
        _recipes()


def _recipes() -> None:
    with st.expander("Recipe", icon=":material/tune:"):
        recipes = RECIPES if has_trainer() else {"imprint": RECIPES["imprint"]}
        st.radio(
            "Recipe", list(recipes), key="recipe", captions=list(recipes.values()),
            format_func=str.capitalize, label_visibility="collapsed",
        )  # fmt: skip
        if not has_trainer():
            st.caption(f"The other recipes need PyTorch: install it with {install('train')}.")


def _in_words(ready: Readiness, *, nothing_new: bool) -> str:
    if ready.refusal is not None:
        return f"**Not ready to train**  \n{escaped_markdown(ready.refusal)}"
    left_out = count(len(ready.too_few), "person", "people")
    more = f" {left_out} with too few faces will be left out." if ready.too_few else ""
    if ready.weak:
        more += f" {count(len(ready.weak), 'person has', 'people have')} only one photo; a second would help."
    people = count(len(ready.names), "person", "people")
    state = "Up to date: no names have changed since the last training" if nothing_new else "Ready to train"
    return f"**{state}**  \n{people} with {count(ready.faces, 'face')}.{more}"


def _in_words_since(model: ModelView, since: Since) -> str:
    """Says that it is time to train again, and why."""
    new = count(len(since.new_people), "person", "people")
    parts = [f"{new} it doesn't know"] if since.new_people else []
    parts += [f"{count(since.faces, 'changed name')}"] if since.faces else []
    return f"Since recogniser {model.id} was trained: {' and '.join(parts)}. Train again to include them."


def _recipe() -> str:
    """The one chosen; before that, the first that is possible."""
    return str(st.session_state.get("recipe") or _usual_recipe())


def _usual_recipe() -> str:
    return "best" if has_trainer() else "imprint"


@guarded
def _train() -> None:
    recipe = _recipe()
    library().jobs.submit("train", {} if recipe == "best" else {"recipe": recipe})
    toast("Training started. It continues if you leave this page.", icon=":material/model_training:")


def _who(people: list[PersonView], ready: Readiness) -> None:
    if not people:
        return
    names = set(ready.names)
    with st.expander(f"People in training · {count(len(people), 'person', 'people')}", icon=":material/groups:"):
        st.dataframe(
            {
                "Name": [person.name for person in people],
                "Faces": [person.faces for person in people],
                "Photos": [person.photos for person in people],
                "In training": ["yes" if person.name in names else "no, too few faces" for person in people],
            },
            hide_index=True,
            column_config={"Faces": st.column_config.ProgressColumn(format="%d", max_value=people[0].faces or 1)},
        )


# --- meanwhile --------------------------------------------------------------------------------------------------
def _curves(job: JobView) -> None:
    """Loss and accuracy after each epoch so far."""
    _charts(job.details.get("history") or [])


def _charts(history: list[dict[str, float]]) -> None:
    if not history:
        return
    import pandas as pd

    frame = pd.DataFrame(history)
    loss, accuracy = st.columns(2)
    with loss:
        st.caption("Loss: lower is better")
        _lines(frame, {"train_loss": "training faces", "valid_loss": "test faces"}, "~g")
    with accuracy:
        st.caption("Accuracy: share of test faces named correctly")
        _lines(frame, {"accuracy": "test faces"}, ".0%")


def _lines(frame: pd.DataFrame, columns: dict[str, str], number_format: str) -> None:
    import altair as alt

    shown = frame.rename(columns=columns)
    present = [label for name, label in columns.items() if name in frame]
    table = shown.melt("epoch", present, "faces", "value").dropna()
    legend = alt.Legend(orient="top") if len(present) > 1 else None
    colours = alt.Scale(domain=["training faces", "test faces"], range=["#d97706", "#14b8a6"])
    chart = (
        alt.Chart(table, background="transparent")
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(format=number_format)),
            color=alt.Color("faces:N", title=None, scale=colours, legend=legend),
        )
    )
    st.altair_chart(chart, height=230)


# --- after ------------------------------------------------------------------------------------------------------
def _result(model: ModelView) -> None:
    metrics, rates = model.metrics, rates_at(model.metrics, model.threshold)
    st.subheader("Your recogniser")
    with st.container(horizontal=True):
        st.metric("People", f"{len(model.classes):,}", border=True)
        st.metric("Named correctly", tested(metrics, metrics.get("accuracy")), border=True)
        st.metric("Known faces recognised", tested(metrics, rates.tpir), border=True, help="TPIR at this threshold")
        st.metric("Unknown faces misnamed", percent(rates.fpir), border=True, help="FPIR at this threshold")
        st.metric(
            "Threshold",
            percent(model.threshold),
            border=True,
            help="Below this probability, the answer is “unknown”",
        )
    st.markdown(in_words(model))
    with st.container(horizontal=True):
        page_link("recognise", "Recognise people", icon=":material/arrow_forward:")
        page_link("evaluation", "See its mistakes", icon=":material/query_stats:")
    _card(model)
    if history := list(metrics.get("history") or []):
        with st.expander("Training curves", icon=":material/show_chart:"):
            _charts(history)


def _card(model: ModelView) -> None:
    """What the recogniser was made from, and how it does person by person, to read and to keep."""
    found = card_of(model)
    with st.expander("Model card", icon=":material/badge:"):
        st.markdown(as_markdown(found).replace("# Recogniser\n", "", 1))
        with st.container(horizontal=True):
            st.download_button("Markdown", as_markdown(found), "recogniser.md", "text/markdown")
            st.download_button("JSON", json.dumps(found, indent=1, ensure_ascii=False), "recogniser.json")


def tested(metrics: dict[str, Any], share: float | None) -> str:
    """A share of the test faces; where nobody has two photos there are none."""
    return "not tested" if metrics.get("valid_faces") == 0 else percent(share)


def in_words(model: ModelView) -> str:
    """The metrics as sentences."""
    metrics = model.metrics
    seen, unseen = metrics.get("train_faces", 0), metrics.get("valid_faces", 0)
    taken = f" in {duration(metrics['seconds'])}" if metrics.get("seconds", 0) >= 1 else ""
    right, sure = percent(metrics.get("accuracy")), percent(model.threshold)
    rates = rates_at(metrics, model.threshold)
    found, misnamed = percent(rates.tpir), percent(rates.fpir)
    if unseen == 0:
        return (
            f"Trained {ago(model.at)} on {count(seen, 'face')}{taken}. Nobody has a second photo to test it with. "
            f"It answers “unknown” when it is less than {sure} sure."
        )
    # The imprinted recogniser may learn from all faces, because leaving out each photo in turn tests it.
    tested = (
        "With each photo left out in turn"
        if seen == unseen
        else f"Of {count(unseen, 'face')} held back for testing"
    )
    return (
        f"Trained {ago(model.at)} on {count(seen, 'face')}{taken}. {tested}, {right} were named correctly. "
        f"It answers “unknown” when it is less than {sure} sure. At that threshold, it recognises {found} of the "
        f"faces of people it knows, and misnames {misnamed} of unknown faces."
    )
