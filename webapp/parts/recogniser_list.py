"""All recognisers as a list: which one is in use, notes, downloads, deletion; and several compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.recognition.model_card import RECIPE_WORDS, as_markdown, card_of, rates_at
from faceid_core.steps.activate import activate
from faceid_core.steps.evaluate_recogniser import compare
from webapp.context import in_words, library
from webapp.feedback import boundary, guarded, toast
from webapp.markup import escaped_markdown, on_server
from webapp.parts.dialog import dialog
from webapp.parts.menu import close_menu, menu
from webapp.parts.undo import offer_undo
from webapp.wording import ago, count, percent

if TYPE_CHECKING:
    from faceid_core.library import ModelView

SHOWN = 6
"""Recognisers that are listed before the others are folded."""


def recogniser_list(models: list[ModelView]) -> None:
    """models: the newest first."""
    st.subheader("All recognisers")
    active = next(model for model in models if model.is_active)
    first = models[:SHOWN] if active in models[:SHOWN] else [active, *models[: SHOWN - 1]]
    for model in first:
        _row(model)
    rest = [model for model in models if model not in first]
    if rest:
        with st.expander(f"{count(len(rest), 'more recogniser')}", icon=":material/history:"):
            for model in rest:
                _row(model)
    if len(models) > 1:
        _comparison(models)


def _row(model: ModelView) -> None:
    with st.container(horizontal=True, border=True, vertical_alignment="center", key=f"card-model-{model.id}"):
        badge = " :green-badge[In use]" if model.is_active else ""
        notes = f"  \n{escaped_markdown(model.notes)}" if model.notes else ""
        st.markdown(f"**Recogniser {model.id}**{badge}  \n:small[:gray[{in_short(model)}]]{notes}", width="stretch")
        if not model.is_active:
            st.button(
                "Use this recogniser", key=f"use-model-{model.id}", icon=":material/check_circle:", on_click=_use,
                args=(model.id,),
            )  # fmt: skip
        with menu("More", icon=":material/more_horiz:", key=_menu(model.id), type="tertiary"):
            _more(model)


def in_short(model: ModelView) -> str:
    """Such as "Trained 2 days ago · 8 people · imprint · recognises 97% · misnames 1%"."""
    rates = rates_at(model.metrics, model.threshold)
    recipe = RECIPE_WORDS.get(model.metrics.get("kept", ""))
    parts = [
        f"Trained {ago(model.at)}",
        count(len(model.classes), "person", "people"),
        *([recipe] if recipe else []),
    ]
    if rates.tpir is not None:
        parts.append(f"recognises {percent(rates.tpir)}")
    if rates.fpir is not None:
        parts.append(f"misnames {percent(rates.fpir)} of unknown faces")
    return " · ".join(parts)


@guarded
def _use(model_id: int) -> None:
    offer_undo(activate(library(), model_id))


def _more(model: ModelView) -> None:
    st.text_area(
        "Notes", model.notes, key=f"notes-{model.id}", max_chars=2000, height=90,
        placeholder="Anything worth remembering about it",
    )  # fmt: skip
    st.button("Save notes", key=f"save-notes-{model.id}", on_click=_save_notes, args=(model.id,))
    found = card_of(model)
    with st.container(horizontal=True):
        st.link_button("Export", on_server(f"/api/recognisers/{model.id}.zip"), icon=":material/download:")
        st.download_button(
            "Card", as_markdown(found), f"recogniser-{model.id}.md", "text/markdown", key=f"card-md-{model.id}",
            icon=":material/badge:",
        )  # fmt: skip
        st.download_button(
            "Card as JSON", json.dumps(found, indent=1, ensure_ascii=False), f"recogniser-{model.id}.json",
            key=f"card-json-{model.id}", icon=":material/data_object:",
        )  # fmt: skip
    if st.button(
        "Delete", key=f"delete-model-{model.id}", icon=":material/delete:", type="tertiary", on_click=close_menu,
        args=(_menu(model.id),),
    ):  # fmt: skip
        _delete_dialog(model)


def _menu(model_id: int) -> str:
    return f"more-model-{model_id}"


@guarded
def _save_notes(model_id: int) -> None:
    library().models.note(model_id, st.session_state[f"notes-{model_id}"])
    toast("Notes saved.")


@dialog("Delete a recogniser", icon=":material/delete:")
def _delete_dialog(model: ModelView) -> None:
    others = " The one used before it takes its place." if model.is_active else ""
    st.markdown(
        f"**Recogniser {model.id}** and its files will be deleted.{others} Names and faces stay. "
        "**This can't be undone.**"
    )
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="delete-model-confirm"):
            _delete(model.id)
        if st.button("Cancel", key="delete-model-keep"):
            st.rerun()


def _delete(model_id: int) -> None:
    try:
        library().models.delete(model_id)
    except FaceIdError as error:
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
        return
    toast(f"Recogniser {model_id} was deleted.")
    st.rerun()


def _comparison(models: list[ModelView]) -> None:
    with st.expander("Compare recognisers", icon=":material/compare_arrows:"):
        numbers = [model.id for model in models]
        chosen = st.multiselect(
            "Recognisers", numbers, default=numbers[:2], key="compare-models",
            format_func=lambda number: f"Recogniser {number}",
        )  # fmt: skip
        if len(chosen) < 2:
            st.caption("Choose two or more.")
            return
        with boundary():
            _table(chosen)


def _table(chosen: list[int]) -> None:
    found = compare(library(), chosen)
    known, strangers = count(found[0].known, "face"), count(found[0].strangers, "face")
    st.caption(
        f"All tested on the same {known} of people they know and {strangers} of people they don't; none was "
        "trained on any of these."
    )
    st.dataframe(
        {
            "Recogniser": [each.model for each in found],
            "Recognised": [percent(each.own.tpir) for each in found],
            "Unknown misnamed": [percent(each.own.fpir) for each in found],
            "Correct names": [percent(each.own.precision) for each in found],
            "Recognised when 1 in 100 unknown is misnamed": [percent(each.strict.tpir) for each in found],
        },
        hide_index=True,
    )
