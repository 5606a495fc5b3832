"""A library of vectors, and recognisers trained on them: no network is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from faceid_core.library import Library, ModelView
from faceid_core.recognition.training import TrainOptions
from faceid_core.steps import apply_recogniser, recognise, snapshot, train
from faceid_core.values import NewPhoto
from tests.library.conftest import new_photo

EMBEDDER = "dlib-resnet+mirror"
NAMES = ("Ada", "Bo", "Cy")
EACH, STRANGERS = 6, 70


class NoNetwork:
    """The embedder as far as it goes without pictures."""

    name, dimension, default_threshold = EMBEDDER, 128, 0.55


def vectors_of(people: Sequence[int], seed: int, noise: float = 0.2) -> np.ndarray:
    """(N, 128): faces of people by number; everybody has a place of their own."""
    noisy = np.random.default_rng(seed).normal(0, noise, (len(people), 128))
    places = np.stack([np.random.default_rng(1000 + person).normal(2, 1, 128) for person in people])
    return (places + noisy).astype(np.float32)


def photo(number: int, *vectors: np.ndarray) -> NewPhoto:
    drawn = new_photo(f"/{number}.jpg", faces=len(vectors))
    faces = tuple(
        replace(face, vector=vector, crop=b"face %d of %d" % (place, number))
        for place, (face, vector) in enumerate(zip(drawn.faces, vectors, strict=True))
    )
    return replace(drawn, embedder=EMBEDDER, faces=faces)


def fill(library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Ada, Bo and Cy on six photos each (faces 1 to 18), and seventy strangers, one photo each (19 to 88)."""
    monkeypatch.setattr(snapshot, "load_embedder", lambda settings: NoNetwork())
    monkeypatch.setattr(snapshot, "embed_missing", lambda library, embedder: None)
    for module in (train, apply_recogniser):
        monkeypatch.setattr(module, "decoded", pictures)
    monkeypatch.setattr(recognise, "load_embedder", lambda settings: NoNetwork())
    monkeypatch.setattr(recognise, "load_detector", lambda settings: None)
    people = [number for number in range(len(NAMES)) for _ in range(EACH)] + list(range(10, 10 + STRANGERS))
    rows = vectors_of(people, 1)
    library.photos.add_many([photo(number, row) for number, row in enumerate(rows)])
    for number, name in enumerate(NAMES):
        library.people.name_faces(range(1 + EACH * number, 1 + EACH * (number + 1)), name)
    return library


def pictures(library: Library, ids: Sequence[int]) -> np.ndarray:
    """Crops that differ: copies of one picture would be one photo to the training."""
    ids = list(ids)
    noise = [np.random.default_rng(int(face)).integers(0, 255, (150, 150, 3), np.uint8) for face in ids]
    return np.stack(noise) if noise else np.empty((0, 150, 150, 3), np.uint8)


def trained(library: Library) -> ModelView:
    return train.train_recogniser(library, options=TrainOptions(recipe="imprint"))
