"""Our engine beside face_recognition and dlib: both sides in one run, on the same photos and the same core.

python -m tests.bench.bench_engine [SECTION]... [--data DIR]      (default: all sections, ../shared/data)

Sections: embedding, detection, import, recall, negatives, lfw, worker. Prints Markdown tables. Times are CPU
seconds of this process, pinned to one core with one thread: other programs on the machine blur the ratios little.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image as Pillow

from faceid_core import images
from faceid_core.detection import Detector, DlibCnnDetector, HogDetector, MmodDetector, make_detector
from faceid_core.embedding import align, make_embedder
from faceid_core.engine.weights import weights_path
from faceid_core.importing import import_photos
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.values import Box

SHARED = Path(__file__).parents[3] / "shared" / "data"
NEGATIVES = ("7.jpg", "9.jpg", "10.jpg", "11.jpg", "13.jpg", "14.jpg", "15.jpg", "19.jpg")
"""The photos of snapshots without a human face: a drawing, a cat, a dog, a mask, and things."""

MEGAPIXELS = (1, 3, 6, 12)
HIT_IOU = 0.4
"""The two data sets draw their boxes differently; what hits a face at all is above this."""


def table(title: str, head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row) + " |")
    sys.stdout.flush()


def seconds(work: Callable[[], object], repeat: int = 3) -> float:
    """The best of several runs, in CPU seconds."""
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def pixels_of(path: Path) -> np.ndarray:
    return images.read(path).pixels


def enlarged(path: Path, megapixels: float) -> Pillow.Image:
    """A real photo scaled to that many pixels: the shared photos with faces have 1 to 3 megapixels."""
    image = Pillow.fromarray(pixels_of(path))
    factor = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    return image.resize((round(image.width * factor), round(image.height * factor)), Pillow.Resampling.LANCZOS)


def group_photos(data: Path, number: int) -> list[Path]:
    return [*sorted((data / "family").glob("detection*.jpg")), *sorted((data / "groups").glob("*.jpg"))][:number]


def bench_embedding(data: Path, settings: Settings) -> None:
    """face_encodings as its users call it (68 landmarks, one crop at a time) and dlib's network alone."""
    import dlib
    import face_recognition

    detector, embedder = make_detector(settings, threads=1), make_embedder(settings, threads=1)
    photos = [pixels_of(path) for path in group_photos(data, 8)]
    found = [(photo, face) for photo in photos for face in detector.detect(photo)][:16]
    css = [tuple(round(face.box.as_tuple()[at]) for at in (1, 2, 3, 0)) for _, face in found]
    crops = np.stack([align(photo, face.landmarks) for photo, face in found])
    network = dlib.face_recognition_model_v1(str(weights_path("resnet")))
    plain = make_embedder(settings.model_copy(update={"mirror": False}), threads=1)
    theirs = seconds(
        lambda: [face_recognition.face_encodings(photo, [box]) for (photo, _), box in zip(found, css, strict=True)],
        1,
    )
    alone = seconds(lambda: network.compute_face_descriptor([*crops]), 1)
    ours = seconds(lambda: plain.embed(np.stack([align(photo, face.landmarks) for photo, face in found])))
    net, mirrored = seconds(lambda: plain.embed(crops)), seconds(lambda: embedder.embed(crops))
    rows = [
        ("face_recognition.face_encodings", len(found) / theirs, 1.0),
        ("dlib network alone, one batch", len(found) / alone, theirs / alone),
        ("ours: align and embed, one batch", len(found) / ours, theirs / ours),
        ("ours: network alone", len(found) / net, theirs / net),
        ("ours: network with mirror", len(found) / mirrored, theirs / mirrored),
    ]
    table(f"Embedding, {len(found)} faces, one core", ("", "faces/s", "ratio"), rows)


def bench_detection(data: Path, settings: Settings) -> None:
    """dlib's CNN detector on the very pixels that ours searches."""
    paths = group_photos(data, 3)
    photos = [images.thumbnail(pixels_of(path), 800) for path in paths]
    names = ("dlib-cnn", "mmod")
    detectors = {name: _detector(name, settings) for name in names}
    times = {
        name: sum(seconds(lambda d=d, p=p: list(d.search(p)), 1 if name == "dlib-cnn" else 3) for p in photos)
        for name, d in detectors.items()
    }
    found = {name: sum(len(list(d.search(photo))) for photo in photos) for name, d in detectors.items()
             if name != "dlib-cnn"}  # fmt: skip
    rows = [(name, found.get(name, ""), time_, times["dlib-cnn"] / time_) for name, time_ in times.items()]
    table(f"Detection, {len(photos)} photos of 800 px, one core", ("", "faces", "CPU s", "ratio"), rows)


def _detector(name: str, settings: Settings) -> MmodDetector | DlibCnnDetector:
    return DlibCnnDetector(settings) if name == "dlib-cnn" else MmodDetector(settings, threads=1)


def bench_import(data: Path, settings: Settings) -> None:
    """Files to stored rows, beside the loop of face_recognition's examples, which stores nothing."""
    import face_recognition

    sources = group_photos(data, 2)
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in MEGAPIXELS:
            place = Path(folder, str(megapixels))
            place.mkdir()
            for source in sources:
                enlarged(source, megapixels).save(place / source.name, quality=90)
            rows.append((megapixels, *_import_both(place, settings, face_recognition)))
    ours, theirs = (sum(float(str(row[at])) for row in rows) for at in (2, 4))
    rows.append(("all", sum(int(str(row[1])) for row in rows), ours, sum(int(str(row[3])) for row in rows), theirs,
                 theirs / ours))  # fmt: skip
    head = ("megapixels", "our faces", "CPU s", "HOG's faces", "CPU s", "ratio")
    table(f"Whole import, {len(sources)} photos each, one core", head, rows)


def _import_both(folder: Path, settings: Settings, face_recognition: object) -> tuple[object, ...]:
    found = 0

    def loop() -> None:
        nonlocal found
        for path in sorted(folder.iterdir()):
            image = face_recognition.load_image_file(path)  # type: ignore[attr-defined]
            boxes = face_recognition.face_locations(image, 1)  # type: ignore[attr-defined]
            found += len(face_recognition.face_encodings(image, boxes))  # type: ignore[attr-defined]

    times, faces = [], 0
    for _ in range(2):
        with tempfile.TemporaryDirectory() as library_folder:
            own = settings.model_copy(update={"library": Path(library_folder), "workers": 1})
            own.engine_folder.symlink_to(settings.engine_folder.resolve())
            with Library.open(own) as library:
                started = time.process_time()
                faces = import_photos(library, [folder]).faces
                times.append(time.process_time() - started)
    theirs = seconds(loop, 1)
    return faces, min(times), found, theirs, theirs / min(times)


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
    detectors: dict[str, Detector] = {"ours": make_detector(settings), "HOG, same scale": HogDetector(settings)}
    return {**detectors, "dlib CNN, same scale": DlibCnnDetector(settings)} if slow else detectors


def bench_recall(data: Path, settings: Settings, *, slow: bool = False) -> None:
    """dlib's CNN takes about 15 s a photo at our scale, so that it runs only with --slow."""
    sets = {"dlib_boxes": list(truth_boxes(data)), "groups": list(truth_groups(data))}
    rows = []
    for name, detector in recall_detectors(settings, slow=slow).items():
        cells: list[object] = [name]
        for photos in sets.values():
            found = [(truth, [face.box for face in detector.detect(pixels_of(path))]) for path, truth in photos]
            hits, boxes = sum(matched(*pair) for pair in found), sum(len(pair[1]) for pair in found)
            cells += [f"{hits} of {sum(len(truth) for _, truth in photos)}", boxes]
        rows.append(tuple(cells))
    table("Recall", ("", "dlib_boxes", "boxes in all", "groups", "boxes in all"), rows)


def bench_negatives(data: Path, settings: Settings, *, slow: bool = False) -> None:
    rows = []
    for name, detector in recall_detectors(settings, slow=slow).items():
        scores = [face.score for file in NEGATIVES
                  for face in detector.detect(pixels_of(data / "snapshots" / file))]  # fmt: skip
        rows.append((name, len(scores), ", ".join(f"{score:.2f}" for score in scores)))
    table(f"False faces on {len(NEGATIVES)} photos without a face", ("", "faces", "scores"), rows)


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
    have = [path for path, crop in crops.items() if crop is not None]
    stack = np.stack([crops[path] for path in have])
    usable = [pair for pair in pairs if crops[pair[0]] is not None and crops[pair[1]] is not None]
    same = np.array([pair[2] for pair in usable])
    rows = []
    for mirror in (False, True):
        own = settings.model_copy(update={"mirror": mirror})
        started = time.process_time()
        vectors = dict(zip(have, make_embedder(own, threads=1).embed(stack), strict=True))
        spent = (time.process_time() - started) / len(have) * 1e3
        gaps = np.array([np.linalg.norm(vectors[one] - vectors[other]) for one, other, _ in usable])
        rows.append((f"mirror {'on' if mirror else 'off'}", ten_fold(gaps, same), tar_at_far(gaps, same, 1e-3),
                     tar_at_far(gaps, same, 1e-2), spent))  # fmt: skip
    head = ("", "accuracy", "TAR at FAR 1e-3", "TAR at FAR 1e-2", "CPU ms a face")
    title = f"LFW verification, {len(usable)} of {len(pairs)} pairs ({len(crops) - len(have)} faces not found)"
    table(title, head, rows)
    network = dlib.face_recognition_model_v1(str(weights_path("resnet")))
    theirs = np.array([np.array(network.compute_face_descriptor(crop)) for crop in stack[:20]])
    plain = make_embedder(settings.model_copy(update={"mirror": False}))
    apart = np.abs(plain.embed(stack[:20]) - theirs).max()
    print(f"\nWithout mirror, ours and dlib's own differ by at most {apart:.1e} on 20 of these crops.")


WORKER = """
import resource, sys, time
started = time.monotonic()
from pathlib import Path
from faceid_core.importing import _networks, analyse, _File
from faceid_core.settings import Settings
settings = Settings(library=Path(sys.argv[1]), max_megapixels=60)
_networks(settings.model_dump_json(), 1)
ready = time.monotonic() - started
path = Path(sys.argv[2])
photo = analyse(_File(path, 1, 1), settings=settings, threads=1)
print(ready, len(photo.faces), photo.error, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def bench_worker(data: Path, settings: Settings) -> None:
    """Start, peak memory on 50 megapixels in several formats, and two workers beside one."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        image = enlarged(group_photos(data, 1)[0], 50)
        for kind, options in (("jpg", {"quality": 90}), ("png", {"compress_level": 1}), ("webp", {"quality": 80}),
                              ("heic", {"quality": 60})):  # fmt: skip
            path = Path(folder, f"photo.{kind}")
            if kind == "heic":
                import pillow_heif

                pillow_heif.register_heif_opener()
            image.save(path, **options)
            out = subprocess.run([sys.executable, "-c", WORKER, str(settings.library), str(path)],
                                 capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
            rows.append((kind, float(out[0]), out[1], float(out[-1])))
    table("A worker on 50 megapixels", ("format", "start, wall s", "faces", "peak MB"), rows)
    _bench_scaling(data, settings)


def _bench_scaling(data: Path, settings: Settings) -> None:
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    times: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "photos")
        place.mkdir()
        for number, path in enumerate(group_photos(data, 24)):
            enlarged(path, 3).save(place / f"{number}.jpg", quality=90)
        for _ in range(2):
            for workers, spent in times.items():
                spent.append(_pooled_import(place, settings, workers))
    rows = [(workers, min(spent), min(times[1]) / min(spent)) for workers, spent in times.items()]
    table("24 photos of 3 megapixels by workers (wall clock, start of the processes included)",
          ("workers", "s", "ratio"), rows)  # fmt: skip


def _pooled_import(place: Path, settings: Settings, workers: int) -> float:
    from faceid_core.executors import ProcessPool

    with tempfile.TemporaryDirectory() as folder:
        own = settings.model_copy(update={"library": Path(folder)})
        own.engine_folder.symlink_to(settings.engine_folder.resolve())
        with Library.open(own) as library:
            return import_photos(library, [place], executor=ProcessPool(workers)).seconds


SECTIONS: dict[str, Callable[[Path, Settings], None]] = {
    "embedding": bench_embedding,
    "detection": bench_detection,
    "import": bench_import,
    "recall": bench_recall,
    "negatives": bench_negatives,
    "lfw": bench_lfw,
    "worker": bench_worker,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", help=", ".join(SECTIONS))
    parser.add_argument("--data", type=Path, default=SHARED, help="the folder of real photos")
    parser.add_argument("--library", type=Path, default=Path(tempfile.gettempdir()) / "faceid-bench")
    parser.add_argument("--slow", action="store_true", help="dlib's CNN, too, for recall and negatives")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    settings = Settings(library=given.library)
    for name in given.sections or SECTIONS:
        extra = {"slow": True} if given.slow and name in {"recall", "negatives"} else {}
        SECTIONS[name](given.data, settings, **extra)


if __name__ == "__main__":
    main()
