"""JPEG XL (ISO/IEC 18181) through libjxl. Its Pillow plugin decodes files on opening. This one reads the size from
the header first, so that a file that declares too large a size is never decoded."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, Any

from PIL import ImageFile

_BARE, _CONTAINER = b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by the ratio field 1 to 7 of the SizeHeader (18181-1, D.2)."""


def accept(prefix: bytes) -> bool:
    """Whether the first bytes are those of JPEG XL."""
    return prefix.startswith((_BARE, _CONTAINER))


class JpegXl(ImageFile.ImageFile):
    """A JPEG XL picture, decoded upright by `load`. Other files raise SyntaxError."""

    format = "JXL"
    format_description = "JPEG XL"

    def _open(self) -> None:
        self._size = _declared_size(_codestream(_stream(self)))
        self._mode = "RGB"
        self.tile = []

    def load(self) -> Any:
        """Decode, once. Decoder errors are passed on."""
        from pillow_jxl.JpegXLImagePlugin import JXLImageFile

        if getattr(self, "_im", None) is None:
            file = _stream(self)
            file.seek(0)
            with JXLImageFile(io.BytesIO(file.read())) as image:
                image.load()
                self.im, self._mode, self._size = image.im, image.mode, image.size
                self.info.update(image.info)
        return super().load()


def _stream(image: ImageFile.ImageFile) -> IO[bytes]:
    if image.fp is None:
        raise OSError("the file is closed")
    return image.fp


def _codestream(file: IO[bytes]) -> bytes:
    """Return the start of the codestream, after the boxes of a container."""
    file.seek(0)
    if not (head := file.read(12)).startswith(_CONTAINER):
        return head.removeprefix(_BARE)
    while len(box := file.read(8)) == 8:
        size, kind = int.from_bytes(box[:4], "big"), box[4:]
        start = 16 if size == 1 else 8
        size = int.from_bytes(file.read(8), "big") if size == 1 else size
        if kind in (b"jxlc", b"jxlp"):
            return file.read(18)[4 if kind == b"jxlp" else 0 :].removeprefix(_BARE)
        if size < start:
            break
        file.seek(size - start, io.SEEK_CUR)
    raise SyntaxError("no JPEG XL codestream")


@dataclass
class _Bits:
    """Reads little-endian bits of the header."""

    value: int

    def take(self, number: int) -> int:
        taken = self.value & ((1 << number) - 1)
        self.value >>= number
        return taken


def _declared_size(header: bytes) -> tuple[int, int]:
    """Parse (width, height) from a SizeHeader."""
    if len(header) < 2:
        raise SyntaxError("no JPEG XL header")
    bits = _Bits(int.from_bytes(header, "little"))
    is_small = bits.take(1)
    height = _side(bits, is_small)
    ratio = bits.take(3)
    if not ratio:
        return _side(bits, is_small), height
    over, under = _RATIOS[ratio - 1]
    return height * over // under, height


def _side(bits: _Bits, is_small: int) -> int:
    if is_small:
        return (bits.take(5) + 1) * 8
    return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1
