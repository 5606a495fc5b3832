"""Back and More over a listing that is paged by key."""

from __future__ import annotations

import streamlit as st


class Pager:
    """Remembers, in the session, after which key each page starts, up to the one shown."""

    def __init__(self, key: str) -> None:
        self._key = f"pager-{key}"
        self._after: list[int | None] = st.session_state.setdefault(self._key, [None])

    @property
    def after(self) -> int | None:
        """Where the shown page starts: after this key."""
        return self._after[-1]

    @property
    def has_earlier(self) -> bool:
        return len(self._after) > 1

    def first(self) -> None:
        self._after[:] = [None]

    def back(self) -> None:
        if self.has_earlier:
            self._after.pop()

    def forward(self, last: int) -> None:
        """Go on after `last`, the last key of the shown page."""
        self._after.append(last)

    def buttons(self, *, last: int, has_more: bool) -> None:
        """Back and More, where there is something to go to."""
        if not has_more and not self.has_earlier:
            return
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(
                "Back",
                icon=":material/chevron_left:",
                key=f"{self._key}-back",
                disabled=not self.has_earlier,
                on_click=self.back,
            )
            st.button(
                "More",
                icon=":material/chevron_right:",
                icon_position="right",
                key=f"{self._key}-more",
                disabled=not has_more,
                on_click=self.forward,
                args=(last,),
            )
