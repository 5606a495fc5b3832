"""The history: everything that was decided, taken back alone or with all after it, and done again."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest

from faceid_core.library import Library
from tests.webapp.conftest import EMBEDDER, OpenPage, texts


def _click(page: AppTest, key: str) -> AppTest:
    page = page.button(key=key).click().run()
    assert not page.exception
    return page


def test_an_empty_history_says_what_to_do(library: Library, open_page: OpenPage) -> None:
    assert "No decisions yet" in texts(open_page("history"))


def test_decisions_and_groupings_are_listed_by_day_with_their_actor(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1, 3], "Ada")
    ids = filled.faces.vectors(EMBEDDER).ids
    filled.clusters.save_run("any", {}, EMBEDDER, ids, np.arange(6) % 2 + 1)
    shown = texts(open_page("history"))
    assert "Today" in shown
    assert "Grouped 6 faces into 2 groups" in shown
    assert "just now · owner" in shown


def test_undo_and_redo_of_one_decision(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1, 3], "Ada")
    event = filled.journal.recent(1)[0].id
    page = _click(open_page("history"), f"undo-{event}")
    assert filled.people.find("Ada") is None
    page = _click(page, f"redo-{event}")
    assert filled.people.known("Ada").faces == 2
    assert "Redone" in texts(page)


def test_back_to_here_asks_takes_back_and_goes_forward_again(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1, 3], "Ada")
    first = filled.journal.recent(1)[0].id
    filled.people.name_faces([2], "Bo")
    filled.people.rename(1, "Ada Lovelace")
    page = _click(open_page("history"), f"back-{first}")
    assert "**2 decisions** made after" in texts(page)
    assert filled.people.find("Bo") is not None
    page = _click(page, "back-yes")
    assert "2 decisions undone" in texts(page)
    assert [person.name for person in filled.people.all()] == ["Ada"]
    page = _click(page, "forward")
    assert [person.name for person in filled.people.all()] == ["Ada Lovelace", "Bo"]
    assert not [button for button in page.button if button.key == "forward"]


def test_what_stands_in_the_way_is_said(filled: Library, open_page: OpenPage) -> None:
    filled.people.name_faces([1, 3], "Ada")
    first = filled.journal.recent(1)[0].id
    filled.people.name_faces([5], "Ada")
    page = _click(open_page("history"), f"undo-{first}")
    assert "Named 1 face “Ada”” depends on this one" in texts(page)
    assert filled.people.known("Ada").faces == 3
