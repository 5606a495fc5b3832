"""The page Name faces: one question at a time, the most useful first, answered with a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from faceid_core import frame_path
from faceid_core.errors import BadInput, InvalidName, NotFound, OutOfDate, TwiceOnPhoto
from faceid_core.review.place import Place
from faceid_core.review.queue import NAMING, Kind
from faceid_core.steps.key_bindings import change_key, keys_of
from faceid_core.steps.next_question import AskedNow, NextQuestion, next_question
from faceid_core.steps.open_questions import OpenQuestions
from faceid_core.steps.reply import Given, Reply, give
from webapp.components.face_grid import describe
from webapp.components.question_card import Shown, question_card
from webapp.context import library, who
from webapp.feedback import guarded, show_toasts, toast
from webapp.markup import escaped_markdown, face_url, photo_url
from webapp.parts import question_words as words
from webapp.parts.blank import blank, nothing_found
from webapp.parts.dialog import is_open
from webapp.parts.job_progress import job_progress
from webapp.parts.queue_place import place
from webapp.parts.regroup import not_grouped
from webapp.parts.undo import offer_undo, undo_bar, undo_event
from webapp.people_list import people_address
from webapp.wording import count, long_date

if TYPE_CHECKING:
    from faceid_core.library import FaceView, PersonView

PHOTO_PX, BESIDE, AHEAD = 900, 8, 2
LOOK_AGAIN_SECONDS = 1.0
_TURN, _ASKED, _ERROR, _TWICE = "queue-turn", "queue-asked", "queue-error", "queue-twice"


def page() -> None:
    st.title("Name faces")
    job_progress("cluster", "import")
    first = _coming()
    unfinished = first[0].asked is None or bool(first[0].found and first[0].found.left)
    st.fragment(_queue, run_every=LOOK_AGAIN_SECONDS if unfinished else None)(unfinished, [first])


def _coming() -> tuple[NextQuestion, list[PersonView]]:
    people = library().people.all()
    return next_question(library(), place(), people), people


def _queue(unfinished: bool, first: list[tuple[NextQuestion, list[PersonView]]]) -> None:
    """The question as a fragment: an answer redraws nothing else. unfinished: it keeps looking for more questions
    by itself; first: what the page has already found, used only the first time."""
    coming, people = first.pop() if first else _coming()
    if unfinished and coming.asked is not None and not (coming.found and coming.found.left) and not is_open():
        st.rerun()
    if coming.found is not None and coming.found.left:
        total = coming.found.left + max(coming.found.faces - coming.found.left, 0)
        done = 1 - coming.found.left / max(total, 1)
        st.progress(done, text=f":gray[Comparing faces: {coming.found.left:,} left]")
    if coming.asked is not None:
        _ask(coming.asked, coming.found, people)
    else:
        _nothing(coming)
    undo_bar()
    show_toasts()  # the frame, which shows them elsewhere, isn't drawn after an answer


def _nothing(coming: NextQuestion) -> None:
    if not library().counts().faces:
        nothing_found()
    elif library().clusters.current() is None:
        not_grouped()
    elif coming.found is None:
        st.progress(0.0, text=":gray[Comparing faces]")
        return
    elif coming.skipped:
        again = ("Ask them again", place().start_over)
        text = f"{count(coming.skipped, 'question')} skipped."
        blank("That's all, apart from the questions you skipped", text, icon="skip_next", button=again)
    else:
        blank("No open questions", "New photos and new names bring new questions.", icon="task_alt")
    if place().done:
        _back_button()


def _back_button() -> None:
    """The way back from the end, by the same key as from a question."""
    key = keys_of(library().settings, who().name)["undo"]
    shortcut = key if key in "ABDEFGHIJKLMNOPQSTUVWXYZ" else None  # those that Streamlit takes
    st.button(
        "Undo the last answer", icon=":material/undo:", type="tertiary", key="queue-back", shortcut=shortcut,
        on_click=guarded(_undo),
    )  # fmt: skip


def _ask(asked: AskedNow, found: OpenQuestions | None, people: Sequence[PersonView]) -> None:
    question = asked.question
    st.session_state[_ASKED] = asked
    mine = keys_of(library().settings, who().name)
    error = _error(question.key)
    state = (question.key, error, tuple(asked.every.ids), tuple(mine.values()))
    if st.session_state.get("queue-state") != state:
        st.session_state["queue-state"] = state
        st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    many = len(asked.faces) > 1 and question.kind in (*NAMING, Kind.TWICE)
    apart = many and question.kind is Kind.SINGLES
    shown = Shown(
        question=question.key,
        title=words.title(asked),
        reason=words.reason(asked),
        place=_left(found),
        faces=[_face(face) | ({"whole": _photo(face)} if apart else {}) for face in asked.faces],
        photo=_photo(asked.faces[0]) if question.kind is not Kind.MOMENT else None,
        beside=_beside(asked),
        answers=words.answers(asked, mine),
        people=people_address(people),
        selectable=many,
        preselected=not apart,
        naming=question.kind in (*NAMING, Kind.WRONG, Kind.GROUPS),
        error=error,
        next=_ahead(found, place(), question.key),
        keys=words.keys(mine),
    )
    question_card(shown, key="question", turn=st.session_state[_TURN], on_answer=_answered, on_key=_key_chosen)


def _error(question: str) -> str:
    """What was wrong with the last answer, if that was to this question. Otherwise, for instance when another tab
    has answered it meanwhile, it is shown beside the next question, whose name box it doesn't concern."""
    key, text = st.session_state.get(_ERROR, ("", ""))
    if not text or key == question:
        return str(text)
    st.session_state.pop(_ERROR)
    toast(escaped_markdown(text), icon=":material/error:")
    return ""


def _left(found: OpenQuestions | None) -> str:
    """Such as "142 faces left · 31 questions", without those that were answered a moment ago."""
    if found is None:
        return ""
    done = {question.key for _, question in place().done if question is not place().back}
    questions = found.total - sum(question.key in done for question in found.questions)
    return f"{count(library().counts().unnamed, 'face')} left · {count(questions, 'question')}"


# --- what is drawn ------------------------------------------------------------------------------------------
def _face(face: FaceView) -> dict[str, Any]:
    return {"id": face.id, "src": face_url(face.id), "title": describe(face), "photo": face.photo_id}


def _photo(face: FaceView) -> dict[str, Any] | None:
    photo = library().photos.get(face.photo_id)
    if not (photo.width and photo.height):
        return None
    taken = f" · {long_date(photo.taken_at)}" if photo.taken_at else ""
    return {
        "src": photo_url(photo.id, PHOTO_PX),
        "caption": Path(frame_path.shown(photo.path)).name + taken,
        "left": 100 * face.box.left / photo.width,
        "top": 100 * face.box.top / photo.height,
        "width": 100 * face.box.width / photo.width,
        "height": 100 * face.box.height / photo.height,
    }


def _beside(asked: AskedNow) -> list[dict[str, Any]]:
    """The faces to compare with: those of the candidate, or of both sides."""
    question = asked.question
    if question.kind is Kind.PEOPLE:
        sides = [asked.people[person] for person in (question.number, *question.others)]
        return [
            {"title": one.name, "faces": _strip(library().faces.of_person(one.id, limit=BESIDE))} for one in sides
        ]
    if question.kind is Kind.GROUPS:
        numbers = (question.number, *question.others)
        found = [library().faces.of_cluster(one, limit=BESIDE, unnamed=True) for one in numbers]
        return [
            {"title": f"Group {one}", "faces": _strip(faces)} for one, faces in zip(numbers, found, strict=True)
        ]
    if question.kind is Kind.MOMENT:
        photos = [
            {"id": one, "src": photo_url(one, 320), "title": ""} for one in (question.number, *question.others)
        ]
        return [{"title": "Photos", "faces": photos[:12]}]
    if asked.person is None:
        return []
    faces = library().faces.get_many(question.because[:BESIDE])
    if len(faces) < BESIDE:
        there = {face.id for face in faces}
        more = library().faces.of_person(asked.person.id, limit=BESIDE)
        faces += [face for face in more if face.id not in there][: BESIDE - len(faces)]
    return [{"title": words.beside_title(asked), "faces": _strip(faces)}]


def _strip(faces: Sequence[FaceView]) -> list[dict[str, Any]]:
    return [_face(face) for face in faces]


def _ahead(found: OpenQuestions | None, here: Place, key: str) -> list[str]:
    """Pictures of the questions that will probably come next."""
    rest = [one for one in here.order(found.questions[:20] if found else ()) if one.key != key][:AHEAD]
    return [face_url(face) for one in rest for face in one.faces[:12]]


@guarded
def _key_chosen(chosen: Mapping[str, Any]) -> None:
    change_key(library().settings, who().name, str(chosen.get("action")), str(chosen.get("key")))


# --- answers ------------------------------------------------------------------------------------------------
@guarded
def _answered(given: Mapping[str, Any]) -> None:
    asked: AskedNow | None = st.session_state.get(_ASKED)
    if asked is None or asked.question.key != given.get("question"):
        return
    st.session_state.pop(_ERROR, None)
    if given["answer"] == "undo":
        _undo()
    elif given["answer"] == "skip":
        place().skip(asked.question)
    else:
        _give(asked, given)


def _undo() -> None:
    if place().done:
        undo_event(place().done[-1][0])
    else:
        toast("Nothing to undo here.", icon=":material/info:")


def _give(asked: AskedNow, given: Mapping[str, Any]) -> None:
    said = (given["answer"], given.get("person"), given.get("name"), tuple(given.get("left_out") or ()))
    wanted = Given(
        Reply(given["answer"]),
        left_out=tuple(int(face) for face in given.get("left_out") or ()),
        person=given.get("person"),
        name=str(given.get("name") or ""),
        twice=st.session_state.pop(_TWICE, None) == (asked.question.key, *said),
    )
    try:
        act = give(library(), asked, wanted)
    except TwiceOnPhoto as error:
        st.session_state[_TWICE] = (asked.question.key, *said)
        st.session_state[_ERROR] = asked.question.key, str(error)
        return
    except (BadInput, InvalidName, NotFound, OutOfDate) as error:
        st.session_state[_ERROR] = asked.question.key, str(error)
        return
    offer_undo(act)
    if act.event is not None:
        place().answered(act.event.id, asked.question)
    else:
        place().skip(asked.question)
