"""Pairwise F and BCubed F of every clusterer on small real albums and on drawn ones, each at its default threshold.

    PYTHONPATH=. python tests/bench/albums.py DATA

DATA holds bigbang, family and groups, see its README. The drawn albums are the demo's, of three seeds. Faces that
have no name in the ground truth take part but are not scored.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from faceid_core.geometry import SAME_FACE_IOU, best_pairs, overlaps
from faceid_core.media import folders
from faceid_core.sample.album import draw_album
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from faceid_core.vectors.neighbours import on_sphere
from tests.bench.grouping import embed, off_centre, report

GalleryFaces = list[tuple[str, bool]]
Boxes = Mapping[str, Sequence[tuple[str, Box]]]
"""File name -> (name, box) of the faces whose name is known."""


def one_a_photo(
    name: Callable[[Path], str | None], path: Path, boxes: Sequence[Box], pixels: Image
) -> GalleryFaces:
    """The person of the file is the face nearest to the middle."""
    person, away = name(path), [off_centre(box, pixels) for box in boxes]
    return [(person or "", person is not None and distance == min(away)) for distance in away]


def by_box(truth: Boxes, path: Path, boxes: Sequence[Box], pixels: Image) -> GalleryFaces:
    known = truth.get(path.name, ())
    pairs = best_pairs(overlaps(boxes, [box for _, box in known]), SAME_FACE_IOU) if known and boxes else {}
    return [(known[pairs[place]][0], True) if place in pairs else ("", False) for place in range(len(boxes))]


def of_family(path: Path) -> str | None:
    """Family1-Dad2.jpg shows Family1-Dad; the other files are copies of these, or show several people."""
    found = re.fullmatch(r"(Family\d-[A-Z][a-z]+)\d", path.stem)
    return found[1] if found else None


def of_bigbang(path: Path) -> str | None:
    """The crops lie in a folder each; the files beside them are group photos, and one woman's seven expressions."""
    if path.parent.name != "bigbang":
        return path.parent.name
    return None if path.stem.startswith("bbt") else "the woman"


def of_groups(folder: Path) -> Boxes:
    entries = json.loads((folder / "groundtruth.json").read_text())
    return {
        file: [
            (face["name"], Box(x, y, x + width, y + height))
            for face in faces
            for x, y, width, height in [face["box"]]
        ]
        for file, faces in entries.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    albums = {
        "family": partial(one_a_photo, of_family),
        "bigbang": partial(one_a_photo, of_bigbang),
        "groups": partial(by_box, of_groups(data / "groups")),
    }
    for name, names_of in albums.items():
        print(f"\n{name}")
        score(data / name, names_of)
    for seed in (1, 2, 3):
        with TemporaryDirectory() as folder:
            album = draw_album(Path(folder) / "album", seed=seed)
            truth = {file: [(face.person, face.box) for face in faces] for file, faces in album.photos.items()}
            print(f"\ndrawn, seed {seed}")
            score(album.folder, partial(by_box, truth))


def score(folder: Path, names_of: Callable[[Path, Sequence[Box], Image], GalleryFaces]) -> None:
    faces = embed(folders.walk([folder]), names_of, Settings())
    faces["vectors"] = on_sphere(faces["vectors"])
    report(faces, [0])


if __name__ == "__main__":
    main()
