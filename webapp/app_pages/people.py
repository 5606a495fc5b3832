"""People: everybody who has a name; open a person to look at the faces and put things right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError, NotFound
from faceid_core.library import DrawnFaces, PhotoQuery, person_names
from faceid_core.values import EARLIEST, Flag, Role
from webapp.components.cards import Card, cards
from webapp.components.face_grid import face_grid
from webapp.context import in_words, library, may
from webapp.feedback import guarded
from webapp.markup import escaped_html, escaped_markdown, face_url
from webapp.parts import consent_form
from webapp.parts.blank import blank
from webapp.parts.dialog import dialog
from webapp.parts.erase_dialog import erase_dialog
from webapp.parts.history import recent_changes
from webapp.parts.naming import Target, naming
from webapp.parts.pager import Pager
from webapp.parts.photo_dialog import show_photo
from webapp.parts.share_dialog import share_button
from webapp.parts.undo import offer_undo, undo_bar
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Erasure, PersonView

PEOPLE, FACES = 120, 120
ANSWERS = ("given", "ended", "refused", "unknown")
BADGES = {"ended": "ended", "refused": "refused"}
"""What a card says of a person's consent: only what asks for attention."""

PERSON = "person"
"""The query parameter that opens a person: the address can be kept, and Back leads back."""


def page() -> None:
    person = _opened()
    if person is None:
        _everybody()
    else:
        _one(person)
    st.space("small")
    if may(Role.EDITOR):
        recent_changes()
    undo_bar()


def _opened() -> PersonView | None:
    number = st.query_params.get(PERSON, "")
    if not number.isdigit():
        return None
    try:
        return library().people.get(int(number))
    except NotFound as gone:
        st.info(escaped_markdown(str(gone)), icon=":material/person_off:")
        return None


def _open(person_id: int) -> None:
    st.query_params[PERSON] = str(person_id)


def _close() -> None:
    st.query_params.pop(PERSON, None)


# --- everybody ----------------------------------------------------------------------------------------------
def _everybody() -> None:
    everybody = library().people.all()
    hidden = sum(person.hidden for person in everybody)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("People")
        search = _search() if everybody else ""
        consent = _consent_filter(everybody)
        with_hidden = bool(hidden) and st.toggle(f"Show {hidden:,} hidden", key="people-hidden")
    people = [person for person in everybody if with_hidden or not person.hidden]
    if not everybody:
        blank(
            "No people yet",
            "Name the groups of faces. Each name becomes a person here.",
            icon="groups",
            link=("clusters", "Name groups"),
        )
        return
    found = [person for person in people if person_names.matches(person.name, search)]
    found = [person for person in found if consent is None or _answer(person) == consent]
    st.caption(
        f"{count(len(found), 'person', 'people')}{f' of {len(people):,}' if len(found) < len(people) else ''}"
    )
    _cards(found)


def _search() -> str:
    return st.text_input(
        "Search", placeholder="Search by name", icon=":material/search:", key="people-search", width=280,
        label_visibility="collapsed", on_change=lambda: Pager("people").first(),
    ).strip()  # fmt: skip


def _consent_filter(everybody: list[PersonView]) -> str | None:
    """Offered once anybody's consent is known."""
    answers = [answer for answer in ANSWERS if any(_answer(person) == answer for person in everybody)]
    if answers in ([], ["unknown"]):
        return None
    return st.selectbox(
        "Consent", answers, index=None, format_func=str.capitalize, placeholder="Any consent", key="people-consent",
        label_visibility="collapsed", width=160, on_change=lambda: Pager("people").first(),
    )  # fmt: skip


def _answer(person: PersonView) -> str:
    return "ended" if person.consent.has_ended(date.today()) else person.consent.state.value


def _cards(people: list[PersonView]) -> None:
    pager = Pager("people")
    start = pager.after or 0
    shown = people[start : start + PEOPLE]
    if not shown:
        st.caption("No matching people.")
    cards([_card(person) for person in shown], key="people-cards", label="People", on_choose=_open)
    pager.buttons(last=start + PEOPLE, has_more=len(people) > start + PEOPLE)


def _card(person: PersonView) -> Card:
    cover = face_url(person.cover_face_id) if person.cover_face_id else None
    answer = _answer(person)
    badge = [BADGES[answer]] if answer in BADGES else []
    hint = f"{person.name} refused; no picture of the face is kept." if person.withheld else None
    return Card(person.id, person.name, cover, " · ".join([_numbers(person), *badge]), hint)


def _numbers(person: PersonView) -> str:
    return f"{count(person.faces, 'face')} · {count(person.photos, 'photo')}"


# --- one person ---------------------------------------------------------------------------------------------
def _one(person: PersonView) -> None:
    st.button("All people", icon=":material/arrow_back:", type="tertiary", on_click=_close)
    _portrait(person)
    if person.withheld:
        st.info(
            f"{escaped_markdown(person.name)} refused to be recognised: no picture and no vector of this face is "
            "kept. The name stays on the photos, so that these faces are left out when the photos are imported "
            "again.",
            icon=":material/visibility_off:",
        )
    pager = Pager(f"person-{person.id}")
    found = library().faces.of_person(person.id, after=pager.after, limit=FACES + 1)
    faces = found[:FACES]
    if not faces:
        pager.first()
        st.caption("No faces have this name any more. Remove the name, or name faces again.")
        return
    target = Target(grid=f"person-{person.id}-{pager.after}", shown=DrawnFaces.of(faces))
    with st.container(border=True, key="card-person"):
        naming(
            target,
            key="someone-else",
            placeholder="Someone else? Type a name",
            more=lambda chosen: _face_buttons(person, target, chosen),
            flags=(Flag.HIDDEN, Flag.NOT_A_FACE),
        )
        theirs = partial(show_photo, query=PhotoQuery(people=(person.id,)))
        face_grid(faces, key=target.grid, label=f"Faces of {person.name}", names=False, on_open=theirs)
        pager.buttons(last=faces[-1].id, has_more=len(found) > FACES)


def _portrait(person: PersonView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="portrait"):
        if person.cover_face_id:
            st.html(_picture(person, "width:88px;height:88px;border-radius:50%"), width="content")
        with st.container(gap=None):
            st.title(escaped_markdown(person.name), anchor=False)
            st.markdown(f":gray[{' · '.join(_facts(person))}]")
        if may(Role.EDITOR):
            _person_buttons(person)


def _facts(person: PersonView) -> Iterator[str]:
    yield _numbers(person)
    if person.birth_date:
        yield f"born {person.birth_date:%d %B %Y}"
    if person.hidden:
        yield "hidden"
    if consent := consent_form.in_words(person.consent):
        yield consent


def _picture(person: PersonView, style: str) -> str:
    if not person.cover_face_id:
        return ""
    src, name = face_url(person.cover_face_id), escaped_html(person.name)
    return f'<img src="{src}" alt="{name}" style="{style};object-fit:cover;display:block">'


def _person_buttons(person: PersonView) -> None:
    if st.button(
        "Edit",
        icon=":material/edit:",
        key="edit",
        help="Change the name, birth date or consent, or hide them",
    ):
        _edit_dialog(person)
    if may(Role.OWNER) and not person.withheld:
        share_button(PhotoQuery(people=(person.id,)), name=person.name, key="share")
    if st.button("Merge", icon=":material/merge:", key="merge", help="Combine two people who are really one"):
        _merge_dialog(person)
    st.button(
        "Remove name", icon=":material/person_remove:", key="forget", on_click=_forget, args=(person,),
        help="The faces stay and become unnamed; you can undo this",
    )  # fmt: skip
    if may(Role.OWNER) and st.button(
        "Erase", icon=":material/delete_forever:", key="erase", help="Delete the name and the faces for good"
    ):
        _ask_to_erase(person)


def _face_buttons(person: PersonView, target: Target, chosen: int) -> None:
    name = escaped_markdown(person.name if len(person.name) <= 16 else "this person")
    st.button(
        f"Not {name}", icon=":material/person_cancel:", disabled=not chosen, key="not-this-person",
        on_click=_remove, args=(person, target), help="Removes the name from the selected faces and remembers it",
    )  # fmt: skip
    st.button(
        "Use as cover", icon=":material/account_box:", disabled=chosen != 1, key="set-cover",
        on_click=_set_cover, args=(person, target), help="Select one face to show for this person",
    )  # fmt: skip


@guarded
def _remove(person: PersonView, target: Target) -> None:
    offer_undo(library().people.remove_faces(target.chosen().ids, person.id))


@guarded
def _set_cover(person: PersonView, target: Target) -> None:
    chosen = target.chosen()
    if len(chosen.ids) == 1:
        offer_undo(library().people.set_cover(person.id, chosen.ids[0], drawn=chosen))


@guarded
def _forget(person: PersonView) -> None:
    offer_undo(library().people.delete(person.id, drawn=person))
    _close()


# --- dialogs ------------------------------------------------------------------------------------------------
@dialog("Edit", icon=":material/edit:")
def _edit_dialog(person: PersonView) -> None:
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
        hidden = st.checkbox(
            "Hide from the list of people and from suggestions", value=person.hidden, key=f"hidden-{person.id}"
        )
        if not st.form_submit_button("Save", type="primary"):
            return
    try:
        offer_undo(library().people.describe(person.id, name=name, birth_date=born, hidden=hidden, drawn=person))
    except FaceIdError as error:
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
    else:
        st.rerun()


def _range_of(stored: date | None) -> tuple[date, date]:
    """What may be chosen. Imported decisions may hold any date, and the field refuses one that is out of range."""
    today = date.today()
    return min(EARLIEST, stored or EARLIEST), max(today, stored or today)


@dialog("Merge", icon=":material/merge:")
def _merge_dialog(person: PersonView) -> None:
    others = {other.id: other for other in library().people.all() if other.id != person.id}
    if not others:
        st.markdown("There is no one else to merge with yet.")
        return
    choice = st.selectbox(
        f"{escaped_markdown(person.name)} is the same person as",
        list(others),
        index=None,
        format_func=lambda number: others[number].name,
        placeholder="Choose a person",
        key=f"merge-{person.id}",
    )
    if choice is None:
        return
    keep = others[choice]
    _before_and_after(person, keep)
    if st.button(f"Merge into {escaped_markdown(keep.name)}", type="primary", key="merge-confirm"):
        _merge(person, keep)


def _before_and_after(person: PersonView, keep: PersonView) -> None:
    pictures = (_picture(one, "width:72px;height:72px;border-radius:.75rem") for one in (person, keep))
    st.html(f'<div style="display:flex;gap:.6rem">{"".join(pictures)}</div>')
    st.markdown(
        f"All {count(person.faces, 'face')} of **{escaped_markdown(person.name)}** will be named "
        f"**{escaped_markdown(keep.name)}**, who will then have {count(person.faces + keep.faces, 'face')}. "
        f"The name {escaped_markdown(person.name)} will be removed. You can undo this."
    )
    if person.withheld != keep.withheld:
        refused = escaped_markdown(person.name if person.withheld else keep.name)
        st.warning(
            f"{refused} refused consent, which then holds for all these faces: their pictures and vectors are "
            "deleted for good.",
            icon=":material/delete_forever:",
        )


def _merge(person: PersonView, keep: PersonView) -> None:
    try:
        offer_undo(library().people.merge(keep.id, [person.id], drawn=(keep, person)))
    except FaceIdError as error:
        st.error(escaped_markdown(in_words(error)), icon=":material/error:")
    else:
        _open(keep.id)
        st.rerun()


def _ask_to_erase(person: PersonView) -> None:
    def erase() -> Erasure:
        erased = library().erasing.person(person.id, seen=gone)
        _close()
        return erased

    gone = library().erasing.person(person.id, preview=True)
    erase_dialog(
        f"**{escaped_markdown(person.name)}** and {count(gone.faces, 'face')}",
        gone,
        erase,
        trace=lambda: library().erasing.trace(person=person.id),
    )
