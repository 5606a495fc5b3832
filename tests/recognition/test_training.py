"""Training on drawn faces: what it needs, that it repeats, cancels cleanly and keeps the better classifier."""

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceid_core import tensor_folder
from faceid_core.errors import JobCancelled, NotEnoughLabels
from faceid_core.recognition import candidates, model_files, openset, training
from faceid_core.recognition.scoring import FaceSet, Scorer
from faceid_core.recognition.training import Rejected, Space, TrainingData, TrainOptions, _better
from faceid_core.recognition.training_data import labelled_faces
from tests.faces import Faces, no_network

QUICK = TrainOptions(epochs=2, views=1)
NO_NETWORK = Space(network=no_network)
Run = tuple[training.Trained, list[dict[str, Any]], list[tuple[int, int, str]]]


@pytest.fixture(scope="module")
def faces(drawn_faces: Faces) -> Faces:
    return drawn_faces


def few(faces: Faces, count: int = 4) -> TrainingData:
    """The first faces of two people."""
    first, second = (name for name, _ in Counter(faces.names).most_common(2))
    at = [i for name in (first, second) for i in [j for j, n in enumerate(faces.names) if n == name][:count]]
    return TrainingData(faces.crops[at], [faces.names[i] for i in at], np.arange(len(at)))


# --- who is learned ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("names", "photos"),
    [
        (["Ann"], [0]),
        (["Ann"] * 5, [0, 1, 2, 3, 4]),
        (["Ann", "Ann", "Bob"], [0, 1, 2]),
        (["Ann", "Ann", "Bob", "Bob"], [0, 1, 2, 2]),
    ],
    ids=["one photo", "one person", "one with a single face", "one with a single photo"],
)
def test_one_photo_is_enough_but_weak(names: list[str], photos: list[int]) -> None:
    ready = training.readiness(names, photos)
    assert ready.refusal is None and ready.names == tuple(sorted(set(names)))
    assert ready.weak == tuple(
        sorted(
            name for name in set(names) if len({p for n, p in zip(names, photos, strict=True) if n == name}) == 1
        )
    )


def test_nobody_named_is_too_little() -> None:
    nobody = TrainingData(np.zeros((0, 150, 150, 3), np.uint8), [], np.empty(0, np.int64))
    with pytest.raises(NotEnoughLabels, match=r"^Name at least one person with one face, then train\.$"):
        training.train(nobody)


def test_people_with_a_single_photo_are_known(faces: Faces) -> None:
    """From vectors alone: no network is loaded, and nobody can be tested."""
    data = replace(few(faces, 1), vectors=np.eye(2, 128, dtype=np.float32) + 0.3)
    report = training.train(data, space=NO_NETWORK).report
    assert report.classes == tuple(sorted(data.names))
    assert report.valid_faces == 0 and report.points[0]["tpir"] is None
    assert report.kept == "imprinted" and report.threshold >= 0.5
    assert [person["tested"] for person in report.by_person] == [0, 0]


def test_the_same_data_have_the_same_digest(faces: Faces) -> None:
    data, vectors = few(faces, 1), np.eye(2, 128, dtype=np.float32) + 0.3
    names = list(data.names)

    def digest(names: list[str], vectors: np.ndarray) -> str:
        given = replace(data, names=names, vectors=vectors)
        return training.train(given, space=NO_NETWORK).report.dataset

    found = digest(names, vectors)
    assert len(found) == 64 and found == digest(names[::-1], vectors[::-1])
    assert found != digest(names[::-1], vectors), "other names"
    assert found != digest(names, vectors * 1.01), "other faces"


def test_what_was_rejected_and_strangers_are_in_the_model(faces: Faces, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    known = few(faces, 3)
    vectors = np.repeat(np.eye(2, 128), 3, 0) + rng.normal(0, 0.02, (6, 128)) + 0.3
    strange = (rng.normal(0, 0.3, (60, 128)) + 0.3).astype(np.float32)
    rejected = Rejected(FaceSet.strangers(strange[:2], np.array([7, 8])), [known.names[0], "Nobody"])
    data = replace(
        known, vectors=vectors.astype(np.float32), rejected=rejected,
        strangers=FaceSet.strangers(strange, np.arange(100, 160)),
    )  # fmt: skip
    trained = training.train(data, options=TrainOptions(recipe="imprint"), space=NO_NETWORK)
    stored = model_files.read(model_files.write(trained.model, tmp_path))
    assert stored.negatives.faces.tolist() == [7]
    assert stored.classes[int(stored.negatives.classes[0])] == known.names[0]
    assert trained.report.cohort == len(stored.cohort) and set(stored.cohort.faces.tolist()) >= {100, 159}
    np.testing.assert_array_equal(
        Scorer(stored.tensors["rows"], stored.cohort, stored.negatives)(strange),
        Scorer(trained.model.tensors["rows"], trained.model.cohort, trained.model.negatives)(strange),
    )


CROPS = np.zeros((2, 150, 150, 3), np.uint8)


@pytest.mark.parametrize(
    "wrong",
    [
        {"crops": np.zeros((2, 99, 99, 3), np.uint8)},
        {"crops": CROPS[:1]},
        {"names": ["a"]},
        {"photos": np.arange(3)},
        {"faces": np.arange(1)},
        {"vectors": np.zeros((3, 128), np.float32)},
        {"stranger_crops": np.zeros((2, 99, 99, 3), np.uint8)},
        {"stranger_ids": np.arange(1)},
        {"stranger_crops": CROPS, "stranger_ids": np.arange(1)},
    ],
)
def test_data_that_do_not_fit_are_a_mistake_of_the_caller(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"crops": CROPS, "names": ["a", "b"], "photos": np.arange(2)}
    TrainingData(**right)
    with pytest.raises(ValueError, match=r"crops|ids"):
        TrainingData(**right | wrong)


@pytest.mark.parametrize(
    ("vectors", "options"),
    [(None, TrainOptions()), (np.ones((2, 128), np.float32), TrainOptions(unfreeze_epochs=1))],
    ids=["from crops", "the network itself"],
)
def test_a_space_without_a_network_has_only_its_vectors(vectors: Any, options: TrainOptions) -> None:
    data = TrainingData(CROPS, ["a", "b"], np.arange(2), vectors=vectors)
    with pytest.raises(ValueError, match="can't be trained"):
        training.train(data, options=options, space=Space("mine", network=None))


@pytest.mark.parametrize("wrong", [{"epochs": -1}, {"batch_size": 0}, {"valid_share": 1.0}, {"learning_rate": 0.0}])
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        TrainOptions(**wrong)


def test_people_with_too_few_faces_are_left_out() -> None:
    names = ["Zoe", "Ann", "Zoe", "Ann", "Bob"] + ["Eve"] * 9
    ids = np.arange(len(names))
    data = TrainingData(np.zeros((len(names), 150, 150, 3), np.uint8), names, ids, faces=ids + 100)
    labelled = labelled_faces(data, TrainOptions(min_faces_per_person=2, max_faces_per_person=4))
    assert labelled.names == ("Ann", "Eve", "Zoe")
    assert np.bincount(labelled.classes).tolist() == [2, 4, 2]
    assert labelled.photos[labelled.classes == 0].tolist() == [1, 3]
    assert labelled.faces[labelled.classes == 0].tolist() == [101, 103]


# --- the training -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def run(faces: Faces) -> Run:
    rows: list[dict[str, Any]] = []
    steps: list[tuple[int, int, str]] = []
    trained = training.train(
        TrainingData(faces.crops, faces.names, faces.photos),
        options=QUICK,
        on_epoch=rows.append,
        progress=lambda done, total, message="": steps.append((done, total, message)),
    )
    return trained, rows, steps


@pytest.mark.slow
def test_learns_the_people(run: Run, faces: Faces) -> None:
    report = run[0].report
    assert report.classes == tuple(sorted(set(faces.names)))
    assert report.accuracy >= 0.95 and report.tpir >= 0.9 and report.fpir <= 0.1
    assert 0 < report.threshold < 1 and report.valid_faces > 0 and report.seconds > 0
    assert run[0].model.tensors["rows"].shape == (len(report.classes), 128)


def test_tells_of_every_epoch_and_batch(run: Run) -> None:
    trained, rows, steps = run
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert set(rows[0]) == set(rows[2]) == {"epoch", "train_loss", "valid_loss", "accuracy"}
    assert rows[0]["accuracy"] >= 0.9, "the imprinted head is good before any training"
    assert trained.report.history == tuple(rows)
    assert "Training, epoch 2" in {message for _, _, message in steps}
    assert all(one[0] <= next_[0] <= next_[1] for one, next_ in pairwise(steps))
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.slow
def test_same_seed_same_result(faces: Faces) -> None:
    seen = []
    for seed in (1, 1, 2):
        torn = TrainOptions(epochs=2, views=1, seed=seed, batch_size=4)
        seen.append(training.train(few(faces), options=torn))
    assert seen[0].report.history == seen[1].report.history != seen[2].report.history
    np.testing.assert_array_equal(seen[0].model.tensors["rows"], seen[1].model.tensors["rows"])


def test_two_people_with_two_faces_are_enough(faces: Faces) -> None:
    data = replace(few(faces, 2), stranger_crops=faces.crops[:0])
    trained = training.train(data, options=QUICK)
    assert trained.report.valid_faces == 4 and trained.report.kept == "imprinted" and trained.report.cohort == 2


def test_copies_of_one_picture_still_train(faces: Faces) -> None:
    once = few(faces, 1)
    twice = TrainingData(np.repeat(once.crops, 2, 0), [n for n in once.names for _ in "12"], np.arange(4))
    trained = training.train(twice, options=QUICK)
    assert trained.report.valid_faces == 4


@pytest.mark.parametrize("at", ["Preparing faces", "Training, epoch 2"])
def test_cancel_stops_inside_an_epoch(faces: Faces, at: str) -> None:
    rows: list[dict[str, float]] = []

    def progress(done: int, total: int, message: str = "") -> None:
        if message == at:
            raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        training.train(few(faces), options=QUICK, progress=progress, on_epoch=rows.append)
    assert len(rows) == (2 if "epoch" in at else 0)


# --- the choice -------------------------------------------------------------------------------------------------
def scores(right: int, wrong: int, impostors: float = 0.5) -> openset.Scored:
    genuine = np.array([[0.9, 0.1]] * right + [[0.1, 0.9]] * wrong)
    return openset.Scored(genuine, np.zeros(right + wrong, np.int64), np.full((60, 2), impostors))


@pytest.mark.parametrize(
    ("new", "old", "strangers", "better"),
    [
        (scores(10, 0), scores(10, 0), 60, False),
        (scores(10, 0), scores(9, 1), 60, False),
        (scores(10, 0), scores(8, 2), 0, True),
        (scores(10, 0), scores(10, 0, 0.95), 60, True),
        (scores(10, 0), scores(10, 0, 0.95), 10, False),
        (scores(8, 2), scores(10, 0), 60, False),
        (scores(10, 0, 0.95), scores(8, 2), 60, False),
    ],
    ids=["equal", "one lucky face", "two more right", "finds more", "too few strangers", "worse", "finds less"],
)
def test_trained_must_be_clearly_better(
    new: openset.Scored, old: openset.Scored, strangers: int, better: bool
) -> None:
    assert _better(new, old, strangers) is better


# --- saving -----------------------------------------------------------------------------------------------------
def test_saved_as_tensors_and_json_without_leftovers(run: Run, tmp_path: Path) -> None:
    folder = model_files.write(run[0].model, tmp_path / "models")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [folder.name]
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "tensors.safetensors"]
    described = json.loads((folder / "model.json").read_text())
    assert described["embedder"] == "dlib-resnet+mirror" and described["version"] == 2
    assert described["report"]["kept"] == run[0].report.kept
    stored = model_files.read(folder)
    assert stored.classes == run[0].report.classes and stored.calibration == run[0].model.calibration
    np.testing.assert_array_equal(stored.tensors["rows"], run[0].model.tensors["rows"])
    assert model_files.write(run[0].model, tmp_path / "models") != folder


def test_failed_save_leaves_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(tensor_folder, "_write_through", full)
    with pytest.raises(OSError, match="disk full"):
        model_files.write(run[0].model, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_fine_tuning_that_gains_nothing_keeps_the_head(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (candidates, training):
        monkeypatch.setattr(module, "open_set", lambda candidate, held: 0.0)
    trained = training.train(few(faces), options=TrainOptions(recipe="fine-tune", epochs=1, views=1))
    assert trained.report.kept == "head" and set(trained.model.tensors) == {"rows"}
    assert [each["recipe"] for each in trained.report.compared] == ["imprinted", "head", "network"], "side by side"
    # The imprinted classifier, the head's epoch, and as many as it takes to see that nothing is gained.
    assert [row["epoch"] for row in trained.report.history] == [0, 1, 2, 3]


@pytest.mark.parametrize("there", [False, True])
def test_a_training_on_a_card_that_is_not_there_goes_on_and_says_so(
    there: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    lab = object.__new__(candidates.Laboratory)
    lab.on_cuda = True
    assert lab.device == ("cuda" if there else "cpu")
    assert len(caplog.messages) == (0 if there else 1)
