"""Other embedders' cosines: on a scale of their own nothing that is said changes, and on dlib's nothing at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceid_core.cosine_scale import DLIB, CosineScale
from faceid_core.recognition import calibration, classifier, model_files, openset
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.onnx_export import recogniser_graph
from faceid_core.recognition.scoring import FaceSet

SCALE = CosineScale(2.0)


def faces(people: int, each: int, seed: int, noise: float = 0.3) -> np.ndarray:
    """(N, 128) of length 1, with cosines like dlib's: about 0.84 between two people, 0.95 within one."""
    middles = 2.3 + np.random.default_rng(1).normal(size=(people, 128))
    noisy = np.repeat(middles, each, axis=0) + np.random.default_rng(seed).normal(0, noise, (people * each, 128))
    return np.asarray(noisy / np.linalg.norm(noisy, axis=1, keepdims=True))


def elsewhere(vectors: np.ndarray) -> np.ndarray:
    """Other vectors of length 1, with a number more, whose cosines c' are higher: 1 - c' is half of 1 - c."""
    return np.asarray(np.concatenate([vectors, np.ones((len(vectors), 1))], axis=1) / np.sqrt(2))


def examples(vectors: np.ndarray, scale: CosineScale) -> tuple[Examples, np.ndarray]:
    """Thirty people with a face each, 60 strangers and 3 rejected faces; the rest is for answers."""
    classes = np.arange(30)
    whom = np.array([0, 1, 2])
    rejected = FaceSet(vectors[90:93], np.zeros(3, np.int64), whom)
    strangers = FaceSet.strangers(vectors[30:90])
    return Examples(vectors[:30], classes, classes, 30, strangers, rejected, scale), vectors[93:]


@pytest.fixture(scope="module")
def spaces() -> tuple[np.ndarray, np.ndarray]:
    here = np.concatenate([faces(93, 1, 2), faces(93, 1, 3)])
    return here, elsewhere(here)


def answers(vectors: np.ndarray, scale: CosineScale) -> tuple[np.ndarray, float]:
    known, probes = examples(vectors, scale)
    scorer, scored = classifier.imprinted(known)
    found = classifier.calibrated(scored, known)
    return openset.probabilities(scorer(probes), found.calibration), found.threshold


def test_other_cosines_on_their_own_scale_give_the_same_answers(spaces: tuple[np.ndarray, np.ndarray]) -> None:
    here, there = spaces
    (expected, threshold), (found, other) = answers(here, DLIB), answers(there, SCALE)
    assert other == pytest.approx(threshold, abs=1e-6)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0.2 < (expected.max(axis=1) >= threshold).mean() < 0.8  # some are named, some are not
    wrong, _ = answers(there, DLIB)
    assert np.abs(wrong - expected).max() > 0.2


def test_on_dlibs_scale_nothing_changes_by_a_bit(spaces: tuple[np.ndarray, np.ndarray]) -> None:
    known, _ = examples(spaces[0], DLIB)
    _, scored = classifier.imprinted(known)
    assert calibration.calibrate(scored, known.counts) == calibration._on_dlibs_scale(scored, known.counts)
    assert DLIB.to_dlib(0.1234567) == DLIB.from_dlib(0.1234567) == 0.1234567
    assert CosineScale.of(0.55 / 1.42) == DLIB


def test_a_model_keeps_its_scale_and_others_need_none(
    spaces: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    import onnxruntime

    known, probes = examples(spaces[1], SCALE)
    scorer, scored = classifier.imprinted(known)
    found = classifier.calibrated(scored, known)
    names = tuple(f"P{number}" for number in range(30))
    model = model_files.StoredModel(
        names, "mine-12345678", found.threshold, found.calibration, {"rows": scorer.rows}, {}, scorer.cohort,
        scorer.negatives, scale=SCALE,
    )  # fmt: skip
    read = model_files.read(model_files.write(model, tmp_path))
    assert read.scale == SCALE
    vectors = probes.astype(np.float32)
    expected = openset.probabilities(read.scorer()(vectors), read.calibration)
    network = onnxruntime.InferenceSession(recogniser_graph(read, None).SerializeToString())
    np.testing.assert_allclose(network.run(None, {"vectors": vectors})[0], expected, atol=1e-6)
    plain = model_files.write(replace(model, scale=DLIB), tmp_path)
    assert model_files.SCALE not in (plain / "model.json").read_text()


def test_no_face_has_any_dimension() -> None:
    some = FaceSet.strangers(np.ones((2, 192), np.float32))
    assert (FaceSet.none() + some).vectors.shape == (some + FaceSet.none()).vectors.shape == (2, 192)
