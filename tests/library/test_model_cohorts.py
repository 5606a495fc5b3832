"""Recognisers hold vectors of faces beside their people; who is erased or refuses goes from there, too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceid_core.errors import ErasedMeanwhile
from faceid_core.library import Library
from faceid_core.library.store import model_cohorts
from faceid_core.recognition import model_files
from faceid_core.recognition.model_files import StoredModel
from faceid_core.recognition.openset import Calibration
from faceid_core.recognition.scoring import FaceSet
from faceid_core.values import ConsentState
from tests.library.conftest import EMBEDDER, new_photo


@pytest.fixture
def library(empty: Library) -> Library:
    """Bo on faces 1 and 2; 3 to 6 are nobody's."""
    empty.photos.add_many([new_photo(f"/{number}.jpg") for number in range(6)])
    empty.people.name_faces([1, 2], "Bo")
    return empty


def trained(library: Library) -> int:
    """A recogniser of Bo with faces 1, 3, 4 and 5 in its cohort, and of which 6 is said not to be Bo."""
    vectors = np.repeat(np.arange(3, 9, dtype=np.float32)[:, None], 128, 1)
    cohort = FaceSet(vectors[:4], np.array([3, 4, 5, 1]), np.array([-1, -1, -1, 0]))
    negatives = FaceSet(vectors[4:5], np.array([6]), np.array([0]))
    rows = np.ones((1, 128), np.float32)
    stored = StoredModel(("Bo",), EMBEDDER, 0.5, Calibration(10.0, 0.4), {"rows": rows}, {}, cohort, negatives)
    folder = model_files.write(stored, library.settings.models_folder)
    return library.models.add(EMBEDDER, ["Bo"], {}, 0.5, {}, folder.name)


def held(library: Library) -> tuple[list[int], list[int]]:
    """Faces of the only recogniser's cohort and negatives, from its only folder."""
    (model,) = library.models.all()
    assert [path.name for path in library.settings.models_folder.iterdir()] == [model.artifact]
    stored = model_files.read(library.settings.models_folder / model.artifact)
    assert len(stored.cohort.vectors) == len(stored.cohort.faces) == len(stored.cohort.classes)
    return stored.cohort.faces.tolist(), stored.negatives.faces.tolist()


def erase_a_face(library: Library) -> None:
    library.erasing.faces([4])


def erase_a_photo(library: Library) -> None:
    library.erasing.photos([4])


def erase_a_person(library: Library) -> None:
    library.people.name_faces([4], "Zoe")
    library.erasing.person(library.people.known("Zoe").id)


def refuse(library: Library) -> None:
    library.people.name_faces([4], "Zoe")
    library.consents.set(library.people.known("Zoe").id, ConsentState.REFUSED, basis="letter")


def named_after_refusing(library: Library) -> None:
    library.people.name_faces([2], "Zoe")  # one of Bo's, and so the model goes with it: trained anew below
    library.consents.set(library.people.known("Zoe").id, ConsentState.REFUSED, basis="letter")
    trained(library) if not library.models.all() else None
    library.people.name_faces([4], "Zoe")


@pytest.mark.parametrize("act", [erase_a_face, erase_a_photo, erase_a_person, refuse, named_after_refusing])
def test_who_goes_leaves_every_cohort(library: Library, act: Callable[[Library], None]) -> None:
    trained(library)
    vector = np.full(128, 4, np.float32).tobytes()
    act(library)
    assert held(library) == ([3, 5, 1], [6])
    (folder,) = library.settings.models_folder.iterdir()
    assert all(vector not in file.read_bytes() for file in folder.iterdir())
    assert library.problems() == []


def test_rejected_faces_go_too(library: Library) -> None:
    trained(library)
    library.erasing.faces([6])
    assert held(library) == ([3, 4, 5, 1], [])


def test_who_concerns_no_recogniser_changes_none(library: Library) -> None:
    library.photos.add_many([new_photo("/7.jpg")])
    trained(library)
    before = library.models.latest().artifact
    library.erasing.faces([7])
    assert library.models.latest().artifact == before


def test_what_an_earlier_version_left_is_found_and_goes(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(library)
    with monkeypatch.context() as patched:
        patched.setattr(model_cohorts, "trim", lambda *_: [])
        library.erasing.faces([4])
    (problem,) = library.problems()
    assert "holds vectors of 1 face that the library no longer has" in problem
    assert "faceid erase leftovers" in problem
    library.erasing.leftovers()
    assert library.problems() == [] and held(library) == ([3, 5, 1], [6])


def test_who_is_erased_while_a_recogniser_is_trained_is_in_no_cohort(library: Library) -> None:
    library.erasing.faces([4])
    with pytest.raises(ErasedMeanwhile, match="train again"):
        trained(library)
    assert library.models.all() == []


def test_faces_of_photos_that_are_searched_anew_go_quietly(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(library)
    with monkeypatch.context() as patched:
        patched.setattr(model_cohorts, "trim", lambda *_: [])
        library.erasing.faces([3])
    library.models.forget_gone_faces()
    assert held(library) == ([4, 5, 1], [6]) and library.problems() == []


def test_a_damaged_model_stops_no_erasure(library: Library) -> None:
    trained(library)
    folder = library.settings.models_folder / library.models.latest().artifact
    (folder / "tensors.safetensors").write_bytes(b"nothing")
    library.erasing.faces([4])
    assert len(library.models.all()) == 1
