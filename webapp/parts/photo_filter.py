"""Which photos to show: by name, by who is in them, by day, camera and folder, and in which order."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import streamlit as st

from faceid_core.library import PhotoQuery
from faceid_core.values import EARLIEST, PhotoStatus, Role
from webapp.context import library, may
from webapp.feedback import guarded, toast
from webapp.markup import escaped_markdown
from webapp.parts import search_address
from webapp.parts.search_address import KEYS
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import SavedSearchView

CONDITIONS = [key for name, key in KEYS.items() if name not in ("q", "by", "month")]
ONLY = {
    "alone": "Nobody else in it",
    "blurred": "Blurred faces",
    "copies": "Copies of other photos",
    "screenshots": "Screenshots",
}
BY_DATE = "date"
ORDERS = {"import": "Newest imports first", BY_DATE: "By month"}


def photo_filter(status: PhotoStatus, *, on_change: Callable[[], None]) -> PhotoQuery:
    """The search field, the order and, in a popover, the other conditions, all kept in the address; on_change is
    called before a new query is shown."""
    known = _known()
    search_address.read(known, on_change)
    st.text_input(
        "Search",
        placeholder="File or folder name" if may(Role.EDITOR) else "File name",
        key="photo-search",
        icon=":material/search:",
        width=240,
        on_change=on_change,
        label_visibility="collapsed",
    )
    _popover(known, on_change)
    by_date = st.segmented_control(
        "Order", list(ORDERS), format_func=ORDERS.__getitem__, key="photo-order", on_change=on_change,
        label_visibility="collapsed", required=True,
    ) == BY_DATE  # fmt: skip
    query = _query(status, by_date=by_date)
    if by_date:
        query = _in_month(query, on_change)
    search_address.write()
    return query


def _known() -> dict[str, Any]:
    """The options of the fields that offer a choice."""
    people = {person.id: person.name for person in library().people.all()}
    months = {f"{year}-{month:02}": number for year, month, number in library().photos.months(PhotoQuery())}
    return {
        "with": people, "without": people, "camera": library().photos.cameras(), "only": ONLY, "by": ORDERS,
        "month": months, "tag": [tag for tag, _ in library().tags.all()] if may(Role.EDITOR) else [],
    }  # fmt: skip


def _popover(known: Mapping[str, Any], on_change: Callable[[], None]) -> None:
    chosen = sum(bool(st.session_state.get(key)) for key in CONDITIONS)
    label = f"Filter · {count(chosen, 'condition')}" if chosen else "Filter"
    with st.popover(label, icon=":material/filter_list:", key="photo-conditions"):
        if may(Role.EDITOR):
            _saved(known, on_change)
        _people(known["with"], on_change)
        with st.container(horizontal=True):
            for text, key in (("Taken on or after", "photo-from"), ("Taken on or before", "photo-to")):
                st.date_input(text, value=None, key=key, min_value=EARLIEST, max_value="today", on_change=on_change)
        if known["camera"]:
            st.selectbox(
                "Camera", known["camera"], key="photo-camera", index=None, placeholder="Any", on_change=on_change
            )
        if known["tag"]:
            st.selectbox("Tag", known["tag"], key="photo-tag", index=None, placeholder="Any", on_change=on_change)
        st.pills(
            "Only", list(ONLY), selection_mode="multi", key="photo-only", on_change=on_change,
            format_func=ONLY.__getitem__,
            help="Blurred: no face in the photo is sharp. Copies: the same picture saved twice; new photos are "
            "compared within a minute. “Name faces” asks which of them to keep. Screenshots: recognised by their "
            "file names.",
        )  # fmt: skip
        if may(Role.OWNER):  # where photos lie on this machine is the owner's business
            st.text_input(
                "In this folder or its subfolders", key="photo-folder", max_chars=4096, on_change=on_change
            )
        st.button("Clear", icon=":material/close:", disabled=not chosen, on_click=_clear, args=(on_change,))
        if may(Role.EDITOR):
            _save(bool(chosen or st.session_state.get("photo-search")))


def _people(names: Mapping[int, str], on_change: Callable[[], None]) -> None:
    for label, key, placeholder in (
        ("With all of these people", "photo-with", "Anyone"),
        ("Without any of these people", "photo-without", "No one"),
    ):
        st.multiselect(
            label, list(names), format_func=lambda person: names.get(person, "?"), key=key,
            placeholder=placeholder, on_change=on_change,
        )  # fmt: skip


def _query(status: PhotoStatus, *, by_date: bool) -> PhotoQuery:
    state = st.session_state
    only = state.get("photo-only") or ()
    folder = state.get("photo-folder", "") if may(Role.OWNER) else ""
    return PhotoQuery(
        people=tuple(state.get("photo-with") or ()),
        without=tuple(state.get("photo-without") or ()),
        taken_from=state.get("photo-from"),
        taken_to=state.get("photo-to"),
        folder=folder.strip() or None,
        text=state["photo-search"].strip() or None,
        status=status,
        blurred="blurred" in only,
        copies="copies" in only,
        screenshots="screenshots" in only,
        alone="alone" in only,
        camera=state.get("photo-camera"),
        tag=state.get("photo-tag"),
        by_date=by_date,
    )


def _in_month(query: PhotoQuery, on_change: Callable[[], None]) -> PhotoQuery:
    """The timeline: each month with its photos; one of them alone, where it is chosen."""
    months = {f"{year}-{month:02}": number for year, month, number in library().photos.months(query)}
    chosen = st.session_state.get("photo-month")
    options = list(months) if chosen in (None, *months) else [chosen, *months]
    month: str | None = st.selectbox(
        "Month", options, key="photo-month", index=None, placeholder="All months", width=200,
        format_func=lambda one: f"{month_name(one)} · {months.get(one, 0):,}", on_change=on_change,
        label_visibility="collapsed",
    )  # fmt: skip
    if month is None:
        return query
    year, number = map(int, month.split("-"))
    first, last = date(year, number, 1), date(year, number, monthrange(year, number)[1])
    return replace(
        query, taken_from=max(first, query.taken_from or first), taken_to=min(last, query.taken_to or last)
    )


def month_name(month: str) -> str:
    """
    >>> month_name("2021-05")
    'May 2021'
    """
    year, number = map(int, month.split("-"))
    return f"{date(year, number, 1):%B %Y}"


def _clear(on_change: Callable[[], None]) -> None:
    for key in CONDITIONS:
        st.session_state.pop(key, None)
    on_change()


# --- saved searches ---------------------------------------------------------------------------------------------
def _saved(known: Mapping[str, Any], on_change: Callable[[], None]) -> None:
    searches = {one.id: one for one in library().searches.all()}
    if not searches:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Saved searches", list(searches), index=None, format_func=lambda one: searches[one].name,
            placeholder="Choose", key="saved-search",
        )  # fmt: skip
        search = searches.get(chosen) if chosen is not None else None
        st.button(
            "Show", disabled=search is None, key="show-search", on_click=_show, args=(search, known, on_change)
        )
        st.button(
            "Forget", disabled=search is None, key="forget-search", on_click=_forget, args=(search,),
            help="Deletes the saved search; no photo changes",
        )  # fmt: skip


def _show(search: SavedSearchView, known: Mapping[str, Any], on_change: Callable[[], None]) -> None:
    query = search.query
    only = [name for name in ONLY if getattr(query, name)]
    search_address.fill(
        {
            "q": query.text or "",
            "with": ",".join(map(str, query.people)),
            "without": ",".join(map(str, query.without)),
            "from": query.taken_from.isoformat() if query.taken_from else "",
            "to": query.taken_to.isoformat() if query.taken_to else "",
            "folder": query.folder or "",
            "camera": query.camera or "",
            "tag": query.tag or "",
            "only": ",".join(only),
            "by": BY_DATE if query.by_date else "",
        },
        known,
    )
    on_change()


@guarded
def _forget(search: SavedSearchView) -> None:
    library().searches.remove(search.id)
    st.session_state.pop("saved-search", None)


def _save(is_search: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Save this search as", key="search-name", max_chars=100, disabled=not is_search)
        st.button("Save", disabled=not is_search, on_click=_keep, key="save-search")


@guarded
def _keep() -> None:
    name = st.session_state.get("search-name", "")
    query = _query(PhotoStatus.DONE, by_date=st.session_state.get("photo-order") == BY_DATE)
    library().searches.add(name, query)
    toast(f"Search “{escaped_markdown(name.strip())}” saved.", icon=":material/bookmark:")
