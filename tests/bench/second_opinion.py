"""Whether recognition keeps its promises on other photos than those it was tuned with; prints a table, is no test.

    python -m tests.bench.second_opinion DATA --cache FILE.npz [--draws 8]

DATA is the folder of development photos, the cache what tests/bench/recipes.py keeps of `DATA/lfw`. The columns are
those of tests/bench/recognition.py.

groups: faces found on group photos. In each draw half of the people who have other photos in LFW are known by up to
five of these, never by the crop that the group photo was made of; everybody else on the group photos is a stranger,
and nobody's LFW photos are in the library but those of the known ones and 550 other people, unnamed.
bigbang: grey crops of 8 people. In each draw 4 are known by 4 crops, the fifth tests; all crops of the others and
one woman's grimaces are the strangers. 550 unnamed faces of LFW.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from faceid_core.geometry import best_pairs, overlaps
from faceid_core.media import folders, images
from faceid_core.settings import Settings
from faceid_core.values import Box, DetectedFace, Image, Vectors
from faceid_core.vision.alignment import align
from faceid_core.vision.detection import make_detector
from faceid_core.vision.embedding import make_embedder
from tests.bench import recognition
from tests.bench.recipes import UNNAMED, cached_faces
from tests.bench.recognition import COLUMNS, RECIPES, Draw

KNOWN_BY = 5


class Sight:
    """The networks that the library would use."""

    def __init__(self, settings: Settings) -> None:
        self.detector, self.embedder = make_detector(settings), make_embedder(settings)
        self.max_megapixels = settings.max_megapixels

    def faces(self, path: Path) -> tuple[Image, list[DetectedFace]]:
        pixels = images.read(path, max_megapixels=self.max_megapixels).pixels
        return pixels, list(self.detector.detect(pixels))

    def vectors(self, pixels: Image, faces: list[DetectedFace]) -> Vectors:
        if not faces:
            return np.empty((0, self.embedder.dimension), np.float32)
        return self.embedder.embed(np.stack([align(pixels, face.landmarks) for face in faces]))


def on_groups(folder: Path, sight: Sight) -> tuple[Vectors, np.ndarray]:
    """Vectors and names of the labelled faces that were found; of others, a name that nobody bears."""
    vectors, names = list[Vectors](), list[str]()
    for photo, truth in json.loads((folder / "groundtruth.json").read_text(encoding="utf-8")).items():
        pixels, found = sight.faces(folder / photo)
        boxes = [Box(x, y, x + w, y + h) for x, y, w, h in (face["box"] for face in truth)]
        pairs = best_pairs(overlaps([face.box for face in found], boxes), 0.2)
        names += [truth[pairs[at]]["name"] if at in pairs else f"? {photo} {at}" for at in range(len(found))]
        vectors.append(sight.vectors(pixels, found))
    return np.concatenate(vectors), np.array(names)


def on_crops(folder: Path, sight: Sight) -> tuple[Vectors, np.ndarray]:
    """Vectors and names of the face on each crop; the woman whose crops lie in the folder itself is `?`."""
    vectors, names = list[Vectors](), list[str]()
    for path in folders.walk([folder]):
        if path.name.startswith("bbt"):
            continue
        pixels, found = sight.faces(path)
        largest = sorted(found, key=lambda face: -face.box.width)[:1]
        vectors.append(sight.vectors(pixels, largest))
        names += [path.parent.name if path.parent != folder else "?"] * len(largest)
    return np.concatenate(vectors), np.array(names)


def unnamed_of(names: np.ndarray, without: set[str], rng: np.random.Generator) -> list[int]:
    """A face each of so many people of LFW."""
    people = rng.permutation(sorted(set(names.tolist()) - without))[:UNNAMED]
    return [int(rng.choice(np.flatnonzero(names == name))) for name in people]


def groups_draw(lfw: Vectors, lfw_names: np.ndarray, vectors: Vectors, names: np.ndarray, seed: int) -> Draw:
    """Positions of LFW's faces, and behind them, of those on group photos."""
    rng, start, on_photos = np.random.default_rng(seed), len(lfw), set(names.tolist())
    others_of = dict[str, list[int]]()
    for name in sorted(on_photos & set(lfw_names.tolist())):
        own = np.flatnonzero(lfw_names == name)
        reused = {int(own[(lfw[own] @ vector).argmax()]) for vector in vectors[names == name]}
        others_of[name] = [int(at) for at in own if int(at) not in reused]
    able = [name for name, photos in others_of.items() if photos]
    known = rng.permutation(able)[: len(able) // 2].tolist()
    photos = [rng.permutation(others_of[name])[:KNOWN_BY] for name in known]
    test = np.flatnonzero(np.isin(names, known))
    return Draw(
        np.concatenate(photos), np.repeat(np.arange(len(known)), [len(each) for each in photos]), start + test,
        np.array([known.index(name) for name in names[test].tolist()]),
        np.array(unnamed_of(lfw_names, on_photos, rng)), start + np.flatnonzero(~np.isin(names, known)),
    )  # fmt: skip


def crops_draw(lfw_names: np.ndarray, names: np.ndarray, seed: int) -> Draw:
    """Positions of LFW's faces, and behind them, of the crops."""
    rng, start = np.random.default_rng(seed), len(lfw_names)
    known = rng.permutation(sorted(set(names.tolist()) - {"?"}))[:4].tolist()
    photos = [rng.permutation(np.flatnonzero(names == name)) for name in known]
    train, test = [each[:-1] for each in photos], np.array([each[-1] for each in photos])
    classes = np.repeat(np.arange(4), [len(each) for each in train])
    return Draw(
        start + np.concatenate(train), classes, start + test,
        np.arange(4), np.array(unnamed_of(lfw_names, set(), rng)), start + np.flatnonzero(~np.isin(names, known)),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--draws", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(library=Path(folder))
        _, lfw, lfw_names = cached_faces(given.data, given.cache, settings)
        sight = Sight(settings)
        groups, crops = on_groups(given.data / "groups", sight), on_crops(given.data / "bigbang", sight)
    print("photos   recipe  ", "  ".join(f"{name:22}" for name in COLUMNS))
    for photos, (vectors, names) in {"groups": groups, "bigbang": crops}.items():
        together = np.concatenate([lfw, vectors]), np.concatenate([lfw_names, names])
        draws = [
            groups_draw(lfw, lfw_names, vectors, names, seed)
            if photos == "groups"
            else crops_draw(lfw_names, names, seed)
            for seed in range(given.draws)
        ]
        for recipe in RECIPES:
            row = recognition.line([recognition.outcome(*together, draw, recipe) for draw in draws])
            print(f"{photos:8} {recipe:8} {row}", flush=True)


if __name__ == "__main__":
    main()
