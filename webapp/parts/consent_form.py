"""A person's consent to being recognised, in their Edit dialog; refusing says first what it deletes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.library import ConsentView
from faceid_core.steps.set_consent import set_consent
from faceid_core.values import EARLIEST, ConsentState, Role
from webapp.context import in_words as sentence
from webapp.context import library, may
from webapp.feedback import toast
from webapp.markup import escaped_markdown
from webapp.parts.undo import offer_undo
from webapp.wording import count, long_date

if TYPE_CHECKING:
    from faceid_core.library import PersonView

WORDS = {ConsentState.UNKNOWN: "Unknown", ConsentState.GIVEN: "Given", ConsentState.REFUSED: "Refused"}
_LAST = date(2999, 12, 31)


def in_words(consent: ConsentView) -> str | None:
    """Such as "consent until 1 March 2027"; None for unknown."""
    if consent.state is ConsentState.UNKNOWN:
        return None
    if consent.state is ConsentState.REFUSED:
        return "refused consent"
    if consent.until is None:
        return "consent given"
    return f"consent {'ended' if consent.has_ended(date.today()) else 'until'} {long_date(consent.until)}"


def consent_form(person: PersonView) -> None:
    """The fields that the chosen answer has, and the button that saves it."""
    stored = person.consent
    answers = list(WORDS) if may(Role.OWNER) else [one for one in WORDS if one is not ConsentState.REFUSED]
    if not may(Role.OWNER) and person.withheld:
        st.caption("This person refused. Only an owner can change that.")
        return
    state = st.segmented_control(
        "Consent to being recognised", answers, default=stored.state, format_func=WORDS.__getitem__,
        required=True, key=f"consent-{person.id}",
    ) or stored.state  # fmt: skip
    wanted = ConsentView(state, *_details(person, state)) if state is not ConsentState.UNKNOWN else ConsentView()
    refusing = state is ConsentState.REFUSED and not person.withheld
    if refusing:
        _warn(person)
    elif person.withheld and state is not ConsentState.REFUSED:
        st.caption("To get pictures and vectors back, import the photos again with `faceid import --again`.")
    label = "Refuse and delete" if refusing else "Save consent"
    if st.button(label, type="primary", key=f"consent-save-{person.id}"):
        _save(person, wanted)


def _details(person: PersonView, state: ConsentState) -> tuple[str, date | None, date | None]:
    stored = person.consent if person.consent.state is state else ConsentView()  # another answer has its own basis
    suffix = f"{state}-{person.id}"
    basis = st.text_input(
        "Basis", value=stored.basis, placeholder="Signed form 2026-03", max_chars=200, key=f"basis-{suffix}"
    )
    label = "Refused on" if state is ConsentState.REFUSED else "Given on"
    with st.container(horizontal=True):
        earliest, today = min(EARLIEST, stored.given_on or EARLIEST), date.today()
        since = st.date_input(
            label, value=stored.given_on, min_value=earliest, max_value=max(today, stored.given_on or today),
            key=f"since-{suffix}",
        )  # fmt: skip
        if state is ConsentState.REFUSED:
            return basis, since, None
        until = st.date_input(
            "Until", value=stored.until, min_value=min(EARLIEST, stored.until or EARLIEST), max_value=_LAST,
            key=f"until-{suffix}", help="The last day it applies; leave empty for no end",
        )  # fmt: skip
    return basis, since, until


def _warn(person: PersonView) -> None:
    gone = library().consents.preview(person.id)
    models = f" and {count(gone.models, 'recogniser')} trained on them" if gone.models else ""
    st.warning(
        f"This permanently deletes the pictures and vectors of {count(gone.faces, 'face')}{models}. The name "
        "stays with the photos, so that the faces there are left out when imported again. Your photo files stay, "
        "and "
        "so do older backups.",
        icon=":material/delete_forever:",
    )


def _save(person: PersonView, wanted: ConsentView) -> None:
    try:
        changed = set_consent(
            library(), person.id, wanted.state, basis=wanted.basis, given_on=wanted.given_on, until=wanted.until,
            drawn=person.consent,
        )  # fmt: skip
    except FaceIdError as error:
        st.error(escaped_markdown(sentence(error)), icon=":material/error:")
        return
    offer_undo(changed)
    if changed.withheld.models:
        toast("A recogniser without this person is being trained.", icon=":material/model_training:")
    st.rerun()
