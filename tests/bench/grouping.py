"""Pairwise F and BCubed F of every clusterer on real faces with names.

    python tests/bench/grouping.py FOLDER [--cache FILE.npz] [--sweep]

FOLDER holds one folder per person (the layout of Labeled Faces in the Wild); the face nearest to the middle of a
photo is its person, other faces take part but are not scored. Embedding is done once and kept in the cache.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from faceid_core.clustering.clusterers import CLUSTERERS, cluster, default_threshold
from faceid_core.clustering.metrics import bcubed, pairwise
from faceid_core.media import folders, images
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from faceid_core.vectors import neighbours
from faceid_core.vision.alignment import align
from faceid_core.vision.detection import make_detector
from faceid_core.vision.embedding import make_embedder
from faceid_core.vision.quality import assess

NamesOf = Callable[[Path, Sequence[Box], Image], Sequence[tuple[str, bool]]]
"""From a photo, the boxes of its faces and its pixels: the name of each face, and whether it is known."""


def embed(paths: Iterable[Path], names_of: NamesOf, settings: Settings) -> dict[str, np.ndarray]:
    """vectors (N, D), photo (N,), quality (N,), name (N,) and "middle", whether the name is known (N,)."""
    detector, embedder = make_detector(settings), make_embedder(settings)
    crops, photo, quality, name, middle = [], [], [], [], []
    for number, path in enumerate(paths):
        pixels = images.read(path).pixels
        faces = detector.detect(pixels)
        for face, (person, known) in zip(faces, names_of(path, [f.box for f in faces], pixels), strict=True):
            crops.append(align(pixels, face.landmarks))
            photo.append(number)
            quality.append(assess(pixels, face, crops[-1]).score)
            name.append(person)
            middle.append(known)
    vectors = np.concatenate([embedder.embed(np.stack(crops[i : i + 64])) for i in range(0, len(crops), 64)])
    return {
        "vectors": vectors,
        "photo": np.array(photo),
        "quality": np.array(quality),
        "name": np.array(name),
        "middle": np.array(middle),
        "embedder": np.array(embedder.name),
    }


def by_folder(path: Path, boxes: Sequence[Box], pixels: Image) -> list[tuple[str, bool]]:
    """The face nearest to the middle is the person of the folder."""
    away = [off_centre(box, pixels) for box in boxes]
    return [(path.parent.name, distance == min(away)) for distance in away]


def off_centre(box: Box, pixels: Image) -> float:
    """Distance of the box's middle from the photo's, in half pixels."""
    height, width = pixels.shape[:2]
    return math.hypot(box.left + box.right - width, box.top + box.bottom - height)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, help="where the vectors are kept between runs")
    parser.add_argument("--sweep", action="store_true", help="also 0.03 below and above the default thresholds")
    options = parser.parse_args()
    if options.cache and options.cache.exists():
        faces = dict(np.load(options.cache))
    else:
        faces = embed(folders.walk([options.folder]), by_folder, Settings())
        if options.cache:
            np.savez(options.cache, allow_pickle=True, **faces)
    faces["vectors"] = neighbours.on_sphere(faces["vectors"])
    report(faces, [-0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03] if options.sweep else [0])


def report(faces: dict[str, np.ndarray], steps: list[float]) -> None:
    scored = faces["middle"]
    people = len(np.unique(faces["name"][scored]))
    print(f"{len(scored)} faces, {scored.sum()} of them with a name, {people} people; pairwise and BCubed P, R, F")
    started = time.perf_counter()
    graph = neighbours.build(faces["vectors"])
    print(f"neighbour graph: {time.perf_counter() - started:.2f} s")
    cluster("agglomerative", faces["vectors"][:3], threshold=0.5)  # imports are not what is timed
    for name in CLUSTERERS:
        usual = default_threshold(name, str(faces["embedder"]))
        for step in steps:
            started = time.perf_counter()
            labels = cluster(
                name,
                faces["vectors"],
                graph,
                threshold=usual + step,
                photos=faces["photo"],
                quality=faces["quality"],
            )
            seconds = time.perf_counter() - started
            pairs = pairwise(labels[scored], faces["name"][scored])
            cubed = bcubed(labels[scored], faces["name"][scored])
            print(
                f"{name:17} {usual + step:.2f}  "
                f"pairs {pairs.precision:.4f} {pairs.recall:.4f} {pairs.f:.4f}  "
                f"BCubed {cubed.precision:.4f} {cubed.recall:.4f} {cubed.f:.4f}  {seconds:.2f} s"
            )


if __name__ == "__main__":
    main()
