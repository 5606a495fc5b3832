"""How the questions of the page Name faces are worded."""

from __future__ import annotations

import pytest

from faceid_core.library import DrawnFaces, PersonView
from faceid_core.review.queue import Kind, Question
from faceid_core.steps.next_question import AskedNow
from webapp.parts import question_words as words

PEOPLE = {number: PersonView(number, name, 3, 3, None) for number, name in ((1, "Ada"), (2, "Bo"))}


def asked(kind: Kind) -> AskedNow:
    """About three faces, who may be Ada, or two people, groups or photos."""
    question = Question(kind, kind.value, (7, 8, 9), 3, person=1, number=1, others=(2,), distance=0.42, chance=0.9)
    return AskedNow(question, (), DrawnFaces.alike((7, 8, 9)), PEOPLE)


def test_two_people_who_may_be_one() -> None:
    assert words.title(asked(Kind.PEOPLE)) == "Are Ada and Bo the same person?"
    assert words.reason(asked(Kind.PEOPLE)) == "Their faces are 0.42 apart on average, and no photo shows both."


def test_photos_of_one_moment() -> None:
    assert words.title(asked(Kind.MOMENT)) == "Do these 2 photos show the same moment?"
    assert words.reason(asked(Kind.MOMENT)) == (
        "The first photo shows everyone in the others. “Yes” hides 3 unnamed faces in the others. "
        "Photos and names stay."
    )


@pytest.mark.parametrize("kind", Kind)
def test_every_question_is_whole_sentences(kind: Kind) -> None:
    assert words.title(asked(kind)).endswith("?")
    assert words.reason(asked(kind))[-1:] in {".", "”"}
    assert "{" not in words.title(asked(kind)) + words.reason(asked(kind))
