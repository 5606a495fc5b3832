"""The sample album: photos of invented people with ground truth, the same for the same seed.

It needs no download and shows nobody real, so the demo, the tests and the pictures in the documentation use it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from faceid_core.errors import BadInput
from faceid_core.sample.identity import invent, person_name
from faceid_core.sample.scene import as_jpeg, photograph
from faceid_core.values import Box, Progress, no_progress

VERSION = 2
"""Raise it when the drawing changes: an album of another version is drawn again."""

TRUTH = "groundtruth.json"
GROUP_SHARE = 0.4
LANDSCAPE, PORTRAIT = (1200, 800), (800, 1000)
EXIF_ORIENTATION, EXIF_IFD, EXIF_TAKEN = 0x0112, 0x8769, 0x9003

TURNS = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""EXIF orientation -> how the upright picture is turned before it is stored."""


@dataclass(frozen=True, slots=True)
class TrueFace:
    """A drawn face: whose it is, and its box in pixels of the upright photo."""

    person: str
    box: Box


@dataclass(frozen=True, slots=True)
class Album:
    """A drawn album: its folder, the people's names, and for each photo its faces from left to right."""

    folder: Path
    people: tuple[str, ...]
    photos: dict[str, tuple[TrueFace, ...]]


def draw_album(
    folder: Path, *, people: int = 8, photos: int = 60, seed: int = 1, progress: Progress = no_progress
) -> Album:
    """Draw the album into `folder`; one that is already there with the same parameters is kept.

    Every person is on about as many single portraits as any other; 40% of the photos show groups of 2 to 6.
    Raises BadInput when the folder holds something else.
    """
    wanted = {"version": VERSION, "people": people, "photos": photos, "seed": seed}
    if _parameters(folder) == wanted:
        return read_groundtruth(folder)
    _make_room(folder)
    faces: dict[str, list[dict[str, object]]] = {}
    for number, members in enumerate(_plan(people, photos, seed), start=1):
        progress(number - 1, photos, "Drawing the sample album")
        name = f"photo-{number:04d}.jpg"
        faces[name] = _draw(folder / name, members, number, seed)
    progress(photos, photos, "Sample album drawn")
    truth = {"parameters": wanted, "people": [person_name(index) for index in range(people)], "photos": faces}
    (folder / TRUTH).write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return read_groundtruth(folder)


def read_groundtruth(folder: Path) -> Album:
    """The truth of a drawn album."""
    truth = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    photos = {
        name: tuple(TrueFace(face["person"], Box(*face["box"])) for face in faces)
        for name, faces in truth["photos"].items()
    }
    return Album(folder, tuple(truth["people"]), photos)


def _parameters(folder: Path) -> object:
    try:
        return json.loads((folder / TRUTH).read_text(encoding="utf-8"))["parameters"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make_room(folder: Path) -> None:
    """Take away an older album of ours; never anything else."""
    folder.mkdir(parents=True, exist_ok=True)
    foreign = [path.name for path in folder.iterdir() if not path.match("photo-[0-9]*.jpg") and path.name != TRUTH]
    if foreign:
        raise BadInput(
            f"The folder {folder} holds other files ({foreign[0]}); move them away, or use another library."
        )
    for path in folder.iterdir():
        path.unlink()


def _plan(people: int, photos: int, seed: int) -> list[list[int]]:
    """Who is on which photo: singles in turn, then groups drawn from everybody, shuffled."""
    rng = np.random.default_rng((seed, 11))
    groups = round(photos * GROUP_SHARE) if people > 1 else 0
    plan = [[index % people] for index in range(photos - groups)]
    for _ in range(groups):
        size = int(rng.integers(2, min(6, people) + 1))
        plan.append([int(person) for person in rng.choice(people, size, replace=False)])
    return [plan[place] for place in rng.permutation(len(plan))]


def _draw(path: Path, members: Sequence[int], number: int, seed: int) -> list[dict[str, object]]:
    rng = np.random.default_rng((seed, number, 23))
    people = [invent(index, seed) for index in members]
    size = PORTRAIT if len(members) == 1 and rng.random() < 0.5 else LANDSCAPE
    image, boxes = photograph(people, size, rng)
    orientation = int(rng.choice([1, 1, 1, 1, 6, 8, 3]))
    if orientation in TURNS:
        image = image.transpose(TURNS[orientation])
    path.write_bytes(as_jpeg(image, int(rng.integers(78, 94)), _exif(orientation, number)))
    return [{"person": person.name, "box": list(box.as_tuple())} for person, box in zip(people, boxes, strict=True)]


def _exif(orientation: int, number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    taken = datetime(2024, 5, 1, 10) + timedelta(days=3 * number, minutes=37 * number)
    exif.get_ifd(EXIF_IFD)[EXIF_TAKEN] = taken.strftime("%Y:%m:%d %H:%M:%S")
    return exif
