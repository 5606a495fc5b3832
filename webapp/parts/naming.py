"""Say who faces are: one box, and buttons for all of them or for the selected ones. The same on every page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import BadInput, InvalidName, TwiceOnPhoto
from faceid_core.values import Flag, Role
from webapp.components import name_box
from webapp.components.face_grid import selection
from webapp.context import in_words, library, may
from webapp.feedback import guarded
from webapp.markup import escaped_markdown
from webapp.parts.undo import offer_undo
from webapp.people_list import people_address

if TYPE_CHECKING:
    from faceid_core.library import DrawnFaces, PersonView

Ids = list[int]


@dataclass(frozen=True)
class Target:
    """What a naming is about.

    grid: key of the face grid whose selection counts. shown: the faces in that grid. every: all faces in question
    (a group may be larger than its grid); None where naming all makes no sense. Both are as drawn: an act on faces
    that have become something else is refused. then: what comes after faces were named or set aside; it gets their
    ids.
    """

    grid: str
    shown: DrawnFaces
    every: DrawnFaces | None = None
    then: Callable[[Ids], None] = lambda ids: None

    def chosen(self) -> DrawnFaces:
        """The selected faces, as of now: a callback must not trust what an earlier run saw."""
        return self.shown.only(selection(self.grid, self.shown.ids))

    def wanted(self) -> DrawnFaces:
        """The selected faces, or all when none is selected."""
        chosen = self.chosen()
        return self.every if self.every is not None and not chosen.ids else chosen


CSS = """
<style>
/* The bar stays in view while its faces scroll by. */
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-naming-"]) {
  position: sticky; top: 3.6rem; z-index: 20; margin: -.5rem; padding: .5rem; border-radius: .9rem;
  background: color-mix(in srgb, var(--surface) 85%, transparent); backdrop-filter: blur(18px); }
[class*="st-key-naming-"] > .stElementContainer:first-child { flex: 1 1 16rem; min-width: 12rem; }
</style>
"""


def naming(
    target: Target,
    *,
    key: str,
    suggestions: Sequence[str] = (),
    placeholder: str = "Who is this? Type or choose a name",
    focus: bool = False,
    more: Callable[[int], None] | None = None,
    flags: Sequence[Flag] = (Flag.STRANGER, Flag.NOT_A_FACE),
) -> None:
    """Draw the box and its buttons; nothing for who may only look.

    suggestions: names that are one click away. more: draws further buttons; it gets the size of the selection.
    flags: as what faces can be set aside.
    """
    if not may(Role.EDITOR):
        return
    chosen, people = len(target.chosen().ids), library().people.all()
    st.html(CSS)
    with st.container(horizontal=True, vertical_alignment="top", gap="xsmall", key=f"naming-{key}"):
        name_box.name_box(
            people_address(people),
            key=key,
            label="Name these faces",
            placeholder=placeholder,
            focus=focus,
            on_enter=lambda text: _name(target, key, text, everyone=not target.chosen().ids),
        )
        _name_buttons(target, key, chosen)
        if more is not None:
            more(chosen)
        _flag_buttons(target, chosen, flags)
    if suggestions:
        known = {person.name: person for person in people}
        _suggest(target, key, [known[name] for name in suggestions if name in known], chosen)


def _name_buttons(target: Target, key: str, chosen: int) -> None:
    total = len(target.every.ids) if target.every is not None else 0
    if target.every is not None:
        st.button(
            f"Name all {total:,}" if total != 1 else "Name this face",
            type="secondary" if chosen else "primary",
            key=f"{key}-all",
            on_click=_name_typed,
            args=(target, key, True),
        )
    if target.shown.ids and (target.every is None or total > 1):
        st.button(
            f"Name {chosen:,} selected" if chosen else "Name selected",
            type="primary" if chosen or target.every is None else "secondary",
            disabled=not chosen,
            key=f"{key}-selected",
            on_click=_name_typed,
            args=(target, key, False),
        )


FLAG_BUTTONS = {
    Flag.STRANGER: ("Ignore", "visibility_off", "Set {} aside; you won't be asked again"),
    Flag.NOT_A_FACE: ("Not a face", "block", "Mark {} as not a face"),
    Flag.HIDDEN: ("Hide", "visibility_off", "Hide {}; names are kept"),
}


def _flag_buttons(target: Target, chosen: int, flags: Sequence[Flag]) -> None:
    disabled = not chosen and target.every is None
    for flag in flags:
        label, icon, hint = FLAG_BUTTONS[flag]
        st.button(
            label,
            icon=f":material/{icon}:",
            type="tertiary",
            help=hint.format(_whom(chosen)),
            disabled=disabled,
            key=f"{target.grid}-{flag.value}",
            on_click=set_aside,
            args=(target, flag),
        )


def _whom(chosen: int) -> str:
    if not chosen:
        return "all these faces"
    return "the selected face" if chosen == 1 else f"the {chosen:,} selected faces"


def _suggest(target: Target, key: str, people: Sequence[PersonView], chosen: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"suggest-{key}"):
        st.markdown(":gray[Already in this group:]", width="content")
        for person in people:
            name = person.name
            st.button(
                escaped_markdown(name),
                icon=":material/person_add:",
                help=f"Name {_whom(chosen)} {escaped_markdown(name)}",
                key=f"{key}-as-{name}",
                on_click=_name_quick,
                args=(target, key, person.id),
            )


# --- the acts -----------------------------------------------------------------------------------------------
@guarded
def _name_typed(target: Target, key: str, everyone: bool) -> None:
    _name(target, key, name_box.typed(key), everyone=everyone)


@guarded
def _name_quick(target: Target, key: str, person: int) -> None:
    name = library().people.get(person).name  # by now, perhaps, another one: a name must not make a second person
    _name(target, key, name, everyone=not target.chosen().ids)


@guarded
def _name(target: Target, key: str, text: str, *, everyone: bool) -> None:
    drawn = target.every if everyone and target.every is not None else target.chosen()
    ids = drawn.ids
    try:
        if not ids:
            raise BadInput("Select the faces first.")
        once = not _insists(key, text, ids)
        offer_undo(library().people.name_faces(ids, text, once=once, drawn=drawn))
    except TwiceOnPhoto as error:
        st.session_state[f"{key}-twice"] = (text, ids)
        name_box.blame(key, text, in_words(error))
        return
    except (InvalidName, BadInput) as error:
        name_box.blame(key, text, in_words(error))
        return
    name_box.clear(key, focus=True)
    target.then(ids)


def _insists(key: str, text: str, ids: Ids) -> bool:
    """Whether the same name for the same faces was just refused because somebody would be on one photo twice."""
    return bool(st.session_state.pop(f"{key}-twice", None) == (text, ids))


@guarded
def set_aside(target: Target, flag: Flag) -> None:
    """Flag the selected faces, or all when none is selected."""
    drawn = target.wanted()
    offer_undo(library().faces.flag(drawn.ids, flag, drawn=drawn))
    target.then(drawn.ids)
