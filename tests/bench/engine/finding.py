"""Faces found on photos with known boxes, and false ones on photos without a face."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from faceid_core.settings import Settings
from faceid_core.values import Box
from faceid_core.vision.detection import make_detector
from faceid_core.vision.detector import Detector
from faceid_core.vision.dlib_detectors import DlibCnnDetector, HogDetector
from faceid_core.vision.mmod import MmodDetector
from tests.bench.engine.common import pixels_of, table

NEGATIVES = ("7.jpg", "9.jpg", "10.jpg", "11.jpg", "13.jpg", "14.jpg", "15.jpg", "19.jpg")
"""The photos of snapshots without a human face: a drawing, a cat, a dog, a mask, and things."""

HIT_IOU = 0.4
"""The two data sets draw their boxes differently; what hits a face at all is above this."""


def truth_boxes(data: Path) -> Iterator[tuple[Path, list[Box]]]:
    """dlib's own training and testing boxes."""
    for name in ("training.xml", "testing.xml"):
        for image in ElementTree.parse(data / "dlib_boxes" / name).getroot().iter("image"):
            boxes = [{key: float(value) for key, value in box.attrib.items()} for box in image.iter("box")]
            yield (
                data / "dlib_boxes" / str(image.get("file")),
                [
                    Box(box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"])
                    for box in boxes
                ],
            )


def truth_groups(data: Path) -> Iterator[tuple[Path, list[Box]]]:
    truth = json.loads((data / "groups" / "groundtruth.json").read_text())
    for name, faces in truth.items():
        yield (
            data / "groups" / name,
            [
                Box(
                    face["box"][0], face["box"][1], face["box"][0] + face["box"][2], face["box"][1] + face["box"][3]
                )
                for face in faces
            ],
        )


def truth_crowds(data: Path) -> list[tuple[Path, list[Box]]]:
    """Faces from 24 px up on which two networks agree, CenterFace at 1600 px one of them."""
    truth = json.loads((data / "crowds" / "groundtruth.json").read_text())
    return [(data / "crowds" / name, [Box(*box) for box in boxes]) for name, boxes in truth.items()]


def matched(truth: list[Box], found: list[Box]) -> int:
    """True boxes that some found box hits, each found box once, best pairs first."""
    pairs = sorted(((box.iou(other), i, j) for i, box in enumerate(truth) for j, other in enumerate(found)),
                   reverse=True)  # fmt: skip
    used: set[tuple[str, int]] = set()
    hits = 0
    for iou, i, j in pairs:
        if iou >= HIT_IOU and ("t", i) not in used and ("f", j) not in used:
            used |= {("t", i), ("f", j)}
            hits += 1
    return hits


def recall_detectors(settings: Settings, *, slow: bool) -> dict[str, Detector]:
    """slow: also those that take a second a photo and more."""
    sizes = {f"centerface, {size}": {"smallest_face": size} for size in ("fast", "normal", "every")}
    detectors: dict[str, Detector] = {
        "mmod": make_detector(settings.model_copy(update={"detector": "mmod"}), threads=1),
        **{
            name: make_detector(settings.model_copy(update={"detector": "centerface", **size}), threads=1)
            for name, size in sizes.items()
        },
    }
    if slow:
        detectors["mmod, plain search"] = MmodDetector(settings, threads=1)
        detectors["HOG, same scale"] = HogDetector(settings)
        detectors["dlib CNN, same scale"] = DlibCnnDetector(settings)
    return detectors


def bench_recall(data: Path, settings: Settings, *, slow: bool = False) -> None:
    """Faces found, and CPU time a photo beside that of mmod, by set. family has no known boxes: all are counted."""
    sets: dict[str, list[tuple[Path, list[Box]]]] = {
        "dlib_boxes": list(truth_boxes(data)),
        "groups": list(truth_groups(data)),
        "crowds": truth_crowds(data),
        "family": [(path, []) for path in sorted((data / "family").glob("*.jpg"))],
    }
    rows, baselines = [], dict[str, float]()
    for name, detector in recall_detectors(settings, slow=slow).items():
        cells: list[object] = [name]
        for what, photos in sets.items():
            hits, boxes, seconds = _searched(detector, photos)
            known = sum(len(truth) for _, truth in photos)
            ratio = seconds / baselines.setdefault(what, seconds)
            cells += [f"{hits} of {known}" if known else "", boxes, f"{ratio:.2f}"]
            print(name, what, *cells[-3:], file=sys.stderr, flush=True)
        rows.append(tuple(cells))
    head = [part for each in sets for part in (each, "boxes in all", "CPU time")]
    table("Recall", ("", *head), rows)


def _searched(detector: Detector, photos: list[tuple[Path, list[Box]]]) -> tuple[int, int, float]:
    """True boxes found, boxes in all, and CPU seconds of the search."""
    hits = boxes = 0
    seconds = 0.0
    detector.detect(pixels_of(photos[0][0]))
    for path, truth in photos:
        photo = pixels_of(path)
        started = time.process_time()
        found = [face.box for face in detector.detect(photo)]
        seconds += time.process_time() - started
        hits, boxes = hits + matched(truth, found), boxes + len(found)
    return hits, boxes, seconds


def bench_negatives(data: Path, settings: Settings, *, slow: bool = False) -> None:
    rows = []
    for name, detector in recall_detectors(settings, slow=slow).items():
        scores = [face.score for file in NEGATIVES
                  for face in detector.detect(pixels_of(data / "snapshots" / file))]  # fmt: skip
        rows.append((name, len(scores), ", ".join(f"{score:.2f}" for score in scores)))
    table(f"False faces on {len(NEGATIVES)} photos without a face", ("", "faces", "scores"), rows)
