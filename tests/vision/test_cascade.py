"""The fast detector gives the answers of the plain one, which searches everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceid_core.engine import sessions
from faceid_core.media import images
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.values import Box
from faceid_core.vision import cascade, mmod
from faceid_core.vision.cascade import CascadeDetector
from faceid_core.vision.detector import scaled, search_scale
from faceid_core.vision.mmod import MmodDetector

Found = list[tuple[Box, float]]


@pytest.fixture(scope="module")
def fast(engine_settings: Settings) -> CascadeDetector:
    return CascadeDetector(engine_settings)


@pytest.fixture(scope="module")
def plain(engine_settings: Settings) -> MmodDetector:
    return MmodDetector(engine_settings)


def assert_same(found: Found, expected: Found) -> None:
    assert len(found) == len(expected)
    for (box, score), (true_box, true_score) in zip(found, expected, strict=True):
        assert box.iou(true_box) > 0.999
        assert score == pytest.approx(true_score, abs=1e-3)


def searched(path: Path, side_px: int) -> np.ndarray:
    pixels = images.read(path).pixels
    return scaled(pixels, search_scale(pixels.shape[1], pixels.shape[0], side_px))


@pytest.mark.slow
def test_it_gives_the_boxes_and_scores_of_the_plain_detector(
    fast: CascadeDetector, plain: MmodDetector, album: Album
) -> None:
    total = 0
    for name in list(album.photos)[:4]:
        photo = searched(album.folder / name, 900)
        expected = plain.search(photo)
        assert_same(fast.search(photo), expected)
        total += len(expected)
    assert total >= 4


@pytest.mark.slow
def test_it_gives_them_on_real_photos(fast: CascadeDetector, plain: MmodDetector, shared_data: Path) -> None:
    total = 0
    for path in [
        *sorted((shared_data / "dlib_boxes").glob("*.jpg")),
        *sorted((shared_data / "snapshots").glob("*")),
    ]:
        if path.suffix == ".jpg":
            photo = searched(path, 1600)
            expected = plain.search(photo)
            assert_same(fast.search(photo), expected)
            total += len(expected)
    assert total >= 50


def test_where_many_faces_are_it_searches_everything(
    fast: CascadeDetector, plain: MmodDetector, album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = searched(album.folder / max(album.photos, key=lambda name: len(album.photos[name])), 500)
    monkeypatch.setattr(cascade, "WORTH_SHARE", 0.0)
    assert_same(fast.search(photo), plain.search(photo))


@pytest.mark.parametrize("shape", [(64, 64, 3), (333, 411, 3), (250, 97, 3)])
def test_exact_scores_of_pieces_are_those_of_the_whole(
    shape: tuple[int, int, int], fast: CascadeDetector, plain: MmodDetector
) -> None:
    """At the borders, too, where the network pads with zeros."""
    canvas = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    whole = plain.scores(canvas)
    tile = np.array([0, 0, shape[1] - 1, shape[0] - 1])
    places = [(x, y) for x in (0, shape[1] / 2, shape[1]) for y in (0, shape[0] / 2, shape[0])]
    pieces = [cascade._piece(place, 0, tile, shape) for place in places]
    scores = fast._exact(pieces, canvas)
    for piece in pieces:
        np.testing.assert_allclose(scores[piece.cells], whole[piece.cells], atol=1e-4)


def test_the_8_bit_scores_are_near_the_exact_ones_where_faces_are(
    plain: MmodDetector, engine_settings: Settings, album: Album
) -> None:
    network = sessions.session("mmod-int8", engine_settings)
    name = max(album.photos, key=lambda name: len(album.photos[name]))
    _, canvas = mmod.tile_pyramid(searched(album.folder / name, 800), plain._weights.mean)
    canvas = np.ascontiguousarray(canvas[:, : canvas.shape[1] // 8 * 8])
    exact = plain.scores(canvas)
    near = network.run(None, {"images": canvas[None]})[0][0]
    assert near.shape == exact.shape
    assert (exact > 0).any()
    assert np.abs(near - exact)[exact > -1].max() < 0.3


def test_other_hardware_runs_the_plain_search(
    plain: MmodDetector, engine_settings: Settings, album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    others = ["SomeExecutionProvider", "CPUExecutionProvider"]
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: others)
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda model, options, providers: real(model, options))
    detector = CascadeDetector(engine_settings.model_copy(update={"providers": others}))
    photo = searched(album.folder / next(iter(album.photos)), 400)
    assert_same(detector.search(photo), plain.search(photo))
    assert not any(key[0] == "mmod-int8" and key[2] == tuple(others) for key in sessions._sessions)
