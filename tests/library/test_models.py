"""The recognisers of a library: which one is in use, thresholds, notes, and how they go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faceid_core.errors import BadInput, NoModel, NotFound
from faceid_core.library import Library
from faceid_core.library.store import model_cohorts
from tests.library.conftest import EMBEDDER, new_photo


@pytest.fixture
def library(empty: Library) -> Library:
    """Three recognisers of Bo and Cy, each with a folder; the third is the newest."""
    empty.photos.add_many([new_photo(f"/{number}.jpg") for number in range(4)])
    empty.people.name_faces([1, 2], "Bo")
    empty.people.name_faces([3], "Cy")
    for number in range(3):
        train(empty, f"made-{number}")
    return empty


def train(library: Library, artifact: str, *, classes: tuple[str, ...] = ("Bo", "Cy")) -> int:
    (library.settings.models_folder / artifact).mkdir(parents=True)
    return library.models.add(EMBEDDER, list(classes), {"threshold": 0.5}, 0.5, {}, artifact)


def folders(library: Library) -> set[str]:
    return {folder.name for folder in library.settings.models_folder.iterdir()}


def active(library: Library) -> int:
    (found,) = [model.id for model in library.models.all() if model.is_active]
    assert library.models.latest().id == found and library.models.get(found).is_active
    return found


def test_the_newest_is_in_use(library: Library) -> None:
    assert active(library) == 3
    assert train(library, "new") == 4 and active(library) == 4


def test_one_before_is_activated_and_a_new_training_replaces_it(library: Library) -> None:
    library.models.activate(1)
    assert active(library) == 1
    train(library, "new")
    assert active(library) == 4


def test_activation_is_undone_and_redone(library: Library) -> None:
    event = library.models.activate(1).event
    assert event is not None and (event.kind, event.summary) == ("activate", "Activated recogniser 1")
    library.journal.undo(event.id)
    assert active(library) == 3
    library.journal.redo(event.id)
    assert active(library) == 1
    assert library.problems() == []


def test_to_activate_the_one_in_use_is_no_act(library: Library) -> None:
    assert library.models.activate(3).event is None


def test_undoing_an_older_activation_leaves_the_newer_one(library: Library) -> None:
    first, second = library.models.activate(1).event, library.models.activate(2).event
    assert first is not None and second is not None
    library.journal.undo(first.id)
    assert active(library) == 2
    library.journal.undo(second.id)
    assert active(library) == 3


def test_a_training_after_an_activation_stays_in_use_when_that_is_undone(library: Library) -> None:
    event = library.models.activate(1).event
    assert event is not None
    train(library, "new")
    library.journal.undo(event.id)
    assert active(library) == 4


def test_the_threshold_is_an_act_and_what_was_measured_stays(library: Library) -> None:
    event = library.models.set_threshold(2, 0.75).event
    model = library.models.get(2)
    assert event is not None and event.summary == "Set the threshold of recogniser 2 to 0.750"
    assert (model.threshold, model.metrics["threshold"]) == (0.75, 0.5)
    library.journal.undo(event.id)
    assert library.models.get(2).threshold == 0.5
    assert library.models.set_threshold(2, 0.5).event is None


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, float("nan")])
def test_a_threshold_is_a_probability(library: Library, threshold: float) -> None:
    with pytest.raises(BadInput, match="between 0 and 1"):
        library.models.set_threshold(1, threshold)


def test_notes_are_kept(library: Library) -> None:
    assert library.models.note(1, " before the wedding \n").notes == "before the wedding"
    assert [model.notes for model in library.models.all()] == ["", "", "before the wedding"]
    with pytest.raises(BadInput, match="shorten"):
        library.models.note(1, "a" * 2001)


def test_a_deleted_one_goes_with_its_files_and_the_one_before_is_in_use(library: Library) -> None:
    library.models.activate(1)
    library.models.delete(1)
    assert [model.id for model in library.models.all()] == [3, 2] and active(library) == 3
    assert folders(library) == {"made-1", "made-2"}
    newest = library.journal.recent(1)[0]
    assert (newest.summary, newest.final) == ("Deleted recogniser 1", True)
    assert library.problems() == []


def test_what_was_decided_of_a_deleted_one_can_not_come_back(library: Library) -> None:
    event = library.models.activate(1).event
    assert event is not None
    library.models.delete(1)
    with pytest.raises(BadInput, match="That recogniser was deleted; choose another one"):
        library.journal.undo(event.id)


def test_the_number_of_a_deleted_one_is_not_used_again(library: Library) -> None:
    library.models.delete(3)
    assert train(library, "new") == 4


def test_the_last_one_can_be_deleted(library: Library) -> None:
    for number in (1, 2, 3):
        library.models.delete(number)
    with pytest.raises(NoModel):
        library.models.latest()


ACTS: list[Callable[[Library], object]] = [
    lambda library: library.models.activate(9),
    lambda library: library.models.set_threshold(9, 0.5),
    lambda library: library.models.note(9, ""),
    lambda library: library.models.delete(9),
    lambda library: library.models.get(9),
]


@pytest.mark.parametrize("act", ACTS)
def test_one_that_is_not_there(library: Library, act: Callable[[Library], object]) -> None:
    with pytest.raises(NotFound, match="There is no recogniser 9; choose another one"):
        act(library)


def test_who_is_erased_goes_from_the_notes_of_others(library: Library) -> None:
    """A recogniser that knows them goes as a whole; the notes of another one may name them, too."""
    kept = train(library, "without-bo", classes=("Cy",))
    library.models.note(kept, "Cy alone: when Bo was in it, too many were “Bo”. Bobby is another.")
    library.models.activate(1)
    library.erasing.person(library.people.known("Bo").id)
    (model,) = library.models.all()
    assert model.id == kept and model.is_active
    assert model.notes == (
        "Cy alone: when somebody erased was in it, too many were “somebody erased”. Bobby is another."
    )
    assert library.problems() == []


def test_trimming_keeps_who_is_in_use(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new folder for the same recogniser changes neither its place nor its threshold."""
    library.models.activate(1)
    library.models.set_threshold(1, 0.7)
    other = Path(library.settings.models_folder / "trimmed")
    monkeypatch.setattr(model_cohorts, "without", lambda folder, _: other if folder.name == "made-0" else None)
    library.erasing.faces([4])
    model = library.models.latest()
    assert (model.id, model.threshold, model.artifact) == (1, 0.7, "trimmed")
