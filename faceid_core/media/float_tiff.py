"""TIFF files with floating-point colours, which Pillow does not support. OpenCV decodes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFile, TiffImagePlugin

_WIDTH, _HEIGHT, _SAMPLE_FORMAT, _FLOATS = 256, 257, 339, 3


class FloatTiff(ImageFile.ImageFile):
    """A TIFF with three floats per pixel, 0 to 1 (or to its largest value), as RGB. Others raise SyntaxError."""

    format = "TIFF"
    format_description = "TIFF of floating-point colours"
    tag_v2: Any = None

    def _open(self) -> None:
        assert self.fp is not None  # set by Pillow before it calls this
        self.tag_v2 = TiffImagePlugin.ImageFileDirectory_v2(self.fp.read(8))
        self.fp.seek(self.tag_v2.next)
        self.tag_v2.load(self.fp)
        formats = self.tag_v2.get(_SAMPLE_FORMAT, ())
        if len(formats) < 3 or set(formats) != {_FLOATS}:
            raise SyntaxError("not a TIFF of floating-point colours")
        self._size = (self.tag_v2[_WIDTH], self.tag_v2[_HEIGHT])
        self._mode = "RGB"
        self.tile = []

    def load(self) -> Any:
        """Decode, once. Raises OSError."""
        if self.fp is not None and getattr(self, "_im", None) is None:
            self.fp.seek(0)
            self.im = Pillow.fromarray(_decoded(self.fp.read(), self.size)).im
        return super().load()


def _decoded(data: bytes, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(H, W, 3) uint8 RGB."""
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise OSError("broken TIFF") from error
    if pixels is None or pixels.ndim != 3 or pixels.shape[1::-1] != size:
        raise OSError("broken TIFF")
    values = np.nan_to_num(pixels[:, :, 2::-1].astype(np.float32), posinf=1.0, neginf=0.0)
    full = next((scale for scale in (1.0, 255.0, 65535.0) if values.max() <= scale), float(values.max()))
    return np.ascontiguousarray((np.clip(values * (255.0 / full), 0, 255) + 0.5).astype(np.uint8))
