"""A library of drawn vectors as large as wanted, with people, groups, and faces that still wait for a name.

    PYTHONPATH=. python -m tests.bench.drawn_library FOLDER [--faces 100000] [--people 2000]

Vectors lie around middles on a sphere whose spectrum falls as that of dlib's does, so that faces of one person are
about 0.4 apart and those of two people about 0.85. Half of everybody's faces have their name, the others wait;
every tenth face is somebody's who is there once. Photos are of three faces, have dates and cameras but no
file; all share one drawn crop.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from sqlalchemy import insert

from faceid_core.cosine_scale import LENGTH
from faceid_core.library import Library
from faceid_core.library.store.tables import Crop, Embedding, Face, Photo
from faceid_core.media.images import encode_jpeg
from faceid_core.settings import Settings
from faceid_core.values import Ints, Vectors, utc_now
from faceid_core.vectors.neighbours import on_sphere

EMBEDDER = "dlib-resnet+mirror"
PER_PHOTO, STRANGERS, NAMED = 3, 0.1, 0.5
WIDTH, APART, AWAY = 128, 0.62, 0.29
"""APART: length of people's middles beside what all have in common; AWAY: of faces beside their person's middle."""

AT_ONCE = 20_000


def draw(faces: int, people: int, seed: int = 0) -> tuple[Vectors, Ints]:
    """Vectors (N, 128) of equal length, and the person (N,) of each; those from `people` on are there once."""
    rng = np.random.default_rng(seed)
    strangers = int(faces * STRANGERS)
    sizes = np.minimum(1 / rng.uniform(size=people), 60)
    sizes = np.maximum((sizes / sizes.sum() * (faces - strangers)).astype(int), 2)
    sizes[sizes.argmax()] += faces - strangers - sizes.sum()
    truth = rng.permutation(np.concatenate([np.repeat(np.arange(people), sizes), people + np.arange(strangers)]))
    spectrum = 1 / np.sqrt(np.arange(WIDTH) + 8)
    spectrum /= np.linalg.norm(spectrum)
    middles = rng.standard_normal((people + strangers, WIDTH)) * spectrum * APART
    common = rng.standard_normal(WIDTH)
    common *= np.sqrt(LENGTH**2 - APART**2) / np.linalg.norm(common)
    away = rng.standard_normal((faces, WIDTH)) * spectrum * AWAY
    return on_sphere((common + middles[truth] + away).astype(np.float32)), truth


def fill(library: Library, vectors: Vectors, truth: Ints) -> None:
    """Faces, groups of what waits, and names."""
    add_faces(library, vectors)
    known = truth < truth.max() + 1 - int(len(truth) * STRANGERS)
    library.clusters.save_run("drawn", {}, EMBEDDER, np.arange(len(truth)) + 1, _groups(truth, known))
    for person in np.unique(truth[known]).tolist():
        mine = np.flatnonzero(truth == person) + 1
        if person % 5:  # every fifth person has no name yet
            library.people.name_faces(mine[: max(len(mine) // 2, 1)].tolist(), f"Person {person}")
    library._database.optimise()


def add_faces(library: Library, vectors: Vectors) -> None:
    """The face with id n + 1 has the vector in row n; PER_PHOTO in a row are one photo's."""
    rng = np.random.default_rng(1)
    crop, quality = _crop(), rng.uniform(0.3, 1, len(vectors)).round(4)
    for start in range(0, len(vectors), AT_ONCE):
        rows = range(start, min(start + AT_ONCE, len(vectors)))
        photos = sorted({row // PER_PHOTO for row in rows} - {(start - 1) // PER_PHOTO})
        with library._database.write() as session:
            session.execute(insert(Photo), [
                {"id": n + 1, "sha256": f"{n:064x}", "path": f"/drawn/{n}.jpg", "width": 900, "height": 600,
                 "status": "done", "imported_at": utc_now(), "detector": "mmod",
                 "taken_at": _taken(n), "camera": f"Camera {n % 7}"} for n in photos])  # fmt: skip
            session.execute(insert(Face), [_face(row, float(quality[row])) for row in rows])
            session.execute(insert(Crop), [{"face_id": row + 1, "data": crop} for row in rows])
            session.execute(insert(Embedding), [
                {"face_id": row + 1, "embedder": EMBEDDER, "vector": vectors[row].tobytes()} for row in rows
            ])  # fmt: skip


def _groups(truth: Ints, known: np.ndarray) -> Ints:
    """Numbers (N,), the largest first: each person's faces are one group, but for every eighth that is in none."""
    numbers = np.zeros(len(truth), np.int64)
    grouped = known & (np.arange(len(truth)) % 8 > 0)
    _, place, sizes = np.unique(truth[grouped], return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    numbers[grouped] = rank[place] + 1
    return numbers


def _face(row: int, quality: float) -> dict[str, object]:
    left = 30.0 + 290 * (row % PER_PHOTO)
    return {"id": row + 1, "photo_id": row // PER_PHOTO + 1, "left": left, "top": 100.0, "right": left + 240,
            "bottom": 400.0, "score": 1.0, "landmarks": bytes(40), "quality": quality, "quality_parts": {},
            "detector": "mmod", "flag": "none"}  # fmt: skip


def _taken(photo: int) -> datetime | None:
    """One every five hours; every eighth has no date."""
    return datetime(2005, 1, 1) + timedelta(hours=5 * photo) if photo % 8 else None


def _crop() -> bytes:
    image = Image.new("RGB", (150, 150), "#8aa")
    ImageDraw.Draw(image).ellipse((35, 20, 115, 130), fill="#e0ac7e")
    return encode_jpeg(np.asarray(image))


def make(folder: Path, faces: int, people: int) -> None:
    """A library in the folder, unless there is one."""
    if not (folder / "faceid.db").exists():
        with Library.open(Settings(library=folder, database_url=None)) as library:
            fill(library, *draw(faces, people))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=2_000)
    options = parser.parse_args()
    make(options.folder, options.faces, options.people)


if __name__ == "__main__":
    main()
