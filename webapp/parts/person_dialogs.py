"""What is changed about a person: the dialogs Edit and Merge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.steps.similar_people import similar_people
from faceid_core.values import EARLIEST
from webapp.context import in_words, library
from webapp.markup import escaped_html, escaped_markdown, face_url
from webapp.parts import consent_form
from webapp.parts.dialog import dialog
from webapp.parts.undo import offer_undo
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import PersonView


def picture(person: PersonView, style: str) -> str:
    """HTML of the cover; "" where there is none."""
    if not person.cover_face_id:
        return ""
    src, name = face_url(person.cover_face_id), escaped_html(person.name)
    return f'<img src="{src}" alt="{name}" style="{style};object-fit:cover;display:block">'


@dialog("Edit", icon=":material/edit:")
def edit_dialog(person: PersonView) -> None:
    """Name, dates, consent, and whether lists show or hide them."""
    about, consent = st.tabs(["About", "Consent"])
    with about:
        _about_form(person)
    with consent:
        consent_form.consent_form(person)


def _about_form(person: PersonView) -> None:
    with st.form("edit-form", border=False):
        name = st.text_input("Name", value=person.name, key=f"name-{person.id}")
        earliest, latest = _range_of(person.birth_date)
        born = st.date_input(
            "Born on", value=person.birth_date, min_value=earliest, max_value=latest, key=f"born-{person.id}"
        )
        earliest, latest = _range_of(person.death_date)
        died = st.date_input(
            "Died on", value=person.death_date, min_value=earliest, max_value=latest, key=f"died-{person.id}",
            help="Photos taken before the birth or after the death are never suggested as this person.",
        )  # fmt: skip
        favourite = st.checkbox("Favourite: shown first", value=person.favourite, key=f"favourite-{person.id}")
        hidden = st.checkbox(
            "Hide from the list of people and from suggestions", value=person.hidden, key=f"hidden-{person.id}"
        )
        if not st.form_submit_button("Save", type="primary"):
            return
    try:
        described = library().people.describe(
            person.id, name=name, birth_date=born, death_date=died, hidden=hidden, favourite=favourite, drawn=person
        )
        offer_undo(described)
    except FaceIdError as error:
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
    else:
        st.rerun()


def _range_of(stored: date | None) -> tuple[date, date]:
    """What may be chosen. Imported decisions may hold any date, and the field refuses one that is out of range."""
    today = date.today()
    return min(EARLIEST, stored or EARLIEST), max(today, stored or today)


@dialog("Merge", icon=":material/merge:")
def merge_dialog(person: PersonView, open_person: Callable[[int], None]) -> None:
    """Into whom to merge this person; open_person is called with the one who stays."""
    others = {other.id: other for other in similar_people(library(), person.id)}
    if not others:
        st.markdown("There is no one else to merge with yet.")
        return
    choice = st.selectbox(
        f"{escaped_markdown(person.name)} is the same person as",
        list(others),
        index=None,
        format_func=lambda number: others[number].name,
        placeholder="Choose a person; the most similar come first",
        key=f"merge-{person.id}",
    )
    if choice is None:
        return
    keep = others[choice]
    _before_and_after(person, keep)
    if st.button(f"Merge into {escaped_markdown(keep.name)}", type="primary", key="merge-confirm"):
        _merge(person, keep, open_person)


def _before_and_after(person: PersonView, keep: PersonView) -> None:
    pictures = (picture(one, "width:72px;height:72px;border-radius:.75rem") for one in (person, keep))
    st.html(f'<div style="display:flex;gap:.6rem">{"".join(pictures)}</div>')
    st.markdown(
        f"All {count(person.faces, 'face')} of **{escaped_markdown(person.name)}** will be named "
        f"**{escaped_markdown(keep.name)}**, who will then have {count(person.faces + keep.faces, 'face')}. "
        f"The name {escaped_markdown(person.name)} will be removed. You can undo this."
    )
    if person.withheld != keep.withheld:
        refused = escaped_markdown(person.name if person.withheld else keep.name)
        st.warning(
            f"{refused} refused consent, which will then apply to all these faces: their pictures and vectors "
            "will be permanently deleted.",
            icon=":material/delete_forever:",
        )


def _merge(person: PersonView, keep: PersonView, open_person: Callable[[int], None]) -> None:
    try:
        offer_undo(library().people.merge(keep.id, [person.id], drawn=(keep, person)))
    except FaceIdError as error:
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
    else:
        open_person(keep.id)
        st.rerun()
