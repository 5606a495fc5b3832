"""Who is on a photo, from its file to the names: beside face_recognition's two ways."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.recognition import model_files, training
from faceid_core.settings import Settings
from faceid_core.values import Image, Recognised
from faceid_core.vision.detection import make_detector
from faceid_core.vision.embedding import make_embedder
from tests.bench.engine.common import enlarged, fastest, pixels_of, seconds, table
from tests.bench.engine.verification import centre_crop

if TYPE_CHECKING:
    from faceid_core.recognition.recogniser import Recogniser

FACES = 5
PEOPLE = 20
MEGAPIXELS = 1


def bench_recognition(data: Path, settings: Settings) -> None:
    """Photos of a megapixel with five faces, PEOPLE known ones; HOG with one enlargement, as face_recognition does
    by default, its CNN with none. HOG misses faces, and what it misses costs it nothing."""
    import face_recognition

    with tempfile.TemporaryDirectory() as folder:
        photos = _photos(data, Path(folder), settings)
        crops, names = _known_people(data, settings)
        recogniser = _recogniser(crops, names, settings, Path(folder))
        known = list(make_embedder(settings.model_copy(update={"mirror": False}), threads=1).embed(crops))
        ours = [partial(_recognise, recogniser, path) for path in photos]
        loop = partial(_face_recognition, face_recognition, known)
        spent = fastest({"ours": [*ours], "HOG": [partial(loop, path, "hog") for path in photos]}, 7)
        spent["CNN"] = sum(seconds(partial(loop, path, "cnn"), 1) for path in photos)
        found = {"ours": sum(len(work()) for work in ours)}
        found |= {name: sum(len(loop(path, name.lower())) for path in photos) for name in ("HOG", "CNN")}
    rows = [(name, found[name], each / len(photos) * 1e3, each / spent["ours"]) for name, each in spent.items()]
    title = f"Recognition, {len(photos)} photos of {MEGAPIXELS} megapixel, {FACES} faces each, one core"
    table(title, ("", "faces", "CPU ms a photo", "ratio"), rows)


def _photos(data: Path, folder: Path, settings: Settings) -> list[Path]:
    detector = make_detector(settings, threads=1)
    found = [path for path in sorted((data / "groups").glob("*.jpg"))
             if len(detector.detect(pixels_of(path))) == FACES]  # fmt: skip
    for path in found:
        enlarged(path, MEGAPIXELS).save(folder / path.name, quality=90)
    return [folder / path.name for path in found]


def _known_people(data: Path, settings: Settings) -> tuple[Image, list[str]]:
    """Two faces of each."""
    detector = make_detector(settings, threads=1)
    folders = [each for each in sorted((data / "lfw").iterdir()) if len(list(each.glob("*.jpg"))) > 1][:PEOPLE]
    paths = [path for each in folders for path in sorted(each.glob("*.jpg"))[:2]]
    crops = {path: crop for path in paths if (crop := centre_crop(path, detector)) is not None}
    return np.stack(list(crops.values())), [path.parent.name for path in crops]


def _recogniser(crops: Image, names: list[str], settings: Settings, folder: Path) -> Recogniser:
    from faceid_core.recognition.recogniser import Recogniser

    vectors = make_embedder(settings, threads=1).embed(crops)
    data = training.TrainingData(crops, names, np.arange(len(names)), vectors=vectors)
    made = training.train(data, options=training.TrainOptions(recipe="imprint"))
    return Recogniser.load(model_files.write(made.model, folder), settings=settings, threads=1)


def _recognise(recogniser: Recogniser, path: Path) -> list[Recognised]:
    return recogniser.recognise(pixels_of(path))


def _face_recognition(package: object, known: list[np.ndarray], path: Path, model: str) -> list[np.ndarray]:
    """As in its examples."""
    image = package.load_image_file(path)  # type: ignore[attr-defined]
    boxes = package.face_locations(image, 1 if model == "hog" else 0, model)  # type: ignore[attr-defined]
    found = package.face_encodings(image, boxes)  # type: ignore[attr-defined]
    return [package.face_distance(known, vector) for vector in found]  # type: ignore[attr-defined]
