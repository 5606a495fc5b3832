"""Right answers on real photos: who is known is named, and next to no stranger is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from faceid_core.importing.run import import_photos
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.recognition.options import TrainOptions
from faceid_core.steps.recognise import recognise
from faceid_core.steps.train import train_recogniser
from tests import sharing

pytestmark = pytest.mark.slow

SERIES = {
    "bbt1.jpg": ["raj", "leonard", "howard", "sheldon"],
    "bbt2.jpg": [None, "leonard", "sheldon"],  # the first is a guest of the canteen
    "bbt3.jpg": ["sheldon", "howard", "penny", "raj", "leonard"],
    "bbt4.jpg": ["leonard", "amy", "raj", "penny", "sheldon", "bernadette"],
    "bbt5.jpg": ["raj", "penny", "sheldon", "leonard", "howard"],
}
"""Who is on the photos of bigbang, from left to right."""

FAMILY = {
    "identification1.jpg": ["Family1-Son", "Family1-Dad", "Family1-Mom", "Family1-Daughter"],
    "detection6.jpg": ["Family3-Man", "Family3-Lady"],
}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Empty. In floats, so that a face near the threshold has one name on all processors."""
    settings = sharing.new_library(tmp_path / "library").model_copy(update={"precision": "exact"})
    with Library.open(settings) as opened:
        yield opened


def taught(library: Library, known: Mapping[str, Iterable[Path]]) -> None:
    """Import these photos, name the largest face of each, and train."""
    photos = {str(photo): name for name, files in known.items() for photo in files}
    import_photos(library, list(photos))
    faces = defaultdict(list)
    for photo in library.photos.page(limit=200):
        largest = max(library.faces.of_photo(photo.id), key=lambda face: face.box.area)
        faces[photos[photo.path]].append(largest.id)
    for name, numbers in faces.items():
        library.people.name_faces(numbers, name)
    train_recogniser(library, options=TrainOptions(recipe="imprint"))


def names(library: Library, photo: Path) -> list[str | None]:
    return [face.name for face in recognise(library, images.read(photo, max_megapixels=100).pixels)]


def strangers_named(library: Library, folder: Path) -> int:
    """Of 17 faces: people that nobody here knows, a masked one; and no name for a dog or a drawing."""
    photos = sorted(folder.glob("*.jpg"))
    return sum(name is not None for photo in photos for name in names(library, photo))


def test_a_series(library: Library, shared_data: Path) -> None:
    folder = shared_data / "bigbang"
    taught(library, {each.name: sorted(each.glob("*")) for each in folder.iterdir() if each.is_dir()})
    assert {photo: names(library, folder / photo) for photo in SERIES} == SERIES
    assert strangers_named(library, shared_data / "snapshots") <= 1


def test_a_family(library: Library, shared_data: Path) -> None:
    folder = shared_data / "family"
    known = defaultdict(list)
    for photo in sorted(folder.glob("Family*-*.jpg")):
        known[photo.stem.rstrip("0123456789")].append(photo)
    taught(library, known)
    assert {photo: names(library, folder / photo) for photo in FAMILY} == FAMILY
    assert strangers_named(library, shared_data / "snapshots") == 0
