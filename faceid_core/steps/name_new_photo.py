"""Give a face of a photo that somebody tries out a name: the photo comes into the library for that."""

from __future__ import annotations

from pathlib import Path

from faceid_core.errors import OutOfDate, UnreadableImage
from faceid_core.geometry import SAME_FACE_IOU
from faceid_core.importing.finding import Found
from faceid_core.importing.run import import_photos
from faceid_core.library import Library, Naming, person_names
from faceid_core.media.uploaded import keep, sha256_of
from faceid_core.values import PROGRAM, Box, Role

CHANGED = "That photo is no longer the one recognised; choose it again."


def name_new_photo(library: Library, data: bytes, name: str, box: Box, *, keep_as: str) -> Naming:
    """Keep the photo with this content among the uploaded ones, under a name that ends in `keep_as`, import it, and
    give the face at `box`, in pixels of the upright photo, this name: one decision that can be undone. A photo that
    the library has already is not kept again.

    Raises NotAllowed for all but editors and owners, InvalidName, TwiceOnPhoto, UnreadableImage, LibraryError,
    OutOfDate if the photo is gone by now.
    """
    library.actor.require(Role.EDITOR)
    name = person_names.clean(name)
    program = library.acting_as(PROGRAM)  # whoever acts brought this one photo; no other path is looked at
    sha256 = sha256_of(data)
    photo = program.photos.with_content(sha256)
    if photo is None:
        _import(program, keep(library.settings.uploads_folder, data, keep_as))
        photo = program.photos.with_content(sha256)
    if photo is None:
        raise OutOfDate(CHANGED)
    return library.people.name_faces([_face_at(library, photo, box)], name, once=True)


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
