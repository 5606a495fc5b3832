"""Give a face of a photo that somebody tries out a name: the photo comes into the library for that."""

from __future__ import annotations

import shutil
from pathlib import Path

from faceid_core.errors import OutOfDate, UnreadableImage
from faceid_core.geometry import SAME_FACE_IOU
from faceid_core.importing.finding import Found
from faceid_core.importing.run import import_photos
from faceid_core.library import Library, Naming, person_names
from faceid_core.values import PROGRAM, Box, Role

CHANGED = "That photo is no longer what was looked at; choose it again."


def name_new_photo(library: Library, file: Path, name: str, box: Box, *, keep_as: str, sha256: str) -> Naming:
    """Keep a copy of the photo `file` among the uploaded ones, under a name that ends in `keep_as`, import it, and
    give the face at `box`, in pixels of the upright photo, this name: one decision that can be undone. A photo that
    the library has already is not kept again. sha256: of the file.

    Raises NotAllowed for all but editors and owners, InvalidName, TwiceOnPhoto, UnreadableImage, LibraryError.
    """
    library.actor.require(Role.EDITOR)
    name = person_names.clean(name)
    program = library.acting_as(PROGRAM)  # whoever acts brought this one photo; no other path is looked at
    photo = program.photos.with_content(sha256)
    if photo is None:
        _import(program, _kept(library.settings.uploads_folder, file, sha256, keep_as))
        photo = program.photos.with_content(sha256)
    if photo is None:
        raise OutOfDate(CHANGED)
    return library.people.name_faces([_face_at(library, photo, box)], name, once=True)


def _kept(folder: Path, file: Path, sha256: str, keep_as: str) -> Path:
    """The copy in `folder`, complete or not at all."""
    target = folder / f"{sha256[:16]}-{keep_as}"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f"{target.suffix}.part")
        shutil.copyfile(file, partial)
        partial.replace(target)
    return target


def _import(library: Library, photo: Path) -> None:
    report = import_photos(library, Found([photo]), video_seconds=0)
    if report.failures:
        raise UnreadableImage(report.failures[0].reason)


def _face_at(library: Library, photo: int, box: Box) -> int:
    """The face that the import found there; where it found none, one as if somebody had drawn it."""
    faces = library.faces.of_photo(photo)
    best = max(faces, key=lambda face: face.box.iou(box), default=None)
    if best is not None and best.box.iou(box) >= SAME_FACE_IOU:
        return best.id
    return library.faces.add(photo, box).face_id
