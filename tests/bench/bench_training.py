"""Accuracy and time of the training on real people; prints figures, is no test.

    python -m tests.bench.bench_training DATA [--cache FILE.npz] [--people 8] [--faces 20] [--recipe fine-tune]

DATA is a folder with `lfw/Name/*.jpg`. People with ten or more photos are known, the others strangers: a third of
the strangers is given to the training, the rest tests it. Half of each known person's photos train, half test.
The baseline is the nearest mean (Euclidean) of untouched embeddings with the embedder's default threshold.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from faceid_core.engine.dlib_format import resnet_weights
from faceid_core.engine.weights import weights_path
from faceid_core.media import folders, images
from faceid_core.recognition import model_files, openset, training
from faceid_core.recognition.recogniser import Recogniser
from faceid_core.settings import Settings
from faceid_core.vision.detection import make_detector
from faceid_core.vision.embedder import align
from faceid_core.vision.embedding import make_embedder

MANY = 10


def lfw_crops(folder: Path, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Aligned crops of each photo's central face, and names."""
    detector, crops, names = make_detector(settings), [], []
    for path in folders.walk([folder]):
        pixels = images.read(path, max_megapixels=settings.max_megapixels).pixels
        faces = detector.detect(pixels)
        if faces:
            middle = np.array([pixels.shape[1], pixels.shape[0]]) / 2
            centre = min(faces, key=lambda face: float(np.abs(face.landmarks.mean(0) - middle).sum()))
            crops.append(align(pixels, centre.landmarks))
            names.append(path.parent.name)
    return np.stack(crops), np.array(names)


def cached_crops(data: Path, cache: Path | None, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    if cache and cache.exists():
        stored = np.load(cache)
        return stored["crops"], stored["names"]
    crops, names = lfw_crops(data / "lfw", settings)
    if cache:
        np.savez(cache, crops=crops, names=names)
    return crops, names


def drawn(names: np.ndarray, people: int, faces: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of the faces to train with, to test with, and of the strangers."""
    rng, counts = np.random.default_rng(seed), Counter(names.tolist())
    known = sorted(name for name, count in counts.items() if count >= MANY)
    train: list[int] = []
    test: list[int] = []
    for name in rng.choice(known, min(people, len(known)), replace=False):
        photos = rng.permutation(np.flatnonzero(names == name))
        half = min(faces, len(photos) // 2)
        train.extend(photos[:half])
        test.extend(photos[half : half + 20])
    return np.array(train), np.array(test), rng.permutation(np.flatnonzero(~np.isin(names, known)))


def baseline(
    crops: np.ndarray,
    names: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    strangers: np.ndarray,
    settings: Settings,
) -> tuple[float, ...]:
    """Accuracy, TPIR at 1 % FPIR, and TPIR and FPIR at the embedder's threshold."""
    embedder = make_embedder(settings)
    learned, probes, others = (embedder.embed(crops[part]) for part in (train, test, strangers))
    people = np.unique(names[train])
    means = np.stack([learned[names[train] == name].mean(0) for name in people])
    distances, strange = (np.linalg.norm(v[:, None] - means, axis=2) for v in (probes, others))
    right, nearest = people[distances.argmin(1)] == names[test], distances.min(1)
    threshold_cosine = np.quantile(strange.min(1), 0.01)
    limit = embedder.default_threshold
    return (
        right.mean(),
        (right & (nearest < threshold_cosine)).mean(),
        (right & (nearest < limit)).mean(),
        (strange.min(1) < limit).mean(),
    )


def served(
    trained: training.Trained,
    crops: np.ndarray,
    names: np.ndarray,
    test: np.ndarray,
    strangers: np.ndarray,
    settings: Settings,
) -> tuple[float, ...]:
    """The same figures of the recogniser as it is served, at its own threshold."""
    with tempfile.TemporaryDirectory() as folder:
        saved = training.save(trained, Path(folder))
        recogniser, stored = Recogniser.load(saved, settings=settings), model_files.read(saved)
    shares, strange = (
        openset.probabilities(recogniser.scorer(recogniser.embedder.embed(crops[part])), stored.calibration)
        for part in (test, strangers)
    )
    right, best = np.array(stored.classes)[shares.argmax(1)] == names[test], shares.max(1)
    threshold_cosine, limit = np.quantile(strange.max(1), 0.99), stored.threshold
    return (
        right.mean(),
        (right & (best > threshold_cosine)).mean(),
        (right & (best >= limit)).mean(),
        (strange.max(1) >= limit).mean(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--faces", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=training.TrainOptions().epochs)
    parser.add_argument("--recipe", choices=list(training.RECIPES), default="best")
    parser.add_argument("--unfreeze", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--no-strangers", action="store_true")
    parser.add_argument("--force", choices=["head", "network"], help="serve this one, whatever validation says")
    given = parser.parse_args()
    settings = Settings(library=Path(tempfile.gettempdir()) / "faceid-bench")
    crops, names = cached_crops(given.data, given.cache, settings)
    weights = resnet_weights(weights_path("resnet"))
    if given.force:
        training._choose = lambda candidates, *_: next(c for c in candidates if c.kind == given.force)
    table: dict[str, list[tuple[float, ...]]] = {"baseline": [], "served": []}
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        train, test, strangers = drawn(names, given.people, given.faces, seed)
        third = len(strangers) // 3
        options = training.TrainOptions(
            epochs=given.epochs, unfreeze_epochs=given.unfreeze, recipe=given.recipe, seed=seed
        )
        trained = training.train(
            crops[train],
            names[train].tolist(),
            train,
            weights=weights,
            strangers=None if given.no_strangers else crops[strangers[:third]],
            options=options,
        )
        probes = strangers[third : third + 600]
        report = trained.report
        print(
            f"seed {seed}: {len(report.classes)} people, {len(train)} faces, {len(test)} test faces, "
            f"{len(probes)} strangers; {report.seconds:.1f} s, kept {trained.kept}; it says of itself: "
            f"accuracy {report.accuracy:.2%}, TPIR {report.tpir:.2%}, FPIR {report.fpir:.2%}",
            *(f"\n  {' '.join(f'{key} {value}' for key, value in each.items())}" for each in report.compared),
            flush=True,
        )
        table["baseline"].append(baseline(crops, names, train, test, probes, settings))
        table["served"].append(served(trained, crops, names, test, probes, settings))
    for name, rows in table.items():
        right, fixed, tpir, fpir = np.mean(rows, axis=0)
        print(
            f"{name:9} accuracy {right:.2%}  TPIR at FPIR 1 % {fixed:.2%}  "
            f"at its threshold TPIR {tpir:.2%} FPIR {fpir:.2%}"
        )


if __name__ == "__main__":
    main()
