"""Suggestions, one kind at a time: who somebody may be, who may be one person, which names may be wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.library import DrawnFaces
from faceid_core.review.label_errors import Doubt
from faceid_core.review.merge_candidates import Pair
from faceid_core.steps import answer, ask
from faceid_core.steps.ask import Questions, Twice, suggestions
from faceid_core.values import Flag
from webapp.components.face_grid import Note, face_grid, selection
from webapp.context import library
from webapp.feedback import guarded
from webapp.markup import escaped_markdown
from webapp.parts.blank import blank
from webapp.parts.naming import Target, naming
from webapp.parts.photo_dialog import show_photo
from webapp.parts.undo import offer_undo
from webapp.review.person_strip import asked_about, compared_with
from webapp.review.same_moment import same_moment
from webapp.review.who_is_it import suggested
from webapp.wording import count

if TYPE_CHECKING:
    from faceid_core.library import FaceView, PersonView, RunView

WHO, ONE, WRONG, TWICE = "Who is it?", "One person?", "Wrong name?", "Twice in a photo?"
MOMENT = "Same moment?"
SAMPLE = 18
SHOWN, BECAUSE = 120, 12


def questions(run: RunView) -> None:
    """Ask about the faces as they were grouped in this run."""
    with st.spinner("Comparing faces", show_time=False):
        asked, who = ask.questions(library()), suggestions(library())
    kind = st.segmented_control(
        "Kind of suggestion", [WHO, ONE, WRONG, TWICE, MOMENT], default=WHO, required=True, key="question-kind",
        label_visibility="collapsed",
    )  # fmt: skip
    st.caption(_open_questions(asked, len(who)))
    people = {person.id: person for person in library().people.all()}
    if kind == WHO:
        suggested()
    elif kind == MOMENT:
        same_moment(asked.duplicates, _place(MOMENT, len(asked.duplicates)), partial(_skip, MOMENT))
    else:
        shown: dict[str, Callable[[Questions, dict[int, PersonView]], None]]
        shown = {ONE: partial(_one, run), WRONG: _wrong, TWICE: _twice}
        shown[kind](asked, people)


def _open_questions(asked: Questions, who: int) -> str:
    """Such as "12 faces may be someone you named · 1 name may be wrong"."""
    pairs = len(asked.groups) + len(asked.people)
    parts = (
        (who, f"{count(who, 'face')} may be someone you named"),
        (pairs, f"{count(pairs, 'pair')} may be one person"),
        (len(asked.doubts), f"{count(len(asked.doubts), 'name')} may be wrong"),
        (len(asked.twice), f"{count(len(asked.twice), 'photo')} with someone twice"),
        (len(asked.duplicates), f"{count(len(asked.duplicates), 'moment')} in several photos"),
    )
    return " · ".join(text for number, text in parts if number) or "No open questions."


def _place(kind: str, total: int) -> int:
    return int(st.session_state.get(f"question-{kind}", 0)) % max(total, 1)


def _skip(kind: str) -> None:
    st.button(
        "Skip", icon=":material/skip_next:", type="tertiary", key=f"{kind}-skip", on_click=_later, args=(kind,)
    )


def _later(kind: str) -> None:
    st.session_state[f"question-{kind}"] = int(st.session_state.get(f"question-{kind}", 0)) + 1


# --- may these be one person? -------------------------------------------------------------------------------
def _one(run: RunView, asked: Questions, people: dict[int, PersonView]) -> None:
    pairs = [*asked.people, *asked.groups]
    if not pairs:
        blank("No duplicates found", "Groups and people that may be the same person appear here.", icon="task_alt")
        return
    place = _place(ONE, len(pairs))
    pair = pairs[place]
    with st.container(border=True, key="card-one"):
        if place < len(asked.people):
            _two_people(pair, people[pair.one], people[pair.other], f"{place + 1:,} of {len(pairs):,}")
        else:
            _two_groups(run, pair, f"{place + 1:,} of {len(pairs):,}")


def _two_people(pair: Pair, one: PersonView, other: PersonView, place: str) -> None:
    keep, gone = (one, other) if one.faces >= other.faces else (other, one)
    first, second = escaped_markdown(keep.name), escaped_markdown(gone.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Are {first} and {second} the same person? :gray[:small[{place}]]", anchor=False)
        st.space("stretch")
        st.button(
            f"Yes, all are {first}", type="primary", icon=":material/merge:", key="one-yes", on_click=_merge,
            args=(keep, gone), help=f"Merges {second} into {first}; you can undo this",
        )  # fmt: skip
        ends = DrawnFaces({pair.typical[0]: (pair.one, Flag.NONE), pair.typical[1]: (pair.other, Flag.NONE)})
        _no(pair, f"“{keep.name}” and “{gone.name}”", ends)
        _skip(ONE)
    st.caption(_why(pair))
    found = [library().faces.of_person(person.id, limit=SAMPLE) for person in (keep, gone)]
    _side_by_side([(keep.name, keep.faces, found[0]), (gone.name, gone.faces, found[1])])


def _two_groups(run: RunView, pair: Pair, place: str) -> None:
    groups = [library().clusters.get(number) for number in (pair.one, pair.other)]
    found = [library().faces.of_cluster(group.number, limit=SAMPLE, unnamed=True) for group in groups]
    target = Target(
        grid=f"one-{pair.one}-{pair.other}",
        shown=DrawnFaces({}),
        every=library().clusters.faces_as_drawn(run.id, pair.one, pair.other),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Do these two groups show the same person? :gray[:small[{place}]]", anchor=False)
        st.space("stretch")
        _no(pair, f"groups {pair.one} and {pair.other}", replace(DrawnFaces.alike(pair.typical), run=run.id))
        _skip(ONE)
    st.caption(_why(pair))
    naming(target, key="one-name", placeholder="Yes? Type or choose a name")
    shown = [(f"Group {group.number}", group.unnamed, faces) for group, faces in zip(groups, found, strict=True)]
    _side_by_side(shown)


def _side_by_side(sides: Sequence[tuple[str, int, Sequence[FaceView]]]) -> None:
    for column, (title, faces, shown) in zip(st.columns(len(sides), gap="medium"), sides, strict=True):
        with column:
            st.markdown(f"**{escaped_markdown(title)}** :gray[:small[{count(faces, 'face')}]]")
            face_grid(
                shown,
                key=f"side-{title}",
                label=title,
                selectable=False,
                names=False,
                tile="5rem",
                on_open=show_photo,
            )


def _why(pair: Pair) -> str:
    return (
        f"Their faces are {pair.distance:.2f} apart on average, as close as faces of one person. "
        "They share no photo."
    )


def _no(pair: Pair, whom: str, ends: DrawnFaces) -> None:
    st.button(
        "No, different people", icon=":material/close:", key="one-no", on_click=_tell_apart,
        args=(pair, whom, ends), help="They stay apart, and you won't be asked again",
    )  # fmt: skip


@guarded
def _merge(keep: PersonView, gone: PersonView) -> None:
    offer_undo(library().people.merge(keep.id, [gone.id], drawn=(keep, gone)))


@guarded
def _tell_apart(pair: Pair, whom: str, ends: DrawnFaces) -> None:
    offer_undo(answer.not_one_person(library(), pair, whom, drawn=ends))


# --- is this name wrong? ------------------------------------------------------------------------------------
def _wrong(asked: Questions, people: dict[int, PersonView]) -> None:
    doubted: dict[int, list[Doubt]] = {}
    for doubt in asked.doubts:
        doubted.setdefault(doubt.person, []).append(doubt)
    if not doubted:
        blank(
            "No name looks wrong",
            "Faces that differ from others with the same name appear here.",
            icon="task_alt",
        )
        return
    numbers = {person: len(found) for person, found in doubted.items()}
    current = asked_about(numbers, people, key="doubted", what="doubtful face", alone=False)
    with st.container(border=True, key="card-wrong"):
        _doubts(people[current], doubted[current][:SHOWN], people)


def _doubts(person: PersonView, doubted: Sequence[Doubt], people: dict[int, PersonView]) -> None:
    ids, name = [doubt.face for doubt in doubted], escaped_markdown(person.name)
    key = f"doubted-{person.id}-{hash(tuple(ids))}"
    chosen = selection(key, ids) if key in st.session_state else ids
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Are these really {name}?" if len(ids) > 1 else f"Is this really {name}?", anchor=False)
        st.space("stretch")
        _answers(person, [d for d in doubted if d.face in set(chosen)], doubted, people)
    st.caption(_reason(name, doubted, people))
    notes = {doubt.face: _note(doubt, person, people) for doubt in doubted}
    face_grid(library().faces.get_many(ids), key=key, label=f"Faces that may not be {person.name}", names=False,
              preselected=ids, notes=notes, on_open=show_photo)  # fmt: skip
    because, label = (face for doubt in doubted for face in doubt.because), f"Faces of {person.name}"
    compared_with(because, person, at_most=BECAUSE, key="doubted-because", label=label)


def _answers(
    person: PersonView, chosen: Sequence[Doubt], doubted: Sequence[Doubt], people: dict[int, PersonView]
) -> None:
    """Wrong are the selected faces, right the others, or all where no difference is made."""
    name = escaped_markdown(person.name)
    ids = [doubt.face for doubt in chosen]
    rest = [doubt for doubt in doubted if doubt.face not in set(ids)] or list(doubted)
    likelier = {doubt.likelier for doubt in chosen}
    other = people.get(next(iter(likelier)) or 0) if len(likelier) == 1 else None
    if other is not None:
        st.button(
            f"No, {escaped_markdown(other.name)}", type="primary", icon=":material/swap_horiz:", key="wrong-other",
            on_click=_rename, args=(ids, other.id, person.id), help=f"Gives {count(len(ids), 'face')} this name",
        )  # fmt: skip
    st.button(
        f"Not {name}", type="secondary" if other else "primary", icon=":material/person_cancel:", key="wrong-no",
        disabled=not ids, on_click=_remove, args=(ids, person.id),
        help=f"Removes the name from {count(len(ids), 'selected face')} and remembers it",
    )  # fmt: skip
    st.button(
        _all_right(name, len(rest), len(doubted)), key="wrong-right",
        icon=":material/check:", on_click=_agree, args=(rest, person),
        help="You won't be asked again",
    )  # fmt: skip


def _all_right(name: str, right: int, doubted: int) -> str:
    if right < doubted:
        return f"The other {right:,} {'is' if right == 1 else 'are'} correct"
    return "All are correct" if doubted > 1 else f"Yes, {name}"


def _note(doubt: Doubt, person: PersonView, people: dict[int, PersonView]) -> Note:
    nearer = people.get(doubt.likelier or 0)
    rather = f"; {nearer.name} is closer, at {doubt.likelier_distance:.2f}" if nearer else ""
    return Note(f"{doubt.distance:.2f}", f"{doubt.distance:.2f} from the closest faces of {person.name}{rather}.")


def _reason(name: str, doubted: Sequence[Doubt], people: dict[int, PersonView]) -> str:
    first = doubted[0]
    nearer = people.get(first.likelier or 0)
    than = f" {escaped_markdown(nearer.name)} is closer, at {first.likelier_distance:.2f}." if nearer else ""
    if len(doubted) == 1:
        return f"It is {first.distance:.2f} from even the closest faces of {name}.{than}"
    return (
        f"The first is {first.distance:.2f} from even the closest faces of {name}.{than} "
        f"Deselect the faces that are {name} after all."
    )


@guarded
def _rename(ids: list[int], other: int, person: int) -> None:
    drawn = DrawnFaces.alike(ids, person)
    offer_undo(library().people.give_faces(ids, other, drawn=drawn))


@guarded
def _remove(ids: list[int], person: int) -> None:
    offer_undo(library().people.remove_faces(ids, person))


@guarded
def _agree(doubted: list[Doubt], person: PersonView) -> None:
    faces = [face for doubt in doubted for face in (doubt.face, doubt.because[0])]
    drawn = DrawnFaces.alike(faces, person.id)
    offer_undo(answer.name_is_right(library(), doubted, person.name, drawn=drawn))


# --- twice on one photo -------------------------------------------------------------------------------------
def _twice(asked: Questions, people: dict[int, PersonView]) -> None:
    if not asked.twice:
        blank(
            "No one is in a photo twice",
            "Photos in which two faces have the same name appear here.",
            icon="task_alt",
        )
        return
    place = _place(TWICE, len(asked.twice))
    twice = asked.twice[place]
    person, key = people[twice.person], f"twice-{twice.photo}-{twice.person}"
    name = escaped_markdown(person.name)
    chosen = selection(key, twice.faces)
    with st.container(border=True, key="card-twice"):
        with st.container(horizontal=True, vertical_alignment="center"):
            where = f":gray[:small[{place + 1:,} of {len(asked.twice):,}]]"
            st.subheader(f"{name} is in one photo {twice.times} {where}", anchor=False)
            st.space("stretch")
            st.button(
                f"Not {name}", type="primary", icon=":material/person_cancel:", key="twice-no", disabled=not chosen,
                on_click=_remove, args=(chosen, person.id),
                help="Removes the name from the selected face and remembers it",
            )  # fmt: skip
            st.button(
                "All are correct", icon=":material/check:", key="twice-right", on_click=_agree_twice,
                args=(twice, person.name), help="As in a mirror or a collage. You won't be asked again",
            )  # fmt: skip
            _skip(TWICE)
        st.caption(f"Select the face that is not {name}. Click the corner of a face to open the photo.")
        face_grid(
            library().faces.get_many(twice.faces),
            key=key,
            label=f"Faces of {person.name}",
            names=False,
            on_open=show_photo,
        )


@guarded
def _agree_twice(twice: Twice, name: str) -> None:
    drawn = DrawnFaces.alike(twice.faces, twice.person)
    offer_undo(answer.both_are_right(library(), twice, name, drawn=drawn))
