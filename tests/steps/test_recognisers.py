"""Recognisers after the training: compared, corrected by, applied, and when to train again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest

from faceid_core.errors import BadInput, ModelUnusable, NotAllowed, NotFound, NotMeasured, OutOfDate
from faceid_core.library import Library
from faceid_core.recognition import evaluation, model_files
from faceid_core.steps import apply_recogniser, evaluate_recogniser, jobs, train
from faceid_core.steps.activate import activate
from faceid_core.steps.next_to_name import next_to_name
from faceid_core.steps.recognise import load_recogniser
from faceid_core.values import Actor, Guess, JobState, Role
from tests.steps.recognisers import EMBEDDER, fill, photo, trained, vectors_of

pytestmark = pytest.mark.slow


@pytest.fixture
def library(empty: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    return fill(empty, monkeypatch)


# --- which one is in use ------------------------------------------------------------------------------------------
def test_the_one_in_use_recognises_at_its_own_threshold(library: Library) -> None:
    first = trained(library)
    library.people.name_faces([19, 20], "Dee")
    assert trained(library).is_active and len(load_recogniser(library).classes) == 4
    activate(library, first.id)
    library.models.set_threshold(first.id, 0.77)
    found = load_recogniser(library)
    assert len(found.classes) == 3 and found.threshold == 0.77
    library.models.set_threshold(first.id, 0.6)
    assert load_recogniser(library).threshold == 0.6 and found.threshold == 0.77


def test_what_can_not_serve_is_not_activated(library: Library) -> None:
    first, second = trained(library), trained(library)
    (library.settings.models_folder / first.artifact / "model.json").unlink()
    with pytest.raises(ModelUnusable, match="are missing"):
        activate(library, first.id)
    foreign = library.models.add("sface", ["Ada"], {}, 0.5, {}, second.artifact)
    activate(library, second.id)
    assert library.models.latest().id == second.id != foreign


def test_only_owners_activate_and_evaluate(library: Library) -> None:
    model = trained(library)
    edi = library.acting_as(Actor("Edi", Role.EDITOR))
    for act in (lambda: activate(edi, model.id), lambda: evaluate_recogniser.held_out(edi, model)):
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(NotAllowed):
        apply_recogniser.propose(library.acting_as(Actor("Vera", Role.VIEWER)))


# --- how good they are --------------------------------------------------------------------------------------------
def test_answers_are_of_the_librarys_faces(library: Library) -> None:
    model = trained(library)
    held = evaluate_recogniser.held_out(library, model)
    assert held.faces[held.known].tolist() == list(range(1, 19))
    assert set(held.faces[~held.known].tolist()) <= set(range(19, 89)) and (~held.known).sum() >= 50
    found = evaluation.at(held, model.threshold)
    assert (found.tpir, found.fpir) == pytest.approx((model.metrics["tpir"], model.metrics["fpir"]))


def test_who_is_erased_leaves_the_answers(library: Library) -> None:
    model = trained(library)
    held = evaluate_recogniser.held_out(library, model)
    stranger = int(held.faces[~held.known][3])
    library.erasing.faces([stranger])
    after = evaluate_recogniser.held_out(library, library.models.get(model.id))
    assert stranger not in after.faces and len(after) == len(held) - 1
    np.testing.assert_array_equal(after.shares, held.shares[held.faces != stranger])
    assert library.problems() == []
    library.erasing.faces([1])
    assert library.models.all() == [], "it had learned Ada's face"


def test_two_are_compared_on_the_same_faces(library: Library) -> None:
    first = trained(library)
    library.people.name_faces([19, 20], "Dee")
    second = trained(library)
    one, other = evaluate_recogniser.compare(library, [first.id, second.id])
    assert (one.model, other.model) == (first.id, second.id)
    assert one.known == other.known == 18 and one.strangers == other.strangers >= 50
    held = evaluate_recogniser.held_out(library, first)
    both = held[~np.isin(held.faces, [19, 20])]
    assert one.own == evaluation.at(both, first.threshold)
    assert one.strict.fpir is not None and one.strict.fpir <= evaluate_recogniser.STRICT


def test_what_can_not_be_compared(library: Library) -> None:
    model = trained(library)
    with pytest.raises(BadInput, match="two recognisers or more"):
        evaluate_recogniser.compare(library, [model.id, model.id])
    with pytest.raises(NotFound):
        evaluate_recogniser.compare(library, [model.id, 99])


def test_nothing_is_known_of_people_with_a_single_photo(library: Library) -> None:
    for name in ("Ada", "Bo", "Cy"):
        person = library.people.known(name)
        faces = [face.id for face in library.faces.of_person(person.id)]
        library.people.remove_faces(faces[1:], person.id)
    model = trained(library)
    held = evaluate_recogniser.held_out(library, model)
    assert not held.known.any() and evaluation.at(held, 0.5).tpir is None


def test_one_of_before_keeps_no_answers(library: Library) -> None:
    model = trained(library)
    folder = library.settings.models_folder / model.artifact
    before = model_files.write(replace(model_files.read(folder), held_out=None), library.settings.models_folder)
    number = library.models.add(EMBEDDER, model.classes, model.metrics, 0.5, {}, before.name)
    with pytest.raises(NotMeasured, match="Train again to get them"):
        evaluate_recogniser.held_out(library, library.models.get(number))


# --- wrong names --------------------------------------------------------------------------------------------------
@pytest.fixture
def mislabelled(library: Library) -> Library:
    """A seventh face of Ada is called Bo."""
    library.photos.add_many([photo(500, vectors_of([0], 7)[0])])
    library.people.name_faces([89], "Bo")
    return library


def errors(library: Library) -> list[evaluate_recogniser.ConfidentError]:
    model = library.models.latest()
    return evaluate_recogniser.confident_errors(library, model, evaluate_recogniser.held_out(library, model))


def test_a_wrong_name_is_found_and_corrected_in_one_act(mislabelled: Library) -> None:
    trained(mislabelled)
    (found,) = errors(mislabelled)
    assert (found.face.id, found.face.person, found.guess) == (89, "Bo", "Ada") and found.probability > 0.9
    event = evaluate_recogniser.correct(mislabelled, found).event
    assert event is not None and mislabelled.faces.get(89).person == "Ada"
    assert errors(mislabelled) == [], "it is not asked again"
    mislabelled.journal.undo(event.id)
    assert mislabelled.faces.get(89).person == "Bo" and len(errors(mislabelled)) == 1
    evaluate_recogniser.correct(mislabelled, found)
    trained(mislabelled)
    assert errors(mislabelled) == []


def test_a_name_that_is_right_is_learned_from(mislabelled: Library) -> None:
    trained(mislabelled)
    (found,) = errors(mislabelled)
    evaluate_recogniser.keep(mislabelled, found)
    assert mislabelled.faces.get(89).person == "Bo"
    trained(mislabelled)
    assert [error.guess for error in errors(mislabelled) if error.face.id == 89] == []


def test_a_face_that_changed_meanwhile_is_left_alone(mislabelled: Library) -> None:
    trained(mislabelled)
    (found,) = errors(mislabelled)
    mislabelled.people.name_faces([89], "Cy")
    with pytest.raises(OutOfDate):
        evaluate_recogniser.correct(mislabelled, found)
    assert mislabelled.faces.get(89).person == "Cy"


# --- unnamed faces ------------------------------------------------------------------------------------------------
@pytest.fixture
def unnamed(library: Library) -> Library:
    """Trained; then four unnamed faces: 89 and 90 of Ada, on one photo with Bo (91), and 92 of Cy."""
    trained(library)
    rows = vectors_of([0, 0, 1, 2], 9, noise=0.1)
    library.photos.add_many([photo(600, *rows[:3]), photo(601, rows[3])])
    return library


def proposed(library: Library) -> dict[int, str]:
    return {each.face: each.name for each in apply_recogniser.propose(library).found}


def test_unnamed_faces_get_suggestions_nobody_twice_a_photo(unnamed: Library) -> None:
    found = apply_recogniser.propose(unnamed)
    names = {each.face: each.name for each in found.found}
    assert names.pop(91) == "Bo" and names.pop(92) == "Cy"
    assert len({face for face, name in names.items() if name == "Ada" and face in (89, 90)}) == 1
    assert found.of == 74 and all(each.probability >= unnamed.models.latest().threshold for each in found.found)
    assert [each.probability for each in found.found] == sorted((e.probability for e in found.found), reverse=True)
    assert all(each.runner_up is not None and each.runner_up.name != each.name for each in found.found)


def test_what_was_ruled_out_is_not_proposed(unnamed: Library) -> None:
    unnamed.people.reject([92], unnamed.people.known("Cy").id)
    assert 92 not in proposed(unnamed)
    unnamed.people.name_faces([89], "Ada")
    assert proposed(unnamed).get(90) is None, "Ada is on that photo already"


def test_nobody_is_proposed_before_the_birth_or_after_the_death(unnamed: Library) -> None:
    cy = unnamed.people.known("Cy").id
    assert proposed(unnamed)[92] == "Cy"
    unnamed.photos.add_many([replace(photo(601, vectors_of([2], 9)[0]), taken_at=datetime(1990, 6, 1))], again=True)
    assert proposed(unnamed)[92] == "Cy"
    unnamed.people.describe(cy, birth_date=date(1990, 6, 2))
    assert proposed(unnamed).get(92) != "Cy" and (92, cy) in unnamed.gallery.out_of_question([92])
    assert cy in unnamed.gallery.standing().lifetimes.people
    unnamed.people.describe(cy, birth_date=date(1950, 1, 1), death_date=date(1990, 5, 31))
    assert proposed(unnamed).get(92) != "Cy"
    unnamed.people.describe(cy, death_date=date(1990, 6, 1))
    assert proposed(unnamed)[92] == "Cy" and (92, cy) not in unnamed.gallery.out_of_question([92])


def test_many_are_accepted_as_one_event(unnamed: Library) -> None:
    found = apply_recogniser.propose(unnamed)
    chosen = [each for each in found.found if each.face >= 89]
    done = apply_recogniser.accept(unnamed, chosen)
    assert done.number == len(chosen) == 3 and done.event is not None
    assert done.event.summary == "Named 3 faces of 3 people as the recogniser suggested"
    faces = unnamed.faces.get_many([each.face for each in chosen])
    assert [face.person for face in faces] == [each.name for each in chosen]
    assert {face.source for face in faces} == {"accepted"}
    assert not proposed(unnamed).keys() & {each.face for each in chosen}
    unnamed.journal.undo(done.event.id)
    assert all(face.person is None for face in unnamed.faces.get_many([each.face for each in chosen]))
    assert unnamed.problems() == []


def test_none_is_accepted_where_one_changed_meanwhile(unnamed: Library) -> None:
    chosen = apply_recogniser.propose(unnamed).found
    unnamed.people.name_faces([92], "Dee")
    with pytest.raises(OutOfDate):
        apply_recogniser.accept(unnamed, chosen)
    assert unnamed.faces.get(91).person is None


def test_a_precision_decides_how_many(unnamed: Library) -> None:
    found = apply_recogniser.propose(unnamed)
    counts = []
    for precision in (0.5, 0.9, 0.99, 1.0):
        threshold = apply_recogniser.threshold_for(unnamed, found, precision)
        chosen = found.above(threshold)
        counts.append(len(chosen))
        assert not chosen or np.mean([each.probability for each in chosen]) >= precision - 1e-9
    assert counts == sorted(counts, reverse=True) and counts[0] >= 3


def test_what_held_out_faces_show_decides_too(unnamed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they were wrong although sure, a probability is not enough."""
    found = apply_recogniser.propose(unnamed)
    held = evaluate_recogniser.held_out(unnamed, unnamed.models.latest())
    wrong = replace(held, classes=np.where(held.known, (held.classes + 1) % 3, held.classes))
    monkeypatch.setattr(apply_recogniser, "held_out", lambda library, model: wrong)
    assert found.above(apply_recogniser.threshold_for(unnamed, found, 0.9)) == []


def test_who_is_gone_is_proposed_to_nobody(unnamed: Library) -> None:
    unnamed.people.delete(unnamed.people.known("Cy").id)
    assert "Cy" not in proposed(unnamed).values()


# --- imports ------------------------------------------------------------------------------------------------------
def test_an_import_ends_with_suggestions_and_without_names(library: Library) -> None:
    assert grouped(library).get("suggested") is None, "no recogniser yet"
    model = trained(library)
    named = library.counts().named
    rows = vectors_of([0, 2, 2], 9, noise=0.1)
    library.people.describe(library.people.known("Cy").id, death_date=date(1990, 5, 31))
    dated = [replace(photo(602, rows[2]), taken_at=datetime(1990, 6, 1))]
    library.photos.add_many([photo(600, rows[0]), photo(601, rows[1]), *dated])
    assert grouped(library)["suggested"] == 2, "Cy was dead by then"
    assert library.counts().named == named, "suggestions are no names"
    assert grouped(library)["suggested"] == 0, "these are not new any more"
    (library.settings.models_folder / model.artifact / "model.json").unlink()
    assert "clusters" in grouped(library), "a recogniser that can't be used stops no import"


def grouped(library: Library) -> dict[str, Any]:
    """What ends an import in the web app."""
    job = library.jobs.submit("cluster", {"new_only": True})
    jobs.run_pending(library)
    done = library.jobs.get(job.id)
    assert done.state == JobState.DONE, done.error
    return dict(done.result)


# --- what to name next ------------------------------------------------------------------------------------------
def test_who_would_help_most_is_asked_about_until_named(unnamed: Library) -> None:
    rows = vectors_of([50] * 14 + [51] * 10, 11)
    unnamed.photos.add_many([photo(700 + number, row) for number, row in enumerate(rows)])  # faces 93 to 116
    first, second, *others = next_to_name(unnamed, 50)
    assert first.face in range(93, 107) and second.face in range(107, 117) and first.gain > second.gain > 8
    assert not {each.face for each in others} & set(range(89, 117)), "Ada, Bo and Cy are recognised anyway"
    unnamed.people.name_faces([first.face], "Eve")
    (again,) = next_to_name(unnamed, 1)
    assert again.face == second.face, "before another training, too"
    assert again.as_dict() == {"face": second.face, "gain": pytest.approx(again.gain, abs=0.01), "guess": None}


def test_who_it_may_be_is_somebody_who_can_be(unnamed: Library) -> None:
    unnamed.photos.add_many([photo(700, 0.6 * vectors_of([2], 9)[0] + 0.4 * vectors_of([40], 9)[0])])

    def guess() -> Guess | None:
        return next(each.guess for each in next_to_name(unnamed, 100) if each.face == 93)

    found = guess()
    assert found is not None and found.name == "Cy"
    unnamed.people.reject([93], unnamed.people.known("Cy").id)
    assert guess() is None
    with pytest.raises(NotAllowed):
        next_to_name(unnamed.acting_as(Actor("Vera", Role.VIEWER)))


# --- when to train again ------------------------------------------------------------------------------------------
def test_a_new_person_or_many_new_names_are_worth_a_training(library: Library) -> None:
    model = trained(library)
    assert train.changed_since(library, model) == train.Since((), 0, 18)
    library.people.name_faces([19, 20, 21, 22], "Ada")
    since = train.changed_since(library, model)
    assert (since.faces, since.is_much) == (4, False)
    library.people.name_faces([23], "Ada")
    assert train.changed_since(library, model).is_much
    again = trained(library)
    library.people.name_faces([24], "Dee")
    assert train.changed_since(library, again) == train.Since(("Dee",), 1, 23)
    assert train.changed_since(library, again).is_much
