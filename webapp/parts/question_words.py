"""How questions of the queue are put: a title, a reason, and answers with their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from faceid_core.review.queue import Kind
from faceid_core.steps.next_question import AskedNow
from webapp.components.question_card import Answer
from webapp.wording import count, isolated

KEYS = (
    ("yes", "", "Yes"),
    ("no", "", "No"),
    ("skip", "", "Skip: ask later"),
    ("stranger", "", "Unknown person: don’t ask again"),
    ("not_a_face", "", "Not a face"),
    ("", "0–9", "The person, or the face, with this number"),
    ("", "Enter", "Type a name; Enter takes the first match"),
    ("", "Shift + Enter", "Add a new person with the typed name; somebody else’s gets a number"),
    ("undo", "", "Undo and go back (also Ctrl + Z)"),
    ("", "?", "Show or hide the keys"),
)
"""(the answer whose key each user may choose, a fixed key, what it does); the answer or the key is empty."""


def keys(mine: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """KEYS with the ones that a user has chosen. mine: answer -> key."""
    return [(action, mine[action] if action else key, text) for action, key, text in KEYS]


def title(asked: AskedNow) -> str:
    """The question."""
    question, name = asked.question, asked.person.name if asked.person else ""
    many = len(asked.every.ids) > 1
    text = f"Who is this? {question.size:,} faces" if many else "Who is this?"
    match question.kind:
        case Kind.GROUP | Kind.PERSON | Kind.FACE if name:
            text = f"Are these {question.size:,} faces {name}?" if many else f"Is this {name}?"
        case Kind.SINGLES if many:
            text = "Do you know anyone here?"
        case Kind.WRONG:
            text = f"Is this really {name}?"
        case Kind.TWICE:
            text = f"Is {name} in this photo {'twice' if question.size == 2 else f'{question.size} times'}?"
        case Kind.PEOPLE:
            one, other = (asked.people[person].name for person in (question.number, question.others[0]))
            text = f"Are {one} and {other} the same person?"
        case Kind.GROUPS:
            text = "Do these two groups show the same person?"
        case Kind.MOMENT:
            text = f"Do these {len(question.others) + 1} photos show the same moment?"
    return text


def reason(asked: AskedNow) -> str:
    """Why it is asked, or what to do."""
    question, text = asked.question, ""
    match question.kind:
        case Kind.GROUP if len(asked.faces) < question.size:
            text = f"The {len(asked.faces)} clearest faces of the group. Deselect any that don’t belong."
        case Kind.GROUP if question.size > 1:
            text = "Deselect any that don’t belong."
        case Kind.PERSON:
            right = round(question.chance * question.size)
            text = (
                f"About {right} of {question.size} are likely to be right. Deselect the ones that aren’t: “Yes” "
                "applies to the selected faces and “No” to the rest."
            )
        case Kind.SINGLES if question.size > 1:
            text = "Choose all the faces of one person and type a name. The rest stay for the next name."
        case Kind.FACE if asked.person:
            text = f"About {100 * question.chance:.0f}% likely. Distance {question.distance:.2f}."
        case Kind.WRONG:
            nearer = f" {asked.runners_up[0].name} is closer." if asked.runners_up else ""
            text = f"Even the closest faces with this name are {question.distance:.2f} away.{nearer}"
        case Kind.TWICE:
            text = "For example in a mirror or collage? If not, deselect the wrong face and choose “No”."
        case Kind.PEOPLE:
            text = f"Their faces are {question.distance:.2f} apart on average, and no photo shows both."
        case Kind.GROUPS:
            faces = count(question.size, "face")
            text = f"{faces}, {question.distance:.2f} apart on average. If so, give them a name."
        case Kind.MOMENT:
            faces = count(question.size, "unnamed face")
            text = (
                f"The first photo shows everyone in the others. “Yes” hides {faces} in the others. "
                "Photos and names stay."
            )
    return text


def answers(asked: AskedNow, mine: Mapping[str, str]) -> list[Answer]:
    """The buttons, the likeliest first. mine: answer -> its key."""
    question = asked.question
    skip = Answer("skip", "Skip", (mine["skip"],), "quiet", hint="Ask later")
    yes, no = Answer("yes", "Yes", (mine["yes"],), "primary"), Answer("no", "No", (mine["no"],))
    if question.kind is Kind.GROUPS:
        return [replace(no, kind="primary"), skip]
    if question.kind in (Kind.PEOPLE, Kind.TWICE, Kind.MOMENT):
        return [yes, no, skip]
    known = [yes, no] if asked.person else []
    others = [
        Answer("person", person.name, (str(number),), person=person.id, hint=f"This is {person.name}")
        for number, person in enumerate(asked.runners_up[:9], 1)
    ]
    if question.kind is Kind.WRONG:
        return [*known, *others, skip]
    nobody = "I don’t know anyone here" if question.kind is Kind.SINGLES and question.size > 1 else "Unknown person"
    ignored = "Ignore; you won’t be asked again"
    return [
        *known,
        *others,
        Answer("stranger", nobody, (mine["stranger"],), hint=ignored, chosen="Unknown person"),
        Answer("not_a_face", "Not a face", (mine["not_a_face"],)),
        skip,
    ]


def beside_title(asked: AskedNow) -> str:
    """What the candidate's faces are called."""
    person = asked.person
    return f"{isolated(person.name)} · {count(person.faces, 'face')}" if person else ""
