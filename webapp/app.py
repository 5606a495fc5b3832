"""The Streamlit script: style, navigation and the error boundary around every page."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from webapp.feedback import boundary, show_toasts
from webapp.theme import CSS, ICON, LOGO

PAGES: dict[str, dict[str, tuple[str, str]]] = {
    "": {"home": ("Home", "home")},
    "Your photos": {
        "photos": ("Photos", "photo_library"),
        "name_faces": ("Name faces", "how_to_reg"),
        "clusters": ("Faces", "grid_view"),
        "map": ("Map", "scatter_plot"),
        "people": ("People", "groups"),
    },
    "Recogniser": {"train": ("Train", "model_training"), "recognise": ("Recognise", "frame_person")},
    "Library": {"history": ("History", "history")},
}
"""Section -> module in webapp.app_pages (also the address) -> title and Material icon."""


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
    by_module = {module: _page(module, *page) for modules in PAGES.values() for module, page in modules.items()}
    st.session_state["_pages"] = by_module
    current = st.navigation({section: [by_module[m] for m in modules] for section, modules in PAGES.items()})
    show_toasts()
    current.run()
    show_toasts()


if __name__ == "__main__":
    main()
