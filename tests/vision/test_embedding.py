"""Alignment and embedding: parity with dlib, and the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceid_core.engine.weights import weights_path
from faceid_core.errors import UnknownChoice
from faceid_core.library import Library
from faceid_core.media.images import decode_jpeg
from faceid_core.settings import Settings
from faceid_core.vision import dlib_resnet
from faceid_core.vision.embedder import mirrored
from faceid_core.vision.embedding import EMBEDDERS, make_embedder


@pytest.fixture(scope="module")
def crops(imported_folder: Path) -> np.ndarray:
    with Library.open(Settings(library=imported_folder)) as library:
        ids = library.faces.vectors("dlib-resnet+mirror").ids[:5]
        return np.stack([decode_jpeg(data) for data in library.faces.crops(ids).values()])


@pytest.mark.slow
def test_vectors_agree_with_dlib(crops: np.ndarray, engine_settings: Settings) -> None:
    import dlib

    reference = dlib.face_recognition_model_v1(str(weights_path("resnet")))
    expected = np.array([np.array(reference.compute_face_descriptor(crop)) for crop in crops])
    plain = make_embedder(engine_settings.model_copy(update={"mirror": False, "precision": "exact"}))
    assert np.abs(plain.embed(crops) - expected).max() < 1e-5


def test_mirroring_is_the_mean_of_both_and_a_space_of_its_own(crops: np.ndarray, engine_settings: Settings) -> None:
    plain = make_embedder(engine_settings.model_copy(update={"mirror": False}))
    mirrored = make_embedder(engine_settings)
    mean = (plain.embed(crops) + plain.embed(np.ascontiguousarray(crops[:, :, ::-1]))) / 2
    assert np.abs(mirrored.embed(crops) - mean).max() < 1e-6
    assert mirrored.name != plain.name


@pytest.mark.parametrize("part", [slice(1), slice(None), slice(None, None, -2)])
def test_mirror_images(part: slice) -> None:
    some = np.random.default_rng(0).integers(0, 256, (5, 7, 6, 3), np.uint8)[part]
    np.testing.assert_array_equal(mirrored(some), some[:, :, ::-1])


@pytest.mark.parametrize("name", sorted(EMBEDDERS))
def test_every_embedder_keeps_the_contract(name: str, engine_settings: Settings) -> None:
    embedder = EMBEDDERS[name](engine_settings)
    assert embedder.name.startswith(name) and embedder.default_threshold > 0 and embedder.computes
    none = embedder.embed(np.zeros((0, embedder.size_px, embedder.size_px, 3), np.uint8))
    assert none.shape == (0, embedder.dimension)
    two = embedder.embed(np.full((2, embedder.size_px, embedder.size_px, 3), 90, np.uint8))
    assert two.shape == (2, embedder.dimension)
    assert two.dtype == np.float32 and np.isfinite(two).all()
    with pytest.raises(ValueError, match="uint8"):
        embedder.embed(np.zeros((1, 10, 10, 3), np.uint8))


def test_an_unknown_embedder_is_refused_with_the_choices(engine_settings: Settings) -> None:
    with pytest.raises(UnknownChoice, match="dlib-resnet"):
        make_embedder(engine_settings.model_copy(update={"embedder": "hash"}))


@pytest.mark.slow
def test_on_a_graphics_card_batches_are_of_one_size(
    crops: np.ndarray, engine_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = make_embedder(engine_settings.model_copy(update={"precision": "exact"}))
    eleven = np.concatenate([crops] * 3)[:11]
    expected = embedder.embed(eleven)
    network: Any = vars(embedder)["_network"]
    real, sizes = network._session, list[int]()

    class Noting:
        def run(self, outputs: None, given: dict[str, np.ndarray]) -> Any:
            sizes.append(len(given["crops"]))
            return real.run(outputs, given)

    monkeypatch.setattr(network, "_session", Noting())
    monkeypatch.setattr(network, "_always", dlib_resnet.CARD_BATCH)
    np.testing.assert_allclose(embedder.embed(eleven), expected, atol=1e-5)
    assert set(sizes) == {dlib_resnet.CARD_BATCH}
