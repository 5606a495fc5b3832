"""Faces as people want to see them: cut from the photo itself, upright, with some room around.

The aligned crops are for the networks: they turn the head, and end in black wedges at the photo's border. A
portrait costs a look into the photo, so it waits its turn, is made for all larger faces of the photo at once, and
is kept in memory. Where one can't be made soon enough, the aligned crop stands in for it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from faceid_core import frame_path
from faceid_core.errors import FaceIdError
from faceid_core.media import images
from faceid_core.settings import Settings
from faceid_core.values import Box, Image
from webapp.context import decoded
from webapp.picture_cache import Cache

if TYPE_CHECKING:
    from faceid_core.library import FacePlace

Key = tuple[Any, ...]

ROOM = 1.35
"""Side of a portrait in sides of the face's box."""

SIDE_PX = 224
"""The side of a portrait unless another one is asked for: twice that of a face in a grid."""

AT_ONCE = 2
PATIENCE_S = 4.0
"""How long a portrait waits for others that are being made; the browser shows it whenever it comes."""

MOST_AT_ONCE = 40
"""Portraits of one photo that are made while it is open."""

_turns = threading.Semaphore(AT_ONCE)


class Portraits:
    """Makes portraits and keeps the latest."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def get(self, face: FacePlace, others: Sequence[Box], size_px: int, settings: Settings) -> bytes | None:
        """JPEG of a face of a photo; None where the photo is not there, can't be read, or is not read soon enough.
        others: boxes on the same photo, whose portraits are made along the way."""
        path, box = face.path, face.box
        try:
            modified = frame_path.file_of(path).stat().st_mtime_ns
        except OSError:
            return None

        def key(face: Box) -> Key:
            return ("portrait", path, modified, face.as_tuple(), size_px)

        kept = self._cache.peek(key(box))
        if kept is not None:
            return kept
        if not _turns.acquire(timeout=PATIENCE_S):
            return None
        try:
            if (kept := self._cache.peek(key(box))) is not None:
                return kept
            larger = [face for face in others if face != box and face.height >= box.height]
            boxes = [box, *larger][:MOST_AT_ONCE]
            return self._make(face, boxes, size_px, settings, key)
        except FaceIdError:
            return None
        finally:
            _turns.release()

    def _make(
        self, face: FacePlace, boxes: Sequence[Box], size_px: int, settings: Settings, key: Callable[[Box], Key]
    ) -> bytes:
        # A photo of which fewer pixels do is read in a fraction of the time.
        enough_px = math.ceil(face.side_px * size_px / max(ROOM * max(face.box.width, face.box.height), 1))
        with decoded(face.path, settings, enough_px=enough_px) as photo:
            made = [
                images.encode_jpeg(cut(photo.pixels, box.scaled(1 / photo.drafted), size_px), quality=85)
                for box in boxes
            ]
        for box, picture in zip(boxes, made, strict=True):
            self._cache.put(key(box), picture)
        return made[0]


def cut(pixels: Image, box: Box, size_px: int) -> Image:
    """A square around a box of a photo (H, W, 3), ROOM times as wide, at most size_px wide; it stays within the
    photo, so that no border is invented."""
    height, width = pixels.shape[:2]
    side = min(ROOM * max(box.width, box.height), width, height)
    x, y = (box.left + box.right - side) / 2, (box.top + box.bottom - side) / 2
    left, top = round(min(max(x, 0), width - side)), round(min(max(y, 0), height - side))
    whole = max(round(side), 1)
    return images.thumbnail(pixels[top : top + whole, left : left + whole], size_px)
