"""Who is erased while a training runs is in no model, no folder and no job afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceid_core.errors import ErasedMeanwhile
from faceid_core.library import Library
from faceid_core.recognition import training
from faceid_core.recognition.model_files import StoredModel
from faceid_core.recognition.openset import Calibration
from faceid_core.steps import jobs, snapshot, train
from faceid_core.values import JobState, TrainReport
from tests.library.conftest import EMBEDDER, new_photo


@pytest.fixture
def library(empty: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Ada and Bo on two photos each, Cy on one; no network is loaded."""
    empty.photos.add_many([new_photo(f"/{number}.jpg") for number in range(6)])
    for name, faces in (("Ada", [1, 2]), ("Bo", [3, 4]), ("Cy", [5])):
        empty.people.name_faces(faces, name)
    monkeypatch.setattr(snapshot, "load_embedder", lambda settings: type("Embedder", (), {"name": EMBEDDER}))
    monkeypatch.setattr(snapshot, "embed_missing", lambda library, embedder: None)
    monkeypatch.setattr(train, "decoded", lambda library, ids: np.zeros((len(ids), 150, 150, 3), np.uint8))
    return empty


def during(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """A training in which somebody acts."""

    def trained(data: training.TrainingData, **_: object) -> training.Trained:
        act()
        classes = training.readiness(data.names, [1, 2, 3, 4, 5]).names
        report = TrainReport(classes, 4, 4, 1.0, 0.5, 1.0, 0.0, 1.0)
        rows = np.eye(len(classes), 128, dtype=np.float32)
        model = StoredModel(classes, "dlib-resnet", 0.5, Calibration(10.0, 0.5), {"rows": rows}, report.as_dict())
        return training.Trained(model, report)

    monkeypatch.setattr(training, "train", trained)


def number(library: Library, name: str) -> int:
    return library.people.known(name).id


def erase_ada(library: Library) -> None:
    library.erasing.person(number(library, "Ada"))


def erase_a_face(library: Library) -> None:
    library.erasing.faces([1])


def erase_a_photo(library: Library) -> None:
    library.erasing.photos([1])


def move_then_erase(library: Library) -> None:
    """Ada's faces are Bo's by now; her name would come back all the same."""
    library.people.name_faces([1, 2], "Bo")
    erase_ada(library)


def erase_and_begin_anew(library: Library) -> None:
    """Somebody else may get the number that was hers."""
    erase_ada(library)
    library.people.name_faces([3], "Dee")


@pytest.mark.slow
@pytest.mark.parametrize("act", [erase_ada, erase_a_face, erase_a_photo, move_then_erase, erase_and_begin_anew])
def test_who_is_erased_meanwhile_does_not_come_back(
    library: Library, monkeypatch: pytest.MonkeyPatch, act: Callable[[Library], None]
) -> None:
    during(monkeypatch, lambda: act(library))
    library.jobs.submit("train", {})
    (job,) = jobs.run_pending(library)
    assert (job.state, job.error) == (
        JobState.FAILED, "A person was erased while the recogniser was being trained; train again.",
    )  # fmt: skip
    assert "Ada" not in repr((job.result, job.details, job.message, job.params))
    assert library.models.all() == [] and list(library.settings.models_folder.iterdir()) == []
    assert library.problems() == []


def test_the_command_says_it_too(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    during(monkeypatch, lambda: erase_ada(library))
    with pytest.raises(ErasedMeanwhile, match="train again"):
        train.train_recogniser(library)


def rename(library: Library) -> None:
    library.people.rename(number(library, "Ada"), "Ada Lovelace")


def merge(library: Library) -> None:
    library.people.merge(number(library, "Bo"), [number(library, "Ada")])


def delete(library: Library) -> None:
    library.people.delete(number(library, "Ada"))


def erase_somebody_else(library: Library) -> None:
    library.erasing.faces([6])


@pytest.mark.parametrize("act", [rename, merge, delete, erase_somebody_else])
def test_other_acts_meanwhile_lose_no_training(
    library: Library, monkeypatch: pytest.MonkeyPatch, act: Callable[[Library], None]
) -> None:
    during(monkeypatch, lambda: act(library))
    library.jobs.submit("train", {})
    (job,) = jobs.run_pending(library)
    assert (job.state, job.result["people"]) == (JobState.DONE, 3)
    assert "Ada" not in repr((job.result, job.details))  # whoever is erased from now on is in no result
    (model,) = library.models.all()
    assert model.classes == ["Ada", "Bo", "Cy"] and (library.settings.models_folder / model.artifact).is_dir()
    assert library.problems() == []


def test_names_of_before_are_found_and_go(library: Library, tmp_path: Path) -> None:
    """A model and a result that a training brought back, as the version before left them."""
    erase_ada(library)
    for classes, artifact in ((["Ada", "Bo"], "old"), (["Bo", "Cy"], "new")):
        library.models.add(EMBEDDER, classes, {"classes": classes}, 0.5, {}, artifact)
        (library.settings.models_folder / artifact).mkdir(parents=True)
        job = library.jobs.submit("train", {})
        library.jobs.claim()
        library.jobs.finish(job.id, {"classes": classes})
    found = library.problems()
    assert len(found) == 2 and all("faceid erase leftovers" in problem for problem in found)
    assert library.erasing.leftovers(preview=True).models == 1 and library.problems() == found
    assert library.erasing.leftovers().models == 1
    assert library.problems() == []
    assert [model.artifact for model in library.models.all()] == ["new"]
    assert [folder.name for folder in library.settings.models_folder.iterdir()] == ["new"]
    assert sorted(repr(job.result) for job in library.jobs.recent()) == ["{'classes': ['Bo', 'Cy']}", "{}"]
