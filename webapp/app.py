"""The Streamlit script: style, navigation and the error boundary around every page."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from faceid_core.values import Actor, Role
from webapp.components.account import account
from webapp.context import came_by, signed_in, who
from webapp.feedback import boundary, show_toasts
from webapp.theme import CSS, ICON, LOGO

PAGES: dict[str, dict[str, tuple[str, str]]] = {
    "": {"home": ("Home", "home")},
    "Your photos": {
        "photos": ("Photos", "photo_library"),
        "clusters": ("Faces", "grid_view"),
        "map": ("Map", "scatter_plot"),
        "people": ("People", "groups"),
    },
    "Recogniser": {"train": ("Train", "model_training"), "recognise": ("Recognise", "frame_person")},
    "Library": {"history": ("History", "history"), "users": ("Users", "manage_accounts")},
}
"""Section -> module in webapp.app_pages (also the address) -> title and Material icon."""


FOR_OWNERS = frozenset({"users"})


def _runner(module: str) -> Callable[[], None]:
    """Imported when the page is opened: a page that can't be imported takes no other page down."""

    def run() -> None:
        with boundary():
            importlib.import_module(f"webapp.app_pages.{module}").page()

    return run


def _page(module: str, title: str, icon: str) -> StreamlitPage:
    return st.Page(
        _runner(module), title=title, icon=f":material/{icon}:", url_path=module, default=module == "home"
    )


def main() -> None:
    st.set_page_config(page_title="faceid", page_icon=ICON, layout="wide")
    st.logo(LOGO, size="large", icon_image=ICON)
    st.html(CSS)
    with boundary():
        _signed_in(who())


def _signed_in(actor: Actor) -> None:
    """The navigation that the role allows, who is signed in, and the page."""
    hidden = frozenset() if actor.role is Role.OWNER else FOR_OWNERS
    pages = {
        section: {module: page for module, page in modules.items() if module not in hidden}
        for section, modules in PAGES.items()
    }
    by_module = {module: _page(module, *page) for modules in pages.values() for module, page in modules.items()}
    st.session_state["_pages"] = by_module
    current = st.navigation({section: [by_module[m] for m in modules] for section, modules in pages.items()})
    if signed_in() is not None:
        with st.sidebar:
            account(actor.name, can_sign_out=came_by() == "session")
    show_toasts()
    current.run()
    show_toasts()


if __name__ == "__main__":
    main()
