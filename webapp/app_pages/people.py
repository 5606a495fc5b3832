"""People: everybody who has a name; open a person to look at the faces and put things right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core import lifetimes
from faceid_core.errors import NotFound
from faceid_core.library import DrawnFaces, PhotoQuery, person_names
from faceid_core.values import Flag, Role
from webapp.components.cards import Card, cards
from webapp.components.face_grid import Note, face_grid
from webapp.context import library, may
from webapp.feedback import guarded
from webapp.markup import escaped_markdown, face_url
from webapp.parts import consent_form
from webapp.parts.blank import blank, nothing_found
from webapp.parts.erase_dialog import erase_dialog
from webapp.parts.history import recent_changes
from webapp.parts.maybe_them import maybe_them
from webapp.parts.naming import Target, naming
from webapp.parts.one_person import one_person
from webapp.parts.pager import Pager
from webapp.parts.people_selection import people_selection
from webapp.parts.person_dialogs import edit_dialog, merge_dialog, picture
from webapp.parts.person_map import person_map, points_of
from webapp.parts.photo_dialog import show_addressed, show_photo
from webapp.parts.photo_grid import photo_grid
from webapp.parts.share_dialog import share_button
from webapp.parts.undo import offer_undo, undo_bar
from webapp.wording import count, long_date, number_in

if TYPE_CHECKING:
    from faceid_core.library import Erasure, FaceView, PersonView

PEOPLE, FACES, PHOTOS_A_PAGE = 120, 120, 48
FACES_VIEW, PHOTOS, MAP = "Faces", "Photos by month", "Map"
ANSWERS = ("given", "ended", "refused", "unknown")
BADGES = {"ended": "ended", "refused": "refused"}
"""What a card says about a person's consent: only what needs attention."""

MOST = "Most faces first"
ORDERS: dict[str, Callable[[PersonView], tuple[object, ...]]] = {
    MOST: lambda person: (not person.favourite, -person.faces, person_names.sort_key(person.name)),
    "By name": lambda person: (not person.favourite, person_names.sort_key(person.name)),
}
"""Favourites come first."""

PERSON = "person"
"""The query parameter that opens a person: the address can be kept, and Back leads back."""

MORE = "more-acts"
MERGE, REMOVE_NAME, ERASE = (
    ":material/merge: Merge", ":material/person_remove: Remove name", ":material/delete_forever: Erase",
)  # fmt: skip


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
    number = number_in(st.query_params.get(PERSON, ""))
    if number is None:
        return None
    try:
        return library().people.get(number)
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
        order = _order() if len(everybody) > 1 else MOST
        choosing = len(everybody) > 1 and may(Role.EDITOR) and _choosing()
    people = sorted((person for person in everybody if with_hidden or not person.hidden), key=ORDERS[order])
    if not everybody:
        _nobody()
        return
    found = [person for person in people if person_names.matches(person.name, search)]
    found = [person for person in found if consent is None or _answer(person) == consent]
    st.caption(
        f"{count(len(found), 'person', 'people')}{f' of {len(people):,}' if len(found) < len(people) else ''}"
    )
    if choosing:
        people_selection(_shown(found), _open)
        _pages(found)
    else:
        _cards(found)


def _nobody() -> None:
    if not library().counts().faces:
        nothing_found()
        return
    blank(
        "No people yet",
        "Name the groups of faces. Each name becomes a person here.",
        icon="groups",
        link=("clusters", "Name groups"),
    )


def _order() -> str:
    return st.selectbox(
        "Order", list(ORDERS), key="people-order", label_visibility="collapsed", width=160,
        on_change=lambda: Pager("people").first(),
    )  # fmt: skip


def _search() -> str:
    return st.text_input(
        "Search", placeholder="Search by name", icon=":material/search:", key="people-search", width=280,
        label_visibility="collapsed", on_change=lambda: Pager("people").first(),
    ).strip()  # fmt: skip


def _consent_filter(everybody: list[PersonView]) -> str | None:
    """Offered once anybody's consent is known."""
    given = set(map(_answer, everybody))
    answers = [answer for answer in ANSWERS if answer in given]
    if answers in ([], ["unknown"]):
        return None
    return st.selectbox(
        "Consent", answers, index=None, format_func=str.capitalize, placeholder="Any consent", key="people-consent",
        label_visibility="collapsed", width=160, on_change=lambda: Pager("people").first(),
    )  # fmt: skip


def _answer(person: PersonView) -> str:
    return "ended" if person.consent.has_ended(date.today()) else person.consent.state.value


def _choosing() -> bool:
    """Whether people are to be chosen instead of opened by a click."""
    return st.toggle("Select", key="people-choosing")  # without help, which would be a stop of the Tab key


def _cards(people: list[PersonView]) -> None:
    shown = _shown(people)
    if not shown:
        st.caption("No matching people.")
    cards([_card(person) for person in shown], key="people-cards", label="People", on_choose=_open)
    _pages(people)


def _shown(people: list[PersonView]) -> list[PersonView]:
    start = Pager("people").after or 0
    return people[start : start + PEOPLE]


def _pages(people: list[PersonView]) -> None:
    pager = Pager("people")
    start = pager.after or 0
    pager.buttons(last=start + PEOPLE, has_more=len(people) > start + PEOPLE)


def _card(person: PersonView) -> Card:
    cover = face_url(person.cover_face_id) if person.cover_face_id else None
    answer = _answer(person)
    badge = [BADGES[answer]] if answer in BADGES else []
    hint = f"{person.name} refused consent; no picture of the face is kept." if person.withheld else None
    star = "★ " if person.favourite else ""
    return Card(person.id, star + person.name, cover, " · ".join([_numbers(person), *badge]), hint)


def _numbers(person: PersonView) -> str:
    return f"{count(person.faces, 'face')} · {count(person.photos, 'photo')}"


# --- one person ---------------------------------------------------------------------------------------------
def _one(person: PersonView) -> None:
    st.button("All people", icon=":material/arrow_back:", type="tertiary", on_click=_close)
    _portrait(person)
    if person.withheld:
        st.info(
            f"{escaped_markdown(person.name)} refused to be recognised: no picture and no vector of this face is "
            "kept. The name stays with the photos, so that these faces are left out when the photos are imported "
            "again.",
            icon=":material/visibility_off:",
        )
    if may(Role.EDITOR) and not person.withheld:
        one_person(person, _open)
    points = points_of(person) if may(Role.EDITOR) and person.faces > 1 else None
    view = _choose_view(person, has_map=points is not None)
    if view == PHOTOS:
        _photos(person)
    elif view == MAP and points is not None:
        person_map(person, points)
    else:
        _faces(person)
    show_addressed(PhotoQuery(people=(person.id,), by_date=view == PHOTOS))


def _faces(person: PersonView) -> None:
    if may(Role.EDITOR) and not person.withheld:
        maybe_them(person)
    pager = Pager(f"person-{person.id}")
    found = library().faces.of_person(person.id, after=pager.after, limit=FACES + 1)
    faces = found[:FACES]
    if not faces:
        pager.first()
        st.caption(
            f"{escaped_markdown(person.name)} is only in photos without a visible face; see “{PHOTOS}”."
            if person.photos else "No faces have this name any more. Remove the name, or name faces again."
        )  # fmt: skip
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
        face_grid(
            faces, key=target.grid, label=f"Faces of {person.name}", names=False, on_open=theirs,
            notes=_ages(person, faces),
        )  # fmt: skip
        pager.buttons(last=faces[-1].id, has_more=len(found) > FACES)


def _choose_view(person: PersonView, *, has_map: bool) -> str:
    views = [FACES_VIEW, PHOTOS, MAP] if has_map else [FACES_VIEW, PHOTOS]
    first = FACES_VIEW if person.faces or not person.photos else PHOTOS
    return st.segmented_control(
        "Show", views, default=first, required=True, key=f"view-{person.id}",
        label_visibility="collapsed",
    )  # fmt: skip


def _photos(person: PersonView) -> None:
    query = PhotoQuery(people=(person.id,), by_date=True)
    pager = Pager(f"photos-of-{person.id}")
    found = library().photos.page(after=pager.after, limit=PHOTOS_A_PAGE + 1, query=query)
    photo_grid(found[:PHOTOS_A_PAGE], query=query)
    if found:
        pager.buttons(last=found[:PHOTOS_A_PAGE][-1].id, has_more=len(found) > PHOTOS_A_PAGE)


def _ages(person: PersonView, faces: list[FaceView]) -> dict[int, Note]:
    """How old the person is on each face, where both days are known."""
    if person.birth_date is None:
        return {}
    days = library().gallery.days(face.id for face in faces).tolist()
    found = {face.id: lifetimes.age_in_words(person.birth_date, day) for face, day in zip(faces, days, strict=True)}
    return {face: Note(short=words) for face, words in found.items() if words}


def _portrait(person: PersonView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="portrait"):
        if person.cover_face_id:
            st.html(picture(person, "width:88px;height:88px;border-radius:50%"), width="content")
        with st.container(gap=None):
            st.title(escaped_markdown(person.name), anchor=False)
            st.markdown(f":gray[{' · '.join(_facts(person))}]")
    if may(Role.EDITOR):
        with st.container(horizontal=True, key="person-acts"):
            _person_buttons(person)


def _facts(person: PersonView) -> Iterator[str]:
    yield _numbers(person)
    if person.birth_date:
        yield f"born {long_date(person.birth_date)}"
    if person.death_date:
        yield f"died {long_date(person.death_date)}"
    if between := library().photos.first_and_last(PhotoQuery(people=(person.id,))):
        first, last = (f"{day:%B %Y}" for day in between)
        yield f"photos from {first}" if first == last else f"photos from {first} to {last}"
    if person.hidden:
        yield "hidden"
    if consent := consent_form.in_words(person.consent):
        yield consent


def _person_buttons(person: PersonView) -> None:
    label, icon = ("Favourite", "star") if person.favourite else ("Make favourite", "star_outline")
    st.button(
        label, icon=f":material/{icon}:", key="favourite", on_click=_turn_favourite, args=(person,),
        help="Favourites are shown first in every list",
    )  # fmt: skip
    if st.button(
        "Edit",
        icon=":material/edit:",
        key="edit",
        help="Change the name, dates or consent, or hide this person",
    ):
        edit_dialog(person)
    if may(Role.OWNER) and not person.withheld:
        share_button(PhotoQuery(people=(person.id,)), name=person.name, key="share")
    acts = [MERGE, REMOVE_NAME, ERASE] if may(Role.OWNER) else [MERGE, REMOVE_NAME]
    chosen = st.menu_button("More", acts, icon=":material/more_horiz:", key=MORE, on_click=_forget, args=(person,))
    if chosen == MERGE:
        merge_dialog(person, _open)
    elif chosen == ERASE:
        _ask_to_erase(person)


def _face_buttons(person: PersonView, target: Target, chosen: int) -> None:
    name = escaped_markdown(person.name if len(person.name) <= 16 else "this person")
    st.button(
        f"Not {name}", icon=":material/person_cancel:", disabled=not chosen, key="not-this-person",
        on_click=_remove, args=(person, target), help="Removes the name from the selected faces and remembers "
        "that they are somebody else",
    )  # fmt: skip
    st.button(
        "Use as cover", icon=":material/account_box:", disabled=chosen != 1, key="set-cover",
        on_click=_set_cover, args=(person, target), help="Select one face to use as the cover",
    )  # fmt: skip


@guarded
def _turn_favourite(person: PersonView) -> None:
    offer_undo(library().people.describe(person.id, favourite=not person.favourite))


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
    """Only what was drawn: the script reads the person again before it sees what was chosen."""
    if st.session_state[MORE] == REMOVE_NAME:
        offer_undo(library().people.delete(person.id, drawn=person))
        _close()


# --- dialogs ------------------------------------------------------------------------------------------------
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
