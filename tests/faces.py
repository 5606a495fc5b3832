"""Drawn faces for tests: aligned crops of invented people, from the sample album."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from faceid_core.media import images
from faceid_core.sample.album import Album, draw_album
from faceid_core.settings import Settings
from faceid_core.vision.detection import make_detector
from faceid_core.vision.embedder import align

SETTINGS = Settings(library=Path(gettempdir()) / "faceid-tests", detection_side_px=640)
"""The folder keeps the converted networks between runs."""


@dataclass(frozen=True, eq=False)
class Faces:
    """crops (N, 150, 150, 3) with names and photo numbers; album: where they come from."""

    crops: np.ndarray
    names: list[str]
    photos: np.ndarray
    album: Album


def draw_faces(folder: Path, people: int = 4, photos: int = 20) -> Faces:
    """Draw an album into the folder and cut out its faces."""
    album = draw_album(folder / "album", people=people, photos=photos, seed=3)
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
    return Faces(np.stack(crops), names, np.array(numbers), album)
