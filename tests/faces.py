"""Drawn faces for tests: aligned crops of invented people, from the sample album."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from faceid_core.engine.dlib_format import ResNetWeights
from faceid_core.media import images
from faceid_core.sample.album import Album, read_groundtruth
from faceid_core.settings import Settings
from faceid_core.vision.alignment import align
from faceid_core.vision.detection import make_detector
from tests import sharing

_FOLDER = Path(gettempdir()) / "faceid-tests"

SETTINGS = Settings(library=_FOLDER, engine_cache=_FOLDER / "engine", detection_side_px=640)
"""The folder keeps the converted networks between runs."""


@dataclass(frozen=True, eq=False)
class Faces:
    """crops (N, 150, 150, 3) with names and photo numbers; album: where they come from."""

    crops: np.ndarray
    names: list[str]
    photos: np.ndarray
    album: Album


def no_network() -> ResNetWeights:
    """In place of the published network, where the vectors have to do."""
    raise AssertionError("nothing here needs the network")


def draw_faces(folder: Path) -> None:
    """Draw an album of four people on twenty photos into the folder and cut out its faces, for read_faces."""
    album = sharing.drawn_album(folder / "album", people=4, photos=20, seed=3)
    detector = make_detector(SETTINGS)
    crops, names, numbers = [], [], []
    for number, (name, truth) in enumerate(album.photos.items()):
        pixels = images.read(album.folder / name, max_megapixels=100).pixels
        for face in detector.detect(pixels):
            match = max(truth, key=lambda known: known.box.iou(face.box))
            if match.box.iou(face.box) > 0.3:
                crops.append(align(pixels, face.landmarks))
                names.append(match.person)
                numbers.append(number)
    np.savez(folder / "faces.npz", crops=np.stack(crops), names=names, photos=numbers)


def read_faces(folder: Path) -> Faces:
    """What draw_faces left there."""
    with np.load(folder / "faces.npz") as stored:
        crops, names, photos = stored["crops"], stored["names"].tolist(), stored["photos"]
    return Faces(crops, names, photos, read_groundtruth(folder / "album"))
