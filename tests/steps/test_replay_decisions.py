"""Decisions in a portable file: written, read, matched to the faces of another library, and nothing lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from faceid_core.cli.main import main
from faceid_core.errors import DecisionsUnusable, PathNotFound, UnknownChoice
from faceid_core.geometry import SAME_FACE_IOU
from faceid_core.library import ConsentView, FaceBox, FaceDecision, Library
from faceid_core.library.store.tables import Person
from faceid_core.settings import Settings
from faceid_core.steps import replay_decisions
from faceid_core.steps.replay_decisions import match
from faceid_core.values import Box, ConsentState, DetectedFace, Flag, LabelSource, NewFace, NewPhoto, Presence
from tests.library.conftest import new_face, new_photo

FORMS = pytest.mark.parametrize("suffix", [".json", ".parquet"])


def photo_with(name: str, boxes: list[Box], detector: str = "mmod") -> NewPhoto:
    faces = tuple(
        NewFace(DetectedFace(box, 0.9, np.zeros((5, 2), np.float32)), face.quality, face.crop, face.vector)
        for box in boxes
        for face in [new_face()]
    )
    return replace(new_photo(name), sha256=f"{name:0>64}", faces=faces, detector=detector)


BOXES = [Box(100.0 * n, 50, 100.0 * n + 60, 120) for n in range(4)]


def looser(box: Box, by: float = 8) -> Box:
    """As another detector frames the same face."""
    return Box(box.left - by, box.top - by - 4, box.right + by, box.bottom + by)


def opened(folder: Path, photos: list[NewPhoto]) -> Library:
    library = Library.open(Settings(library=folder))
    library.photos.add_many(photos)
    return library


@pytest.fixture
def decided(tmp_path: Path) -> Library:
    """Faces 1-4 on photo a, 5-8 on photo b: every kind of decision about them."""
    library = opened(tmp_path / "first", [photo_with("a", BOXES), photo_with("b", BOXES)])
    anna = library.people.name_faces([1, 5], "Anna").person_id
    library.people.name_faces([2], "Bø", source=LabelSource.ACCEPTED)
    library.people.reject([2, 3], anna)
    library.faces.flag([3], Flag.STRANGER)
    library.faces.flag([4], Flag.NOT_A_FACE)
    library.people.set_cover(anna, 5)
    with library._database.write() as session:
        person = session.get(Person, anna)
        assert person is not None
        person.birth_date, person.hidden = date(2001, 2, 3), True
    return library


def said(library: Library) -> list[object]:
    """What was decided, without ids, detector's boxes and the program's own guesses."""
    faces = [
        (face.photo, face.person, face.source if face.person else None, face.flag, face.not_people, face.cover_of)
        for face in library.decisions.faces()
    ]
    return [library.decisions.people(), sorted(faces, key=repr)]


@pytest.mark.slow
@FORMS
def test_another_detector_gets_the_same_decisions(decided: Library, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"mine{suffix}"
    held = replay_decisions.export(decided, file)
    assert (len(held.people), len(held.faces)) == (2, 5)
    assert replay_decisions.read(file) == held
    boxes = [looser(box) for box in reversed(BOXES)]
    second = opened(tmp_path / "second", [photo_with("b", boxes, "hog"), photo_with("a", boxes, "hog")])
    done = replay_decisions.replay(second, file)
    assert (done.taken, done.disagreeing, done.without_photo, done.without_face, done.rest) == (5, 0, 0, 0, None)
    assert said(second) == said(decided)
    assert second.problems() == []
    [event] = second.journal.recent()
    assert event.kind == "replay"
    second.journal.undo()
    assert second.people.all() == []
    assert list(second.decisions.faces()) == []
    assert second.problems() == []


def test_a_second_replay_changes_nothing(decided: Library, tmp_path: Path) -> None:
    replay_decisions.export(decided, tmp_path / "mine.json")
    before, events = said(decided), decided.journal.recent()
    done = replay_decisions.replay(decided, tmp_path / "mine.json")
    assert (done.taken, done.disagreeing) == (5, 0)
    assert (said(decided), decided.journal.recent()) == (before, events)


@FORMS
def test_what_finds_no_face_is_kept_for_later(decided: Library, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"mine{suffix}"
    replay_decisions.export(decided, file)
    second = opened(tmp_path / "second", [photo_with("a", BOXES[:3])])
    done = replay_decisions.replay(second, file)
    assert (done.taken, done.without_photo, done.without_face) == (3, 1, 1)
    assert done.rest == tmp_path / f"mine.rest{suffix}"
    second.photos.add_many([photo_with("b", BOXES)])
    again = replay_decisions.replay(second, done.rest, rest=tmp_path / "last.json")
    assert (again.taken, again.without_photo, again.without_face) == (1, 0, 1)
    [lost] = replay_decisions.read(tmp_path / "last.json").faces
    assert (lost.flag, lost.box) == ("not_a_face", BOXES[3])
    assert second.people.get(1).faces == 2


def test_what_was_decided_here_already_stays(decided: Library, tmp_path: Path) -> None:
    replay_decisions.export(decided, tmp_path / "mine.json")
    second = opened(tmp_path / "second", [photo_with("a", BOXES), photo_with("b", BOXES)])
    second.people.name_faces([1], "Zoe")
    second.faces.flag([3], Flag.HIDDEN)
    second.people.name_faces([2], "anna")
    done = replay_decisions.replay(second, tmp_path / "mine.json")
    assert (done.taken, done.disagreeing) == (2, 3)
    named = {face.id: (face.person, face.flag.value) for face in second.faces.get_many(range(1, 9))}
    assert [named[face] for face in (1, 2, 3, 4, 5)] == [
        ("Zoe", "none"), ("anna", "none"), (None, "hidden"), (None, "not_a_face"), ("anna", "none"),
    ]  # fmt: skip
    assert second.problems() == []


def test_people_without_a_face_come_along_as_one_decision(tmp_path: Path) -> None:
    first = opened(tmp_path / "first", [photo_with("a", BOXES)])
    first.people.name_faces([1], "Anna")
    first.people.name_faces([1], "Bob")
    replay_decisions.export(first, tmp_path / "mine.json")
    second = opened(tmp_path / "second", [photo_with("other", BOXES)])
    replay_decisions.replay(second, tmp_path / "mine.json")
    assert [person.name for person in second.people.all()] == ["Anna"]  # Bob waits with his face in the rest
    second.journal.undo()
    assert second.people.all() == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"\xff\xfe", b'{"format": "faceid-decisions", "version": 2, "people": [], "faces": []}',
     b'{"format": "faceid-decisions", "version": 1, "people": [], "faces": [{"photo": "a"}]}'],
)  # fmt: skip
@FORMS
def test_a_file_that_is_none_is_one_sentence(tmp_path: Path, content: bytes, suffix: str) -> None:
    (tmp_path / f"bad{suffix}").write_bytes(content)
    with pytest.raises(DecisionsUnusable) as caught:
        replay_decisions.read(tmp_path / f"bad{suffix}")
    assert "\n" not in str(caught.value)


@FORMS
def test_missing_files_and_folders(decided: Library, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DecisionsUnusable, match="no file"):
        replay_decisions.read(tmp_path / f"none{suffix}")
    with pytest.raises(PathNotFound):
        replay_decisions.export(decided, tmp_path / "nowhere" / f"mine{suffix}")
    with pytest.raises(UnknownChoice, match="parquet"):
        replay_decisions.export(decided, tmp_path / "mine.xml")


COORDINATE = st.integers(0, 300)
SIDES = st.integers(1, 120)
ANY_BOX = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), COORDINATE, COORDINATE, SIDES, SIDES)


@given(wanted=st.lists(ANY_BOX, max_size=6), here=st.lists(ANY_BOX, max_size=6))
def test_matching_uses_each_face_once_and_loses_nothing(wanted: list[Box], here: list[Box]) -> None:
    faces = [FaceDecision("p", "/p", box) for box in wanted]
    known = [FaceBox(number, box) for number, box in enumerate(here)]
    matched, lost = match(faces, {"p": known})
    assert len(matched) + len(lost) == len(faces)
    assert len({face for face, _ in matched}) == len(matched)
    assert all(here[face].iou(said.box) >= SAME_FACE_IOU for face, said in matched)
    left = [box for number, box in enumerate(here) if number not in {face for face, _ in matched}]
    assert all(box.iou(said.box) < SAME_FACE_IOU for said in lost for box in left)


def test_on_the_command_line(decided: Library, tmp_path: Path) -> None:
    def run(library: str, *arguments: str) -> str:
        done = CliRunner().invoke(main, ["--library", str(tmp_path / library), *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    file = tmp_path / "mine.json"
    assert "5 faces and 2 people" in run("first", "decisions", "export", str(file))
    opened(tmp_path / "second", [photo_with("a", BOXES)]).close()
    told = run("second", "decisions", "replay", str(file))
    assert "4 faces" in told
    assert "mine.rest.json" in told
    assert json.loads((tmp_path / "mine.rest.json").read_text())["faces"][0]["person"] == "Anna"


def told(library: Library) -> list[list[tuple[int, ...]]]:
    return [list(map(tuple, library.pair_constraints.all(same=same).tolist())) for same in (False, True)]


@pytest.mark.slow
@FORMS
def test_what_was_said_of_two_faces_comes_along(tmp_path: Path, suffix: str) -> None:
    with opened(tmp_path / "first", [photo_with("a", BOXES), photo_with("b", BOXES)]) as first:
        first.pair_constraints.say([(1, 5), (2, 6), (1, 7)], same=False, summary="Two people")
        first.pair_constraints.say([(3, 7)], same=True, summary="One person")
        replay_decisions.export(first, tmp_path / f"all{suffix}")
    loose = [looser(box) for box in BOXES]
    with opened(tmp_path / "second", [photo_with("b", loose, "hog")]) as second:
        report = replay_decisions.replay(second, tmp_path / f"all{suffix}")
        assert told(second) == [[], []] and report.rest is not None  # one face of each pair is not here yet
        second.photos.add_many([photo_with("a", loose, "hog")])
        assert replay_decisions.replay(second, report.rest).rest is None
        assert told(second) == [[(1, 5), (2, 6), (3, 5)], [(3, 7)]]
        second.pair_constraints.say([(1, 5)], same=True, summary="One person after all")
        replay_decisions.replay(second, tmp_path / f"all{suffix}")
        assert told(second) == [[(2, 6), (3, 5)], [(1, 5), (3, 7)]]  # what was decided here stays
        assert second.problems() == []


def test_a_file_of_before_there_were_pairs_is_read(decided: Library, tmp_path: Path) -> None:
    replay_decisions.export(decided, tmp_path / "all.json")
    document = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    del document["pairs"]
    (tmp_path / "old.json").write_text(json.dumps(document), encoding="utf-8")
    assert replay_decisions.read(tmp_path / "old.json") == replay_decisions.read(tmp_path / "all.json")


@FORMS
def test_a_wrong_entry_is_refused_before_anything_is_imported(
    decided: Library, tmp_path: Path, suffix: str
) -> None:
    """Fault 18, and a face of somebody who is not among the people, which was a KeyError."""
    second = opened(tmp_path / "second", [photo_with("a", BOXES)])
    held = replay_decisions.export(decided, tmp_path / "mine.json")
    without = replay_decisions.Decided(held.people[1:], held.faces, held.pairs)
    replay_decisions.write(without, tmp_path / f"without{suffix}")
    with pytest.raises(DecisionsUnusable, match="face 1, person: nobody among the file's people is called Anna"):
        replay_decisions.replay(second, tmp_path / f"without{suffix}")
    document = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    document["faces"][-1]["flag"] = None
    (tmp_path / "mine.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DecisionsUnusable, match="face 5, flag: it should be 'none'"):
        replay_decisions.replay(second, tmp_path / "mine.json")
    assert (second.people.all(), list(second.decisions.faces()), second.journal.recent()) == ([], [], [])
    assert list(tmp_path.glob("*.rest*")) == []


def test_names_in_a_file_are_cleaned_and_one_person_in_any_case(decided: Library, tmp_path: Path) -> None:
    held = replay_decisions.export(decided, tmp_path / "mine.json")
    text = (tmp_path / "mine.json").read_text(encoding="utf-8")
    document = json.loads(text.replace('"person": "Anna"', '"person": "anna"'))
    document["people"][0]["name"] = " Anna\t"
    document["faces"][0]["not"] = []
    (tmp_path / "other.json").write_text(json.dumps(document), encoding="utf-8")
    assert replay_decisions.read(tmp_path / "other.json") == held
    document["people"][0]["name"] = "\t"
    (tmp_path / "other.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DecisionsUnusable, match="person 1, name: it is empty"):
        replay_decisions.read(tmp_path / "other.json")


# --- consent ----------------------------------------------------------------------------------------------------
@pytest.mark.slow
@FORMS
def test_consent_comes_along(decided: Library, tmp_path: Path, suffix: str) -> None:
    form = ConsentView(ConsentState.GIVEN, "form 12", date(2026, 3, 1), date(2999, 3, 1))
    anna, bo = (decided.people.known(name).id for name in ("Anna", "Bø"))
    decided.consents.set(anna, form.state, basis=form.basis, given_on=form.given_on, until=form.until)
    decided.consents.set(bo, ConsentState.REFUSED, basis="letter")
    replay_decisions.export(decided, tmp_path / f"all{suffix}")
    with opened(tmp_path / "second", [photo_with("a", BOXES), photo_with("b", BOXES)]) as other:
        replay_decisions.replay(other, tmp_path / f"all{suffix}")
        assert other.decisions.people() == decided.decisions.people()
        assert other.people.known("Anna").consent == form and other.people.known("Bø").withheld
        assert 2 not in other.faces.vectors("test").ids and 1 in other.faces.vectors("test").ids
        assert other.problems() == []
        other.journal.undo()
        assert other.people.all() == [] and len(other.journal.recent()) == 1


@pytest.mark.parametrize(("here", "there", "holds"), [
    ("given", "refused", "refused"), ("refused", "given", "refused"), ("given", "given", "given"),
    ("unknown", "given", "given"), ("given", "unknown", "given"), ("refused", "refused", "refused"),
])  # fmt: skip
def test_of_two_consents_the_stricter_holds_else_the_one_here(
    decided: Library, tmp_path: Path, here: str, there: str, holds: str
) -> None:
    anna = decided.people.known("Anna").id
    decided.consents.set(anna, ConsentState(there), basis="there")
    replay_decisions.export(decided, tmp_path / "all.json")
    decided.consents.set(anna, ConsentState(here), basis="here")
    replay_decisions.replay(decided, tmp_path / "all.json")
    consent = decided.people.known("Anna").consent
    assert consent.state == holds
    assert consent.basis == ("here" if here == holds else "there")


def test_a_death_date_and_a_favourite_travel(decided: Library, tmp_path: Path) -> None:
    anna = decided.people.known("Anna").id
    decided.people.describe(anna, death_date=date(2020, 1, 1), favourite=True)
    replay_decisions.export(decided, tmp_path / "all.json")
    decided.people.describe(anna, death_date=None, favourite=False)
    replay_decisions.replay(decided, tmp_path / "all.json")
    known = decided.people.get(anna)
    assert (known.death_date, known.favourite) == (date(2020, 1, 1), True)
    decided.people.describe(anna, death_date=date(2021, 1, 1))
    replay_decisions.replay(decided, tmp_path / "all.json")
    assert decided.people.get(anna).death_date == date(2021, 1, 1), "what is known here stays"


@FORMS
def test_what_was_said_of_photos_travels(decided: Library, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"mine{suffix}"
    decided.tags.add_person([1, 2], "Cy", Presence.BEHIND)
    decided.tags.add([2], "Sea")
    replay_decisions.export(decided, file)
    second = opened(tmp_path / "second", [photo_with("a", BOXES)])
    second.tags.add_person([1], "Cy", Presence.UNSEEN)
    done = replay_decisions.replay(second, file)
    [cy] = second.tags.people_on(1)
    assert cy.presence is Presence.UNSEEN, "what was said here stays"
    assert done.rest is not None
    second.photos.add_many([photo_with("b", BOXES)])
    replay_decisions.replay(second, done.rest)
    assert [who.name for who in second.tags.people_on(2)] == ["Cy"] and second.tags.of(2) == ["Sea"]
    assert second.problems() == []
    second.journal.undo()
    assert second.tags.of(2) == []


def test_a_file_without_consent_is_as_it_was(decided: Library, tmp_path: Path) -> None:
    replay_decisions.export(decided, tmp_path / "all.json")
    assert all(
        set(entry) == {"name", "birth_date", "hidden"}
        for entry in json.loads((tmp_path / "all.json").read_text())["people"]
    )
