"""Held-out answers at any threshold: against plain loops, and against what the training reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceid_core.recognition import evaluation, model_files, training
from faceid_core.recognition.evaluation import UNKNOWN, HeldOut
from faceid_core.recognition.scoring import FaceSet
from faceid_core.recognition.training import Space, Trained, TrainingData, TrainOptions
from tests.faces import no_network

PEOPLE, EACH, STRANGERS = 4, 5, 80


@pytest.fixture(scope="module")
def trained() -> Trained:
    """Four people of five photos each, noisy, and eighty strangers; nothing of it needs a network."""
    rng = np.random.default_rng(1)
    middles = rng.normal(0, 1, (PEOPLE, 128)) + 2.0
    vectors = np.repeat(middles, EACH, 0) + rng.normal(0, 0.5, (PEOPLE * EACH, 128))
    strange = rng.normal(0, 1, (STRANGERS, 128)) + 2.0
    names = [f"P{person}" for person in range(PEOPLE) for _ in range(EACH)]
    crops = np.random.default_rng(2).integers(0, 255, (len(names), 150, 150, 3), np.uint8)
    data = TrainingData(
        crops, names, np.arange(len(names)), faces=np.arange(100, 120), vectors=vectors.astype(np.float32),
        strangers=FaceSet.strangers(strange.astype(np.float32), np.arange(200, 200 + STRANGERS)),
    )  # fmt: skip
    return training.train(data, options=TrainOptions(recipe="imprint"), space=Space(network=no_network))


@pytest.fixture(scope="module")
def held(trained: Trained) -> HeldOut:
    assert trained.model.held_out is not None
    return trained.model.held_out


def some(classes: list[int], answers: list[tuple[int, float]], faces: list[int] | None = None) -> HeldOut:
    """Faces with the likeliest name and its probability; whoever is right has 0.01 for anybody else."""
    people = np.full((len(classes), evaluation.RANKS), UNKNOWN)
    shares = np.zeros((len(classes), evaluation.RANKS))
    people[:, 0], shares[:, 0] = [person for person, _ in answers], [share for _, share in answers]
    right = people[:, 0] == np.array(classes)
    others = np.where(right, 0.01, shares[:, 0])
    ids = np.array(faces if faces is not None else range(1, len(classes) + 1))
    return HeldOut(ids.astype(np.int64), np.array(classes, np.int64), people, shares, others)


def test_every_tested_face_and_every_stranger_is_there_once(held: HeldOut) -> None:
    assert held.faces[held.known].tolist() == list(range(100, 120))
    assert set(held.faces[~held.known].tolist()) <= set(range(200, 200 + STRANGERS))
    assert held.classes[held.known].tolist() == [person for person in range(PEOPLE) for _ in range(EACH)]
    assert (np.diff(held.shares, axis=1) <= 0).all() and held.best.max() <= 1
    assert held.right[held.known].mean() > 0.9, "the people can be told apart"


def test_at_the_threshold_it_is_what_the_training_reports(trained: Trained, held: HeldOut) -> None:
    report = trained.report
    found = evaluation.at(held, report.threshold)
    assert (found.tpir, found.fpir) == pytest.approx((report.tpir, report.fpir))
    for mine, counted in zip(evaluation.by_person(held, PEOPLE, report.threshold), report.by_person, strict=True):
        assert (mine.tested, mine.right, mine.wrong) == (counted["tested"], counted["right"], counted["wrong"])


def test_the_answers_come_back_from_the_file(trained: Trained, held: HeldOut, tmp_path: Path) -> None:
    stored = model_files.read(model_files.write(trained.model, tmp_path))
    assert stored.held_out is not None and set(stored.tensors) == {"rows"}
    for name in ("faces", "classes", "people", "shares", "others"):
        np.testing.assert_array_equal(getattr(stored.held_out, name), getattr(held, name))


def test_names_are_in_no_answer(trained: Trained, tmp_path: Path) -> None:
    folder = model_files.write(trained.model, tmp_path)
    assert b"P0" not in (folder / "tensors.safetensors").read_bytes()


def test_the_curve_falls_as_it_gets_stricter(held: HeldOut) -> None:
    points = evaluation.curve(held)
    thresholds = [point.threshold for point in points]
    assert thresholds == sorted(thresholds, reverse=True)
    for rate in ("tpir", "fpir"):
        rates = [getattr(point, rate) for point in points]
        assert rates == sorted(rates)
    assert len(evaluation.curve(held, most=10)) <= 10
    strangers = (held.others[~held.known] >= points[3].threshold).mean()
    assert points[3].fpir == pytest.approx(strangers)


def test_the_curve_shows_what_is_recognised_before_the_first_stranger_gets_a_name() -> None:
    held = some([0, 1] + [UNKNOWN] * 50, [(0, 0.45), (1, 0.4)] + [(0, 0.3)] * 50)
    assert [(point.tpir, point.fpir) for point in evaluation.curve(held)][-2:] == [(1.0, 0.0), (1.0, 1.0)]


def test_few_strangers_are_helped_by_known_faces() -> None:
    few = some([0, 0, 1, UNKNOWN], [(0, 0.9), (1, 0.8), (1, 0.95), (0, 0.6)])
    assert sorted(few.impostors.tolist()) == [0.01, 0.01, 0.6, 0.8]
    assert evaluation.at(few, 0.7).fpir == 0.25
    many = some([0] + [UNKNOWN] * 50, [(1, 0.9)] + [(0, 0.1)] * 50)
    assert evaluation.at(many, 0.5).fpir == 0.0


def test_people_by_hand() -> None:
    #        right     too low   as Bo     right     a stranger, surely Bo; one who is nobody
    held = some([0, 0, 0, 1, UNKNOWN, UNKNOWN], [(0, 0.9), (0, 0.4), (1, 0.8), (1, 0.7), (1, 0.9), (0, 0.2)])
    ada, bo, cy = evaluation.by_person(held, 3, 0.5)
    assert (ada.tested, ada.right, ada.wrong, ada.taken) == (3, 1, 1, 0)
    assert (bo.tested, bo.right, bo.wrong, bo.taken) == (1, 1, 0, 2)
    assert (ada.recall, ada.precision) == (1 / 3, 1.0) and (bo.recall, bo.precision) == (1.0, 1 / 3)
    assert (cy.recall, cy.precision) == (None, None)
    assert [each.person for each in evaluation.needs_photos([ada, bo, cy])] == [0, 2, 1]
    assert evaluation.at(held, 0.5).precision == 0.5


def test_the_cells_of_the_confusion_hold_each_face_once() -> None:
    held = some([0, 0, 0, 1, UNKNOWN, UNKNOWN], [(0, 0.9), (0, 0.4), (1, 0.8), (1, 0.7), (1, 0.9), (0, 0.2)])
    cells = {cell: rows.tolist() for cell, rows in evaluation.confusion(held, 0.5).items()}
    assert cells == {
        (0, 0): [0], (0, UNKNOWN): [1], (0, 1): [2], (1, 1): [3], (UNKNOWN, 1): [4], (UNKNOWN, UNKNOWN): [5],
    }  # fmt: skip
    assert evaluation.most_confused(evaluation.confusion(held, 0.5), 1) == [1]


def test_confident_errors_are_wrong_names_of_known_faces() -> None:
    held = some([0, 0, 1, UNKNOWN], [(1, 0.6), (1, 0.9), (1, 0.99), (0, 0.95)])
    assert evaluation.confident_errors(held).tolist() == [1, 0]
    assert evaluation.confident_errors(held, least=0.7).tolist() == [1]


def test_the_bars_hold_every_face_once(held: HeldOut) -> None:
    bars = evaluation.reliability(held)
    assert sum(bar.faces for bar in bars) == len(held)
    for bar in bars:
        assert bar.low <= bar.probability <= bar.high
        mine = (held.best >= bar.low) & ((held.best < bar.high) | (bar.high == 1.0))
        assert bar.right == pytest.approx(held.right[mine].mean())


def test_a_threshold_of_the_stored_choices() -> None:
    points = [{"fpir": share, "threshold": 0.9 - share, "tpir": None} for share in (0.1, 0.01, 0.001)]
    assert evaluation.threshold_for(points, 100) == pytest.approx(0.89)
    assert evaluation.threshold_for(points, 500) == pytest.approx(0.899)
    assert evaluation.threshold_for([], 100) is None
    assert 100 in evaluation.CHOICES and evaluation.CHOICES[-1] == 1000


def test_a_precision_is_kept_from_the_top_down() -> None:
    shares, right = np.array([0.5, 0.9, 0.8, 0.7]), np.array([True, True, True, False])
    assert evaluation.precise_threshold(shares, right, 1.0) == 0.8
    assert evaluation.precise_threshold(shares, right, 0.7) == 0.5, "three of four"
    assert evaluation.precise_threshold(shares, ~right, 1.0) > 1
    assert evaluation.precise_threshold(np.array([]), np.array([]), 0.9) > 1


def test_only_faces_that_all_were_tested_with_are_compared() -> None:
    one = some([0, 1, UNKNOWN, UNKNOWN], [(0, 0.9), (1, 0.9), (0, 0.1), (0, 0.2)], faces=[1, 2, 3, 0])
    other = some([1, UNKNOWN, UNKNOWN, UNKNOWN], [(1, 0.8), (0, 0.3), (0, 0.4), (0, 0.5)], faces=[1, 2, 3, 0])
    first, second = evaluation.shared([one, other])
    assert first.faces.tolist() == second.faces.tolist() == [1, 3], "2 is known to one alone; 0 is no face"
    assert first.best.tolist() == [0.9, 0.1] and second.best.tolist() == [0.8, 0.4]


def test_a_strict_threshold_lets_just_so_many_in(held: HeldOut) -> None:
    for fpir in (0.1, 0.02):
        threshold = evaluation.strict_threshold(held, fpir)
        found = evaluation.at(held, threshold).fpir
        assert found is not None and fpir - 1 / (~held.known).sum() < found <= fpir


def test_where_nobody_could_be_tested_nothing_is_claimed() -> None:
    nobody = some([], [], faces=[])
    found = evaluation.at(nobody, 0.5)
    assert (found.tpir, found.fpir, found.precision) == (None, None, None)
    assert evaluation.reliability(nobody) == [] and evaluation.confusion(nobody, 0.5) == {}
    assert evaluation.by_person(nobody, 1, 0.5)[0].recall is None
