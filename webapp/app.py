"""The Streamlit script: style, navigation and the error boundary around every page."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from faceid_core.values import Actor, Role
from webapp.components.account import account
from webapp.components.announcer import announcer
from webapp.context import came_by, library, signed_in, who
from webapp.feedback import announced, boundary, show_toasts
from webapp.parts import dialog
from webapp.parts.photo_dialog import show_addressed, tidy_address
from webapp.theme import CSS, ICON, LOGO

PAGES: dict[str, dict[str, tuple[str, str]]] = {
    "": {"home": ("Home", "home")},
    "Your photos": {
        "photos": ("Photos", "photo_library"),
        "name_faces": ("Name faces", "how_to_reg"),
        "clusters": ("Faces", "grid_view"),
        "map": ("Map", "scatter_plot"),
        "people": ("People", "groups"),
        "statistics": ("Statistics", "monitoring"),
    },
    "Recogniser": {
        "train": ("Train", "model_training"),
        "evaluation": ("Evaluation", "query_stats"),
        "recognise": ("Recognise", "frame_person"),
    },
    "Library": {
        "history": ("History", "history"),
        "export": ("Export", "drive_folder_upload"),
        "backups": ("Backups", "backup"),
        "sharing": ("Sharing", "share"),
        "users": ("Users", "manage_accounts"),
        "workers": ("Workers", "memory"),
    },
}
"""Section -> module in webapp.app_pages (also the address) -> title and Material icon."""

NEEDS = {
    "name_faces": Role.EDITOR,
    "clusters": Role.EDITOR,
    "train": Role.OWNER,
    "evaluation": Role.OWNER,
    "history": Role.EDITOR,
    "backups": Role.OWNER,
    "export": Role.OWNER,
    "sharing": Role.OWNER,
    "users": Role.OWNER,
    "workers": Role.OWNER,
}
"""Who may open a page; those that are not here are for everybody."""


def _runner(module: str, title: str) -> Callable[[], None]:
    """Imported when the page is opened: a page that can't be imported takes no other page down."""

    def run() -> None:
        with boundary():
            if not _is_for(who(), module):
                st.title(title)
            who().require(needed(module))
            importlib.import_module(f"webapp.app_pages.{module}").page()

    return run


def needed(module: str) -> Role:
    """The role that it takes to open a page."""
    return NEEDS.get(module, Role.VIEWER)


def _is_for(actor: Actor, module: str) -> bool:
    return actor.role.includes(needed(module))


def _page(module: str, title: str, icon: str, *, hidden: bool = False) -> StreamlitPage:
    return st.Page(
        _runner(module, title), title=title, icon=f":material/{icon}:", url_path=module, default=module == "home",
        visibility="hidden" if hidden else "visible",
    )  # fmt: skip


def main() -> None:
    st.set_page_config(page_title="faceid", page_icon=ICON, layout="wide")
    st.logo(LOGO, size="large", icon_image=ICON)
    st.html(CSS)
    dialog.closed()
    with boundary():
        _signed_in(who())


def _signed_in(actor: Actor) -> None:
    """The navigation that the role allows, who is signed in, and the page."""
    pages = {
        section: {module: _page(module, *page) for module, page in modules.items() if _is_for(actor, module)}
        for section, modules in PAGES.items()
    }
    st.session_state["_pages"] = {module: page for modules in pages.values() for module, page in modules.items()}
    sections = {section: list(modules.values()) for section, modules in pages.items() if modules}
    # Whoever types the address of another page is told which role it takes, and not that there is no such page.
    others = [(module, *page) for modules in PAGES.values() for module, page in modules.items()]
    next(iter(sections.values())).extend(
        _page(*other, hidden=True) for other in others if not _is_for(actor, other[0])
    )
    current = st.navigation(sections, expanded=True)  # else it folds away what comes after twelve pages
    if signed_in() is not None:
        with st.sidebar:
            account(actor.name, can_sign_out=came_by() == "session")
    show_toasts()
    with boundary():
        _say_read_only()
    current.run()
    with boundary():
        show_addressed()
        tidy_address()
    show_toasts()
    announcer(*announced())
    if signed_in() is None:
        account("", can_sign_out=False)  # below the page, where it takes no room


def _say_read_only() -> None:
    if sentence := library().read_only:
        st.warning(sentence, icon=":material/lock:")


if __name__ == "__main__":
    main()
