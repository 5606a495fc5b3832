"""Compute landmarks, picture and vector of faces whose boxes humans drew or moved: the worker does it meanwhile."""

from __future__ import annotations

import logging
from itertools import groupby

from faceid_core.errors import UnreadableImage
from faceid_core.importing.by_hand import face_at, found_face
from faceid_core.importing.photo import networks
from faceid_core.library import Library, Undescribed
from faceid_core.media import images
from faceid_core.values import Image

log = logging.getLogger(__name__)


class BoxDescriber:
    """Describes faces of one library, and remembers which photos can't be read: they are tried again only when
    their faces' boxes change, or the program starts."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._given_up: set[Undescribed] = set()

    def run(self) -> int:
        """Describe what waits. Returns how many faces were done; a face whose photo is not there waits on."""
        done = 0
        waiting = [face for face in self._library.faces.undescribed() if face not in self._given_up]
        by_photo = sorted(waiting, key=lambda face: (face.photo_id, face.face_id))
        for photo, faces in groupby(by_photo, key=lambda face: face.photo_id):
            done += self._on_photo(photo, list(faces))
        return done

    def _on_photo(self, photo: int, faces: list[Undescribed]) -> int:
        settings = self._library.settings
        try:
            pixels = images.read(faces[0].path, max_megapixels=settings.max_megapixels).pixels
        except UnreadableImage as error:
            log.info("Faces of photo %s can't be described yet: %s.", photo, error)
            self._given_up.update(faces)
            return 0
        view = self._library.photos.get(photo)
        if pixels.shape[:2] != (view.height, view.width):  # edited since; the next import brings it up to date
            self._given_up.update(faces)
            return 0
        return sum(self._describe(pixels, face) for face in faces)

    def _describe(self, pixels: Image, face: Undescribed) -> bool:
        detector, embedder = networks(self._library.settings.model_dump_json(), None)
        look = face_at if face.by_hand else found_face
        return self._library.faces.describe(face, embedder.name, look(pixels, face.box, detector, embedder))


def describe_boxes(library: Library) -> int:
    """Once, as a command does. Returns how many faces were described."""
    return BoxDescriber(library).run()
