"""Parity with face_recognition: same boxes, scores and vectors as the package that our networks come from."""

from __future__ import annotations

import subprocess
import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from faceid_core.engine import face_recognition_process
from faceid_core.engine.face_recognition_process import ReferenceFace
from faceid_core.errors import ReferenceMissing
from faceid_core.media import folders, images
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.values import Image
from faceid_core.vision.alignment import align, by_dlib
from faceid_core.vision.embedding import make_embedder
from faceid_core.vision.mmod import MmodDetector

installed = pytest.mark.skipif(
    any(util.find_spec(name) is None for name in face_recognition_process.NEEDED),
    reason="the optional extra `reference` (face_recognition) is not installed",
)


def read(file: Path, side_px: int) -> Image:
    """A photo at the size at which both engines search it; dlib's CNN takes seconds a megapixel."""
    return images.thumbnail(images.read(file).pixels, side_px)


def assert_detections_agree(photo: Image, expected: list[ReferenceFace], settings: Settings) -> None:
    """None more and none less; dlib rounds its boxes to whole pixels. (Asked for: IoU 0.9, scores within 0.05.)"""
    found = MmodDetector(settings).search(photo)
    assert len(found) == len(expected)
    for true in expected:
        box, score = max(found, key=lambda face: face[0].iou(true.box))
        assert box.iou(true.box) >= 0.95
        assert score == pytest.approx(true.score, abs=0.005)


def assert_vectors_agree(photo: Image, expected: list[ReferenceFace], settings: Settings) -> None:
    """Landmarks, alignment and network together, from the same box: every number within 1e-5 with dlib's chips, the
    vector within 0.001 with ours, which differ by single pixels."""
    detector = MmodDetector(settings)
    embedder = make_embedder(settings.model_copy(update={"mirror": False, "precision": "exact"}))
    points = [detector.landmarks(photo, face.inside) for face in expected]
    vectors = np.stack([face.vector for face in expected])
    exact, ours = (embedder.embed(np.stack([cut(photo, each) for each in points])) for cut in (by_dlib, align))
    assert np.abs(exact - vectors).max() < 1e-5
    assert np.linalg.norm(ours - vectors, axis=1).max() < 1e-3


def assert_parity(photos: list[Image], settings: Settings) -> int:
    """Compare both engines on the photos; the number of faces compared."""
    reference_faces = face_recognition_process.find_faces(photos)
    for photo, expected in zip(photos, reference_faces, strict=True):
        assert_detections_agree(photo, expected, settings)
        if expected:
            assert_vectors_agree(photo, expected, settings)
    return sum(map(len, reference_faces))


@installed
@pytest.mark.slow
def test_a_drawn_group_and_an_empty_picture_agree(album: Album, engine_settings: Settings) -> None:
    group = max(album.photos, key=lambda name: len(album.photos[name]))
    empty = np.full((64, 64, 3), 127, np.uint8)
    assert assert_parity([read(album.folder / group, 640), empty], engine_settings) >= 2


@installed
@pytest.mark.slow
def test_the_whole_album_agrees(album: Album, engine_settings: Settings) -> None:
    photos = [read(album.folder / name, 800) for name in album.photos]
    assert assert_parity(photos, engine_settings) >= len(photos)


@installed
@pytest.mark.slow
@pytest.mark.parametrize("folder", ["family", "bigbang"])
def test_real_photos_agree(folder: str, shared_data: Path, engine_settings: Settings) -> None:
    files = list(folders.walk([shared_data / folder]))[:16]
    photos = [read(file, 640) for file in files]
    assert assert_parity(photos, engine_settings) >= len(photos) // 2


def test_no_photos_need_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_recognition_process, "NEEDED", ())
    monkeypatch.setattr(subprocess, "run", None)
    assert face_recognition_process.find_faces([]) == []


def test_without_the_extra_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_recognition_process, "NEEDED", ("face_recognition_of_nobody",))
    with pytest.raises(ReferenceMissing, match=r"lacks face_recognition_of_nobody; .*run install reference"):
        face_recognition_process.find_faces([np.zeros((8, 8, 3), np.uint8)])


def test_a_package_that_quits_is_a_sentence_and_does_not_end_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """face_recognition calls quit() where it misses its models: exit code 0, and no answer."""
    (tmp_path / "face_recognition.py").write_text("print('Please install my models')\nquit()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(face_recognition_process, "NEEDED", ())
    with pytest.raises(ReferenceMissing, match="Please install my models"):
        face_recognition_process.find_faces([np.zeros((8, 8, 3), np.uint8)])
    assert "face_recognition" not in sys.modules
