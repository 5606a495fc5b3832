"""Training on drawn faces: what it needs, that it repeats, cancels cleanly and keeps the better classifier."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceid_core import tensor_folder
from faceid_core.engine.dlib_format import ResNetWeights, resnet_weights
from faceid_core.engine.weights import weights_path
from faceid_core.errors import JobCancelled, NotEnoughLabels
from faceid_core.recognition import candidates, model_files, openset, training
from faceid_core.recognition.options import labelled_faces
from faceid_core.recognition.scoring import FaceSet, Scorer
from faceid_core.recognition.training import Rejected, TrainOptions, _better
from tests.faces import Faces

QUICK = TrainOptions(epochs=2, views=1)
Run = tuple[training.Trained, list[dict[str, Any]], list[tuple[int, int, str]]]


@pytest.fixture(scope="module")
def faces(drawn_faces: Faces) -> Faces:
    return drawn_faces


@pytest.fixture(scope="module")
def weights() -> ResNetWeights:
    return resnet_weights(weights_path("resnet"))


def few(faces: Faces, count: int = 4) -> tuple[np.ndarray, list[str], np.ndarray]:
    """The first faces of two people."""
    first, second = (name for name, _ in Counter(faces.names).most_common(2))
    at = [i for name in (first, second) for i in [j for j, n in enumerate(faces.names) if n == name][:count]]
    return faces.crops[at], [faces.names[i] for i in at], np.arange(len(at))


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


def test_nobody_named_is_too_little(weights: ResNetWeights) -> None:
    crops = np.zeros((0, 150, 150, 3), np.uint8)
    with pytest.raises(NotEnoughLabels, match=r"^Name at least one person with one face, then train\.$"):
        training.train(crops, [], np.empty(0, np.int64), weights=weights)


def test_people_with_a_single_photo_are_known(faces: Faces) -> None:
    """From vectors alone: no network is loaded, and nobody can be tested."""
    crops, names, photos = few(faces, 1)
    vectors = np.eye(2, 128, dtype=np.float32) + 0.3
    trained = training.train(crops, names, photos, weights=no_network, vectors=vectors)
    report = trained.report
    assert report.classes == tuple(sorted(names)) and report.valid_faces == 0 and report.points[0]["tpir"] is None
    assert trained.kept == "imprinted" and report.threshold >= 0.5
    assert [person["tested"] for person in report.by_person] == [0, 0]


def test_the_same_data_have_the_same_digest(faces: Faces) -> None:
    crops, names, photos = few(faces, 1)
    vectors = np.eye(2, 128, dtype=np.float32) + 0.3

    def digest(crops: np.ndarray, names: list[str], vectors: np.ndarray) -> str:
        return training.train(crops, names, photos, weights=no_network, vectors=vectors).report.dataset

    found = digest(crops, names, vectors)
    assert len(found) == 64 and found == digest(crops[::-1], names[::-1], vectors[::-1])
    assert found != digest(crops, names[::-1], vectors), "other names"
    assert found != digest(crops, names, vectors * 1.01), "other faces"


def no_network() -> ResNetWeights:
    raise AssertionError("nothing here needs the network")


def test_what_was_rejected_and_strangers_are_in_the_model(faces: Faces, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    crops, names, photos = few(faces, 3)
    vectors = np.repeat(np.eye(2, 128), 3, 0) + rng.normal(0, 0.02, (6, 128)) + 0.3
    strange = (rng.normal(0, 0.3, (60, 128)) + 0.3).astype(np.float32)
    rejected = Rejected(FaceSet.strangers(strange[:2], np.array([7, 8])), [names[0], "Nobody"])
    trained = training.train(
        crops, names, photos, weights=no_network, vectors=vectors.astype(np.float32), rejected=rejected,
        others=FaceSet.strangers(strange, np.arange(100, 160)), options=TrainOptions(recipe="imprint"),
    )  # fmt: skip
    stored = model_files.read(training.save(trained, tmp_path))
    assert stored.negatives.faces.tolist() == [7]
    assert stored.classes[int(stored.negatives.classes[0])] == names[0]
    assert trained.report.cohort == len(stored.cohort) and set(stored.cohort.faces.tolist()) >= {100, 159}
    np.testing.assert_array_equal(
        Scorer(stored.tensors["rows"], stored.cohort, stored.negatives)(strange),
        Scorer(trained.tensors["rows"], trained.cohort, trained.negatives)(strange),
    )


def test_crops_of_another_shape_are_a_mistake_of_the_caller(weights: ResNetWeights) -> None:
    with pytest.raises(ValueError, match="crops of shape"):
        training.train(np.zeros((2, 99, 99, 3), np.uint8), ["a", "b"], np.arange(2), weights=weights)
    with pytest.raises(ValueError, match="crops of shape"):
        training.train(np.zeros((2, 150, 150, 3), np.uint8), ["a"], np.arange(2), weights=weights)


@pytest.mark.parametrize("wrong", [{"epochs": -1}, {"batch_size": 0}, {"valid_share": 1.0}, {"learning_rate": 0.0}])
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        TrainOptions(**wrong)


def test_people_with_too_few_faces_are_left_out() -> None:
    names = ["Zoe", "Ann", "Zoe", "Ann", "Bob"] + ["Eve"] * 9
    crops = np.zeros((len(names), 150, 150, 3), np.uint8)
    labelled = labelled_faces(
        crops, names, np.arange(len(names)), TrainOptions(min_faces_per_person=2, max_faces_per_person=4)
    )
    assert labelled.names == ("Ann", "Eve", "Zoe")
    assert np.bincount(labelled.classes).tolist() == [2, 4, 2]
    assert labelled.photos[labelled.classes == 0].tolist() == [1, 3]


# --- the training -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def run(faces: Faces, weights: ResNetWeights) -> Run:
    rows: list[dict[str, Any]] = []
    steps: list[tuple[int, int, str]] = []
    trained = training.train(
        faces.crops,
        faces.names,
        faces.photos,
        weights=weights,
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
    assert run[0].tensors["rows"].shape == (len(report.classes), 128)


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
def test_same_seed_same_result(faces: Faces, weights: ResNetWeights) -> None:
    crops, names, photos = few(faces)
    seen = []
    for seed in (1, 1, 2):
        torn = TrainOptions(epochs=2, views=1, seed=seed, batch_size=4)
        seen.append(training.train(crops, names, photos, weights=weights, options=torn))
    assert seen[0].report.history == seen[1].report.history != seen[2].report.history
    np.testing.assert_array_equal(seen[0].tensors["rows"], seen[1].tensors["rows"])


def test_two_people_with_two_faces_are_enough(faces: Faces, weights: ResNetWeights) -> None:
    crops, names, photos = few(faces, 2)
    trained = training.train(crops, names, photos, weights=weights, strangers=faces.crops[:0], options=QUICK)
    assert trained.report.valid_faces == 4 and trained.kept == "imprinted" and trained.report.cohort == 2


def test_copies_of_one_picture_still_train(faces: Faces, weights: ResNetWeights) -> None:
    crops, names, _ = few(faces, 1)
    doubled, photos = np.repeat(crops, 2, 0), np.arange(4)
    trained = training.train(doubled, [n for n in names for _ in "12"], photos, weights=weights, options=QUICK)
    assert trained.report.valid_faces == 4


@pytest.mark.parametrize("at", ["Preparing faces", "Training, epoch 2"])
def test_cancel_stops_inside_an_epoch(faces: Faces, weights: ResNetWeights, at: str) -> None:
    crops, names, photos = few(faces)
    rows: list[dict[str, float]] = []

    def progress(done: int, total: int, message: str = "") -> None:
        if message == at:
            raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        training.train(
            crops, names, photos, weights=weights, options=QUICK, progress=progress, on_epoch=rows.append
        )
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
    folder = training.save(run[0], tmp_path / "models")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [folder.name]
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "tensors.safetensors"]
    described = json.loads((folder / "model.json").read_text())
    assert described["embedder"] == "dlib-resnet+mirror" and described["version"] == 2
    assert described["report"]["kept"] == run[0].kept
    stored = model_files.read(folder)
    assert stored.classes == run[0].report.classes and stored.calibration == run[0].calibration
    np.testing.assert_array_equal(stored.tensors["rows"], run[0].tensors["rows"])
    assert training.save(run[0], tmp_path / "models") != folder


def test_failed_save_leaves_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(tensor_folder, "_write_through", full)
    with pytest.raises(OSError, match="disk full"):
        training.save(run[0], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_fine_tuning_that_gains_nothing_keeps_the_head(
    faces: Faces, weights: ResNetWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (candidates, training):
        monkeypatch.setattr(module, "open_set", lambda candidate, held: 0.0)
    crops, names, photos = few(faces)
    options = TrainOptions(recipe="fine-tune", epochs=1, views=1)
    trained = training.train(crops, names, photos, weights=weights, options=options)
    assert trained.kept == "head" and set(trained.tensors) == {"rows"}
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
