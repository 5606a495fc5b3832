"""Copies, blurred faces and screenshots as conditions of a search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import event

from faceid_core.image_hash import COPY_BITS, copies
from faceid_core.library import Library, PhotoQuery
from faceid_core.values import Flag, NewPhoto, Quality
from tests.library.conftest import new_photo


def hashes(number: int, *, seed: int = 0) -> list[bytes]:
    return [row.tobytes() for row in np.random.default_rng(seed).integers(0, 256, (number, 32), np.uint8)]


def flipped(phash: bytes, bits: int, *, seed: int = 0) -> bytes:
    """The same hash with so many bits changed."""
    unpacked = np.unpackbits(np.frombuffer(phash, np.uint8))
    unpacked[np.random.default_rng(seed).permutation(256)[:bits]] ^= 1
    return np.packbits(unpacked).tobytes()


def compared_one_by_one(phashes: list[bytes]) -> list[int]:
    """What `copies` gives, from all pairs."""
    bits = np.unpackbits(np.frombuffer(b"".join(phashes), np.uint8).reshape(len(phashes), -1), axis=1)
    groups = [{row} for row in range(len(phashes))]
    for one in range(len(phashes)):
        for other in range(one):
            if int((bits[one] != bits[other]).sum()) <= COPY_BITS:
                joined = groups[one] | groups[other]
                for row in joined:
                    groups[row] = joined
    return [min(group) if len(group) > 1 else -1 for group in groups]


def test_copies_are_those_that_a_comparison_of_all_pairs_finds() -> None:
    drawn = hashes(300)
    for seed, (row, bits) in enumerate([(0, 0), (0, 8), (5, 15), (5, 16), (7, 15), (9, 40), (299, 1)]):
        drawn.append(flipped(drawn[row], bits, seed=seed))
    drawn.append(flipped(drawn[302], 15, seed=99))  # a copy of a copy
    found = copies(drawn).tolist()
    assert found == compared_one_by_one(drawn)
    assert found[0] == found[300] == found[301] == 0 and found[5] == found[302] == found[307] == 5
    assert copies([]).tolist() == []


def with_hash(path: str, phash: bytes) -> NewPhoto:
    return replace(new_photo(path, faces=0), phashes=phash * 8)


def found(library: Library, *, blurred: bool = False, copies: bool = False) -> list[int]:
    return [photo.id for photo in library.photos.page(query=PhotoQuery(blurred=blurred, copies=copies))]


@pytest.mark.slow
def test_photos_with_copies_are_found_once_they_were_compared(library: Library) -> None:
    one, two, three = hashes(3)
    library.photos.add_many([with_hash("/away/1.jpg", one), with_hash("/away/2.jpg", two), new_photo("/none.jpg")])
    assert library.photos.note_copies() == 2
    assert found(library, copies=True) == []
    library.photos.add_many([with_hash("/away/4.jpg", flipped(two, 5)), with_hash("/away/5.jpg", three)])
    assert found(library, copies=True) == [], "new photos wait until they are compared"
    assert library.photos.note_copies() == 3
    assert found(library, copies=True) == [4, 2]
    assert library.photos.number(PhotoQuery(copies=True)) == 2
    assert library.photos.beside(4, PhotoQuery(copies=True)) == (None, 2)
    library.erasing.photos([4])
    assert found(library, copies=True) == [], "alone again"


def test_nothing_is_read_again_without_new_photos(library: Library) -> None:
    library.photos.add_many([with_hash(f"/away/{n}.jpg", phash) for n, phash in enumerate(hashes(4))])
    library.photos.note_copies()
    statements: list[str] = []
    event.listen(library._database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert library.photos.note_copies() == 0
    assert len([each for each in statements if "perceptualhash" in each]) == 1
    assert not any(each.startswith("UPDATE") for each in statements)


def test_photos_without_a_sharp_face(library: Library) -> None:
    def photo(path: str, *sharp: float) -> NewPhoto:
        made = new_photo(path, faces=len(sharp))
        faces = [
            replace(face, quality=Quality(0.9, each, 0.9, 0.9, 0.5))
            for face, each in zip(made.faces, sharp, strict=True)
        ]
        return replace(made, faces=tuple(faces))

    library.photos.add_many([photo("/1", 0.1, 0.4), photo("/2", 0.1, 0.6), photo("/3"), photo("/4", 0.2)])
    assert found(library, blurred=True) == [4, 1]
    library.faces.flag([4], Flag.NOT_A_FACE)
    assert found(library, blurred=True) == [4, 2, 1], "what is no face is not sharp either"


def test_screenshots_are_known_by_the_names_of_their_files(library: Library) -> None:
    """Not by their folders: who may not see those must not find by them."""
    names = (
        "/dcim/Screenshots/Screenshot_20240501-101500.png",
        "/home/Screenshot from 2024-05-01 10-15-00.png",
        "/home/Screen Shot 2019-01-01 at 10.15.00.png",
        "/home/Bildschirmfoto 2024-05-01 um 10.15.00.png",
        "C:\\Users\\ann\\Pictures\\Capture d’écran (3).png",
        "/home/Screenshots/beach.jpg",
        "/home/IMG_0001.jpg",
    )
    library.photos.add_many([new_photo(name) for name in names])
    wanted = [5, 4, 3, 2, 1]
    page = library.photos.page(query=PhotoQuery(screenshots=True))
    assert [photo.id for photo in page] == wanted
