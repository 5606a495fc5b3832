"""After every action: one line that says what was done, with an Undo button.

>>> offer_undo(library().people.name_faces(ids, "Ada"))     # doctest: +SKIP

The page ends with `undo_bar()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from webapp.context import library
from webapp.feedback import announce, guarded, toast
from webapp.markup import escaped_markdown
from webapp.parts.queue_place import place
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import Act

_OFFER = "_undo_offer"
SECONDS = 12

CSS = f"""
<style>
[class*="st-key-undo-bar"] {{ position: fixed; z-index: 999; left: 50%; bottom: 1.5rem; width: max-content;
  transform: translateX(-50%); max-width: min(36rem, calc(100vw - 2rem)); padding: .35rem .5rem .35rem 1.1rem;
  border-radius: .9rem; background: #17312e; color: #f2f7f6; box-shadow: 0 .6rem 2rem rgb(0 0 0 / 28%);
  align-items: center; flex-wrap: nowrap; animation: undo-bar {SECONDS}s forwards; }}
[class*="st-key-undo-bar"]:hover, [class*="st-key-undo-bar"]:focus-within {{ animation-play-state: paused; }}
[class*="st-key-undo-bar"] :is(p, button, span) {{ color: inherit; }}
[class*="st-key-undo-bar"] [class*="st-key-undo-act"] button p {{ color: #5eead4; font-weight: 600; }}
[class*="st-key-undo-bar"] button {{ white-space: nowrap; }}
/* Where a page has no room beside its content, the bar lies over the header, where nothing is to be pressed. */
@media (max-width: 640px) {{
  [class*="st-key-undo-bar"] {{ z-index: 999998; top: .3rem; bottom: auto; left: auto; right: .5rem;
    transform: none; max-width: calc(100vw - 7rem); padding: .1rem .3rem .1rem .8rem; gap: .4rem; }}
  [class*="st-key-undo-bar"] p {{ font-size: .85rem; line-height: 1.25; max-height: 2.5em; overflow: hidden; }}
}}
@keyframes undo-bar {{ 0% {{ opacity: 0; translate: 0 .75rem; }} 2%, 94% {{ opacity: 1; translate: 0 0; }}
  100% {{ opacity: 0; visibility: hidden; }} }}
</style>
"""


def offer_undo(act: Act) -> None:
    """Offer this act, and no other one, for undoing; one that changed nothing, or left faces alone, says so."""
    left = getattr(act, "left", 0)
    if act.event is not None:
        st.session_state[_OFFER] = (act.event.id, act.event.summary)
        announce(act.event.summary)
    if left:
        toast(f"{count(left, 'face')} left alone: changed in the meantime.", icon=":material/info:")
    elif act.event is None:
        toast("Nothing to change.", icon=":material/info:")


def undo_bar(place: str = "page") -> None:
    """What was done last in this session, with a button that takes it back; it leaves by itself. place: tells a bar
    in a dialog from the page's."""
    offer = st.session_state.get(_OFFER)
    if offer is None:
        return
    event_id, summary = offer
    st.html(CSS)
    with st.container(horizontal=True, key=f"undo-bar-{place}-{event_id}", vertical_alignment="center"):
        st.markdown(escaped_markdown(summary), width="content")
        with st.container(key=f"undo-act-{place}-{event_id}", width="content"):
            st.button("Undo", type="tertiary", key=f"bar-undo-{place}-{event_id}", on_click=undo, args=(event_id,))


def undo_event(event_id: int) -> str:
    """Undo one decision, wherever it was made, and lead the queue of questions back to its question. Returns what
    was said. Raises as `Journal.undo` does; then, too, the queue has no way back to it: somebody else undid it."""
    withdraw()
    try:
        undone = library().journal.undo(event_id)
    finally:
        place().undone(event_id)
    toast(f"Undone: {escaped_markdown(undone.summary)}", icon=":material/undo:")
    return f"Undone: {undone.summary}"


undo = guarded(undo_event)
"""The same for a button."""


@guarded
def redo(event_id: int) -> None:
    """Redo an undone decision."""
    withdraw()
    redone = library().journal.redo(event_id)
    toast(f"Redone: {escaped_markdown(redone.summary)}", icon=":material/redo:")


def withdraw() -> None:
    """Withdraw the offer to undo."""
    st.session_state.pop(_OFFER, None)
