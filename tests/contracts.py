"""What every entry of a registry must keep: for the tests of the registries, and for recipes that add to them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.sample import Album
from faceid_core.settings import Settings
from faceid_core.steps.export import export
from faceid_core.vision.detector import Detector


def _from_csv(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(stream)]


def _from_json(file: Path) -> list[dict[str, Any]]:
    return [_as_text(row) for row in json.loads(file.read_text(encoding="utf-8"))]


def _from_parquet(file: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return [_as_text(row) for row in pq.read_table(file).to_pylist()]


def _as_text(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value is None else str(value) for name, value in row.items()}


READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    ".csv": _from_csv, ".json": _from_json, ".parquet": _from_parquet,
}  # fmt: skip
"""How a test reads each format of the face table back, with every value as text. A new format needs a line here."""


def check_detector(name: str, factory: Callable[..., Detector], album: Album, settings: Settings) -> None:
    """Finds the face of a portrait and nothing beside it, with landmarks; nothing where nothing is."""
    detector = factory(settings.model_copy(update={"detection_side_px": 400}), threads=1)
    assert detector.name == name
    single = next(photo for photo, faces in album.photos.items() if len(faces) == 1)
    photo = images.read(album.folder / single, max_megapixels=50).pixels
    for face in detector.detect(photo):
        assert face.landmarks.shape == (5, 2)
        assert face.landmarks.dtype == np.float32
        assert face.box.iou(album.photos[single][0].box) > 0.3
    assert detector.detect(np.full((60, 80, 3), 127, np.uint8)) == []
    with pytest.raises(ValueError, match="uint8"):
        detector.detect(np.zeros((10, 10), np.uint8))


def check_exporter(suffix: str, library: Library, folder: Path) -> None:
    """Writes each face, also with names that need care, and the same bytes again; an empty library is fine."""
    named = [face.id for face in library.faces.of_cluster(1)]
    library.people.name_faces(named, 'Åsa "the boss", née Øre')
    file = folder / f"faces{suffix}"
    assert export(library, file) == library.counts().faces > 0
    written = file.read_bytes()
    text = repr(READERS[suffix](file)) if suffix in READERS else written.decode("utf-8")
    for photo in library.photos.page(limit=100):
        assert not library.faces.of_photo(photo.id) or Path(photo.path).name in text
    assert "née Øre" in text
    export(library, folder / f"again{suffix.upper()}")
    assert (folder / f"again{suffix.upper()}").read_bytes() == written
    with Library.open(Settings(library=folder / "nobody", database_url=None)) as empty:
        assert export(empty, file) == 0
    assert file.read_bytes() != written
