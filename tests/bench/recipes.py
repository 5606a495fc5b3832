"""What each recipe of the training is worth, on the same people of Labeled Faces in the Wild; no test.

    python -m tests.bench.recipes DATA [--cache FILE.npz] [--people 20] [--faces 5] [--draws 3] [--weights FILE]

DATA is a folder with `lfw/Name/*.jpg`; the cache keeps its aligned faces and their vectors. In each draw, people
are divided into known ones, others that lie unnamed in the library, and strangers; tests/bench/recognition.py tells
what the columns are. `cosine` is the plain cosine to the mean without a cohort. The others are trained as
`faceid train` does, and judged as they are served; head and fine-tune hold a quarter of each person's photos back.
`classic` is judged by its log-probabilities; it names nobody below what 1 in 100 of the library's unnamed faces
reach. It starts from torchvision's weights for ImageNet where it finds them, else from random ones, and is then
called `scratch`. seconds: of one core, for one training, packages being loaded.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from torchvision.models import resnet34

from faceid_core.errors import TrainerMissing
from faceid_core.media import folders, images
from faceid_core.recognition import classic, model_files, openset, training
from faceid_core.recognition.recogniser import Recogniser
from faceid_core.recognition.scoring import FaceSet
from faceid_core.settings import Settings
from faceid_core.values import Image, Vectors
from faceid_core.vision.alignment import align
from faceid_core.vision.detection import make_detector
from faceid_core.vision.embedding import make_embedder
from tests.bench import recognition
from tests.bench.recognition import Draw, Outcome

TRAINED = ("imprint", "head", "fine-tune")
UNNAMED = 550


def lfw_faces(folder: Path, settings: Settings) -> tuple[Image, Vectors, np.ndarray]:
    """Aligned crops of each photo's central face, their vectors, and names."""
    detector, embedder, crops, names = make_detector(settings), make_embedder(settings), [], []
    for path in folders.walk([folder]):
        pixels = images.read(path, max_megapixels=settings.max_megapixels).pixels
        if faces := detector.detect(pixels):
            middle = np.array([pixels.shape[1], pixels.shape[0]]) / 2
            centre = min(faces, key=lambda face: float(np.abs(face.landmarks.mean(0) - middle).sum()))
            crops.append(align(pixels, centre.landmarks))
            names.append(path.parent.name)
    return np.stack(crops), embedder.embed(np.stack(crops)), np.array(names)


def cached_faces(data: Path, cache: Path | None, settings: Settings) -> tuple[Image, Vectors, np.ndarray]:
    if cache and cache.exists():
        stored = np.load(cache)
        return stored["crops"], stored["vectors"], stored["names"]
    crops, vectors, names = lfw_faces(data / "lfw", settings)
    if cache:
        np.savez(cache, crops=crops, vectors=vectors, names=names)
    return crops, vectors, names


def trained(recipe: str, crops: Image, vectors: Vectors, names: np.ndarray, draw: Draw, seed: int) -> Outcome:
    """Of a recogniser as `faceid train` makes, saves and serves it."""
    known, others = draw.train, draw.unnamed
    started = time.process_time()
    data = training.TrainingData(
        crops[known], names[known].tolist(), known, vectors=vectors[known],
        strangers=FaceSet.strangers(vectors[others]),
        stranger_crops=crops[others] if recipe == "fine-tune" else None,
    )  # fmt: skip
    made = training.train(data, options=training.TrainOptions(recipe=recipe, seed=seed))
    seconds = time.process_time() - started
    with tempfile.TemporaryDirectory() as folder:
        stored = model_files.write(made.model, Path(folder))
        served = Recogniser.load(stored, settings=Settings(library=Path(folder)))
        classes, calibration = np.array(made.report.classes), made.model.calibration

        def looked(part: np.ndarray) -> Vectors:
            return served.embedder.embed(crops[part]) if made.report.kept == "network" else vectors[part]

        own, strange = served.scorer(looked(draw.test)), served.scorer(looked(draw.strangers))
    shares, others_shares = (openset.probabilities(scores, calibration) for scores in (own, strange))
    right = classes[shares.argmax(1)] == names[draw.test]
    return Outcome(
        own.max(1), shares.max(1), right, draw.wanted, strange.max(1), others_shares.max(1),
        np.unique(names[draw.strangers], return_inverse=True)[1], made.report.threshold, seconds,
    )  # fmt: skip


def classical(weights: Path, crops: Image, names: np.ndarray, draw: Draw, seed: int) -> Outcome:
    """Of ResNet-34 that learns the people from pixels."""
    count = len(draw.train)
    faces = np.concatenate([draw.train, draw.test])
    pictures = classic.Pictures(
        crops[faces], np.concatenate([draw.classes, draw.wanted]), np.arange(len(faces)) >= count,
        crops[np.concatenate([draw.unnamed, draw.strangers])],
    )  # fmt: skip
    started = ended = time.process_time()

    def tick(message: str) -> None:
        nonlocal ended
        ended = time.process_time() if message.startswith("Training") else ended

    found = classic.fit(pictures, weights, epochs=training.TrainOptions().epochs, seed=seed, tick=tick)
    unnamed, strange = np.split(found.strangers.max(1), [len(draw.unnamed)])
    best = found.genuine.max(1)
    return Outcome(
        best, np.exp(best), found.genuine.argmax(1) == draw.wanted, draw.wanted, strange, np.exp(strange),
        np.unique(names[draw.strangers], return_inverse=True)[1], float(np.exp(np.quantile(unnamed, 0.99))),
        ended - started,
    )  # fmt: skip


def found_weights(given: Path | None, folder: Path) -> tuple[str, Path]:
    """What the row is called, and the file."""
    try:
        return "classic", classic.weights_file(given)
    except TrainerMissing:
        torch.manual_seed(0)
        torch.save(resnet34(weights=None).state_dict(), folder / "random.pth")
        return "scratch", folder / "random.pth"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--faces", type=int, default=5)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--classic-draws", type=int, default=1, help="it takes minutes for each")
    parser.add_argument("--weights", type=Path, help="torchvision's ResNet-34")
    parser.add_argument("--recipes", nargs="*", help="only these")
    given = parser.parse_args()
    torch.set_num_threads(1)
    import_module("faceid_core.recognition.fastai_fit")  # takes seconds, which are not the training's
    with tempfile.TemporaryDirectory() as folder:
        crops, vectors, names = cached_faces(given.data, given.cache, Settings(library=Path(folder)))
        draws = [recognition.drawn(names, given.people, given.faces, UNNAMED, seed) for seed in range(given.draws)]
        name, weights = found_weights(given.weights, Path(folder))
        outcome_of: dict[str, Callable[[Draw, int], Outcome]] = {
            "cosine": lambda draw, seed: recognition.outcome(vectors, names, draw, "cosine"),
            **{each: partial(trained, each, crops, vectors, names) for each in TRAINED},
            name: partial(classical, weights, crops, names),
        }
        print("recipe    draws seconds ", "  ".join(f"{column:22}" for column in recognition.COLUMNS))
        for recipe, outcome in outcome_of.items():
            if given.recipes and recipe not in given.recipes:
                continue
            some = draws[: given.classic_draws] if recipe == name else draws
            found = [outcome(draw, seed) for seed, draw in enumerate(some)]
            seconds = np.mean([each.seconds for each in found])
            print(f"{recipe:10}{len(found):5} {seconds:7.1f} ", recognition.line(found), flush=True)


if __name__ == "__main__":
    main()
