"""The page Name faces once nothing is asked any more."""

from __future__ import annotations

import numpy as np

from faceid_core.library import Library
from faceid_core.review.queue import Kind, Question
from faceid_core.steps import open_questions
from faceid_core.steps.keep_questions import Keeper
from faceid_core.steps.key_bindings import change_key
from faceid_core.steps.open_questions import OpenQuestions
from tests.webapp.conftest import EMBEDDER, OpenPage, texts
from webapp.context import who
from webapp.parts.queue_place import place


def test_the_last_answer_is_taken_back_by_a_button_with_the_same_key(filled: Library, open_page: OpenPage) -> None:
    ids = filled.faces.vectors(EMBEDDER).ids
    filled.clusters.save_run("test", {}, EMBEDDER, ids, np.arange(6) % 2 + 1)
    filled.people.name_faces(ids[::2].tolist(), "Ada")
    act = filled.people.name_faces(ids[1::2].tolist(), "Bo")
    Keeper(filled).catch_up(wait=True)
    assert act.event is not None
    place().answered(act.event.id, Question(Kind.GROUP, "group-1", (1,)))
    change_key(filled.settings, who().name, "undo", "B")
    page = open_page("name_faces")
    assert "No open questions" in texts(page)
    (button,) = [one for one in page.button if one.label == "Undo the last answer"]
    assert button.proto.shortcut == "b"
    page = button.click().run()
    assert filled.people.find("Bo") is None and "Undone: Named" in texts(page)


def test_what_was_undone_elsewhere_is_no_way_back_of_any_button(filled: Library, open_page: OpenPage) -> None:
    act = filled.people.name_faces([1], "Ada")
    assert act.event is not None
    question = Question(Kind.GROUP, "group-1", (1,))
    place().answered(act.event.id, question)
    page = open_page("home")
    filled.journal.undo(act.event.id)
    page = page.button(key=f"undo-{act.event.id}").click().run()
    assert not place().done and place().back is question
    assert "undone" in texts(page).lower()


def test_without_faces_the_page_leads_to_the_import(library: Library, open_page: OpenPage) -> None:
    open_questions.write(library, OpenQuestions())  # as the worker does while there is nothing to ask about
    page = open_page("name_faces")
    assert "No faces yet" in texts(page) and "No questions" not in texts(page)


def test_faces_in_no_groups_are_to_be_grouped_first(filled: Library, open_page: OpenPage) -> None:
    open_questions.write(filled, OpenQuestions())
    page = open_page("name_faces")
    assert "not grouped yet" in texts(page) and "No questions" not in texts(page)
    page.button(key="blank-button").click().run()
    assert [job.kind for job in filled.jobs.active()] == ["cluster"]


def test_what_was_wrong_with_an_answer_is_not_said_of_the_next_question(
    filled: Library, open_page: OpenPage
) -> None:
    filled.clusters.save_run("test", {}, EMBEDDER, filled.faces.vectors(EMBEDDER).ids, np.arange(6) % 2 + 1)
    Keeper(filled).catch_up(wait=True)
    page = open_page("name_faces")
    page.session_state["queue-error"] = ("another question", "This page was *out of date*.")
    page = page.run()
    assert [toast.value for toast in page.toast] == ["This page was \\*out of date\\*."]
    assert "queue-error" not in page.session_state
    asked = page.session_state["queue-asked"].question.key
    page.session_state["queue-error"] = (asked, "Say who it is.")
    page = page.run()
    assert not page.toast and page.session_state["queue-error"][1] == "Say who it is."
