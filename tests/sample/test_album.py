"""The sample album: the same for the same seed, true to its ground truth, and careful with foreign files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageOps

from faceid_core.errors import BadInput
from faceid_core.sample import Album, draw_album, read_groundtruth


@pytest.mark.slow
def test_the_same_seed_draws_the_same_bytes(tmp_path: Path) -> None:
    one = draw_album(tmp_path / "one", people=2, photos=3, seed=9)
    two = draw_album(tmp_path / "two", people=2, photos=3, seed=9)
    other = draw_album(tmp_path / "three", people=2, photos=3, seed=10)
    for name in one.photos:
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()
    assert any((one.folder / n).read_bytes() != (other.folder / n).read_bytes() for n in one.photos)


def test_the_truth_fits_the_pictures(album: Album) -> None:
    assert len(album.photos) == 12
    assert {face.person for faces in album.photos.values() for face in faces} == set(album.people)
    sizes = [len(faces) for faces in album.photos.values()]
    assert min(sizes) == 1
    assert max(sizes) >= 2
    orientations = set()
    for name, faces in album.photos.items():
        with Image.open(album.folder / name) as photo:
            orientations.add(photo.getexif().get(0x0112))
            width, height = ImageOps.exif_transpose(photo).size
        for face in faces:
            assert 0 <= face.box.left < face.box.right <= width
            assert 0 <= face.box.top < face.box.bottom <= height
    assert len(orientations) > 1


@pytest.mark.slow
def test_an_album_that_is_there_is_not_drawn_again(tmp_path: Path) -> None:
    album = draw_album(tmp_path / "album", people=2, photos=2)
    photo = album.folder / next(iter(album.photos))
    before = photo.stat().st_mtime_ns
    assert draw_album(tmp_path / "album", people=2, photos=2) == read_groundtruth(tmp_path / "album")
    assert photo.stat().st_mtime_ns == before
    assert len(draw_album(tmp_path / "album", people=2, photos=3).photos) == 3


def test_foreign_files_are_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(BadInput, match=r"holiday\.jpg"):
        draw_album(tmp_path, people=2, photos=2)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"precious"
