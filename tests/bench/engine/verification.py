"""Which of two faces are of one person: LFW's pairs."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import numpy as np

from faceid_core.engine.weights import weights_path
from faceid_core.settings import Settings
from faceid_core.values import Box
from faceid_core.vision.alignment import align
from faceid_core.vision.detection import make_detector
from faceid_core.vision.detector import Detector
from faceid_core.vision.embedding import make_embedder
from tests.bench.engine.common import pixels_of, precisions, table


def lfw_pairs(data: Path) -> list[tuple[Path, Path, bool]]:
    pairs = []
    for line in (data / "lfw_pairs.txt").read_text().splitlines():
        cells = line.split()
        if len(cells) == 3:
            pairs.append((_lfw(data, cells[0], cells[1]), _lfw(data, cells[0], cells[2]), True))
        elif len(cells) == 4:
            pairs.append((_lfw(data, cells[0], cells[1]), _lfw(data, cells[2], cells[3]), False))
    return pairs


def _lfw(data: Path, name: str, number: str) -> Path:
    return data / "lfw" / name / f"{name}_{int(number):04}.jpg"


def centre_crop(path: Path, detector: Detector) -> np.ndarray | None:
    """The aligned face nearest to the middle, or None."""
    photo = pixels_of(path)
    middle = photo.shape[1] / 2, photo.shape[0] / 2
    faces = detector.detect(photo)
    if not faces:
        return None

    def off(box: Box) -> float:
        return float(np.hypot((box.left + box.right) / 2 - middle[0], (box.top + box.bottom) / 2 - middle[1]))

    return align(photo, min(faces, key=lambda face: off(face.box)).landmarks)


def ten_fold(distances: np.ndarray, same: np.ndarray) -> float:
    """Mean accuracy over 10 folds, each with the threshold that is best on the other nine."""
    folds = np.arange(len(same)) % 10
    cuts = np.unique(distances)
    accuracies = []
    for fold in range(10):
        train = folds != fold
        right = [((distances[train] < cut) == same[train]).mean() for cut in cuts]
        accuracies.append(((distances[~train] < cuts[int(np.argmax(right))]) == same[~train]).mean())
    return float(np.mean(accuracies))


def tar_at_far(distances: np.ndarray, same: np.ndarray, far: float) -> float:
    """True accepts where at most that share of the different pairs is accepted (interpolated: few pairs)."""
    return float((distances[same] < np.quantile(distances[~same], far)).mean())


def bench_lfw(data: Path, settings: Settings) -> None:
    import dlib

    pairs = lfw_pairs(data)
    small = settings.model_copy(update={"detection_side_px": 250})
    detector = make_detector(small)
    crops = {path: centre_crop(path, detector) for path in sorted({path for pair in pairs for path in pair[:2]})}
    found = {path: crop for path, crop in crops.items() if crop is not None}
    have, stack = list(found), np.stack(list(found.values()))
    usable = [pair for pair in pairs if crops[pair[0]] is not None and crops[pair[1]] is not None]
    same = np.array([pair[2] for pair in usable])
    rows = []
    for mirror, each in product((False, True), precisions(settings)):
        embedder = make_embedder(each.model_copy(update={"mirror": mirror}), threads=1)
        embedder.embed(stack[:2])
        started = time.process_time()
        vectors = dict(zip(have, embedder.embed(stack), strict=True))
        spent = (time.process_time() - started) / len(have) * 1e3
        gaps = np.array([np.linalg.norm(vectors[one] - vectors[other]) for one, other, _ in usable])
        scores = ten_fold(gaps, same), tar_at_far(gaps, same, 1e-3), tar_at_far(gaps, same, 1e-2)
        rows.append((f"mirror {'on' if mirror else 'off'}, {embedder.computes}", *scores, spent))
    head = ("", "accuracy", "TAR at FAR 1e-3", "TAR at FAR 1e-2", "CPU ms a face")
    title = f"LFW verification, {len(usable)} of {len(pairs)} pairs ({len(crops) - len(have)} faces not found)"
    table(title, head, rows)
    network = dlib.face_recognition_model_v1(str(weights_path("resnet")))
    theirs = np.array([np.array(network.compute_face_descriptor(crop)) for crop in stack[:20]])
    exact, *in_half = (make_embedder(each.model_copy(update={"mirror": False})) for each in precisions(settings))
    apart = np.abs(exact.embed(stack[:20]) - theirs).max()
    print(f"\nWithout mirror, ours and dlib's own differ by at most {apart:.1e} on 20 of these crops.")
    for embedder in in_half:
        moved = np.linalg.norm(embedder.embed(stack) - exact.embed(stack), axis=1)
        print(f"Those {embedder.computes} lie {np.median(moved):.3f} off (median; {moved.max():.3f} at most).")
