"""Train: the people in training, the training itself, and how good the recogniser is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from faceid_core.recognition.model_card import as_markdown, card
from faceid_core.recognition.training import RECIPES, TrainOptions, has_trainer
from faceid_core.steps.train import readiness
from webapp.context import library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown, page_link
from webapp.parts.job_progress import job_progress, last_failure
from webapp.wording import ago, count, duration, percent

if TYPE_CHECKING:
    import pandas as pd

    from faceid_core.library import JobView, ModelView, PersonView
    from faceid_core.recognition.training import Readiness


def page() -> None:
    st.title("Train")
    st.markdown(
        "The recogniser learns from the names you gave. It is then tested on faces it has not seen, which shows "
        "how good it is and how sure it must be to give a name."
    )
    ready = readiness(library(), TrainOptions(recipe=_recipe()))
    if not job_progress("train", body=_curves):
        last_failure("train")
        _start(ready)
    models = library().models.all()
    if models:
        _result(max(models, key=lambda model: model.id))
    _who(sorted(library().people.all(), key=lambda person: -person.faces), ready)
    if len(models) > 1:
        _earlier(sorted(models, key=lambda model: -model.id)[1:])


# --- before -----------------------------------------------------------------------------------------------------
def _start(ready: Readiness) -> None:
    with st.container(border=True, key="card-start"), st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_in_words(ready), width="stretch")
        possible = ready.refusal is None
        if not possible:
            page_link("clusters", "Name more faces", icon=":material/arrow_forward:")
        st.button("Train", type="primary", icon=":material/model_training:", disabled=not possible, on_click=_train)
    if possible:
        with st.expander("Recipe", icon=":material/tune:"):
            recipes = RECIPES if has_trainer() else {"imprint": RECIPES["imprint"]}
            st.radio(
                "Recipe", list(recipes), key="recipe", captions=list(recipes.values()),
                format_func=str.capitalize, label_visibility="collapsed",
            )  # fmt: skip
            if not has_trainer():
                st.caption("The recipes best and head need PyTorch: install it with `pip install 'faceid[train]'`.")


def _in_words(ready: Readiness) -> str:
    if ready.refusal is not None:
        return f"**Not ready to train**  \n{escaped_markdown(ready.refusal)}"
    left_out = count(len(ready.too_few), "person", "people")
    more = f" {left_out} with too few faces will be left out." if ready.too_few else ""
    if ready.weak:
        more += (
            f" {count(len(ready.weak), 'person has', 'people have')} a single photo, which is weak: add a second."
        )
    people = count(len(ready.names), "person", "people")
    return f"**Ready to train**  \n{people} with {count(ready.faces, 'face')}.{more}"


def _recipe() -> str:
    """The one chosen; before that, the first that is possible."""
    return str(st.session_state.get("recipe") or ("best" if has_trainer() else "imprint"))


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
                "In training": ["yes" if person.name in names else "no, has too few faces" for person in people],
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
    metrics = model.metrics
    st.subheader("Your recogniser")
    with st.container(horizontal=True):
        st.metric("People", f"{len(model.classes):,}", border=True)
        st.metric("Named correctly", tested(metrics, "accuracy"), border=True)
        st.metric("Known faces recognised", tested(metrics, "tpir"), border=True, help="TPIR at this threshold")
        st.metric(
            "Unknown faces misnamed", percent(metrics.get("fpir")), border=True, help="FPIR at this threshold"
        )
        st.metric(
            "Threshold",
            f"{model.threshold:.2f}",
            border=True,
            help="Below this probability, the answer is “unknown”",
        )
    st.markdown(in_words(model))
    page_link("recognise", "Recognise people", icon=":material/arrow_forward:")
    _card(model)
    with st.expander("Training curves", icon=":material/show_chart:"):
        _charts(list(metrics.get("history") or []))


def _card(model: ModelView) -> None:
    """What the recogniser was made from, and how it does person by person, to read and to keep."""
    found = card(model.classes, model.metrics, trained=model.at, embedder=model.embedder, threshold=model.threshold)
    with st.expander("Model card", icon=":material/badge:"):
        st.markdown(as_markdown(found).replace("# Recogniser\n", "", 1))
        with st.container(horizontal=True):
            st.download_button("Markdown", as_markdown(found), "recogniser.md", "text/markdown")
            st.download_button("JSON", json.dumps(found, indent=1, ensure_ascii=False), "recogniser.json")


def tested(metrics: dict[str, Any], name: str) -> str:
    """A share of the test faces; where nobody has two photos there are none."""
    return "not tested" if metrics.get("valid_faces") == 0 else percent(metrics.get(name))


def in_words(model: ModelView) -> str:
    """The metrics as sentences."""
    metrics = model.metrics
    seen, unseen = metrics.get("train_faces", 0), metrics.get("valid_faces", 0)
    taken = f" in {duration(metrics['seconds'])}" if metrics.get("seconds") else ""
    right, sure = percent(metrics.get("accuracy")), percent(model.threshold)
    found, misnamed = percent(metrics.get("tpir")), percent(metrics.get("fpir"))
    if unseen == 0:
        return (
            f"Trained {ago(model.at)} on {count(seen, 'face')}{taken}. Nobody has a second photo to test it with. "
            f"It gives a name only when it is at least {sure} sure."
        )
    # The imprinted recogniser may learn from all faces, because leaving out each photo in turn tests it.
    tested = (
        "With each photo left out in turn"
        if seen == unseen
        else f"Of {count(unseen, 'face')} held back for testing"
    )
    return (
        f"Trained {ago(model.at)} on {count(seen, 'face')}{taken}. {tested}, {right} were named correctly. "
        f"It gives a name only when it is at least {sure} sure. At that threshold, it recognises {found} of the "
        f"faces of people it knows, and misnames {misnamed} of unknown faces."
    )


def _earlier(models: list[ModelView]) -> None:
    with st.expander(f"Earlier recognisers · {len(models)}", icon=":material/history:"):
        st.dataframe(
            {
                "Trained": [model.at for model in models],
                "People": [len(model.classes) for model in models],
                "Faces": [model.metrics.get("train_faces") for model in models],
                "Named correctly": [percent(model.metrics.get("accuracy")) for model in models],
                "Threshold": [round(model.threshold, 2) for model in models],
            },
            hide_index=True,
        )
