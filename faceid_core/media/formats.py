"""File types by suffix and first bytes, and the reason, in plain words, if a file is not a photo."""

from __future__ import annotations

from typing import IO

from faceid_core.errors import IsVideo, UnreadableImage


def words(text: str) -> frozenset[str]:
    """Split a list of words, here suffixes with their dots."""
    return frozenset(text.split())


STILL_SUFFIXES = words(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .bmp .dib .tif .tiff .gif .heic .heif .hif .avif "
    ".jp2 .j2k .jpf .jpx .jxl .psd"
)
RAW_SUFFIXES = words(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw "
    ".rw2 .rwl .sr2 .srf .srw .x3f"
)
SUFFIXES = STILL_SUFFIXES | RAW_SUFFIXES
"""Lower-case suffixes of the files that `walk` selects in a folder."""

META_BYTES = 1 << 20
"""Of a HEIF file's meta box, at most so many bytes are read."""

EMPTY = "the file is empty"
NOT_AN_IMAGE = "not an image"
DAMAGED = "the file is damaged or cut off"
CUT_OFF = f"{DAMAGED}: its end is missing"
RAW = "a camera RAW file that can't be developed; export it as JPEG and import that"
VIDEO = "a video, not a photo; to include it, import with --video or tick “Include videos”"
DRAWING = "a vector drawing (SVG), not a photo"
DOCUMENT = "a PDF document, not a photo"

_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIU\0")
VIDEO_SUFFIXES = words(".3gp .avi .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .webm .wmv")
_VIDEO_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_VIDEO_STARTS = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba")  # Matroska and WebM, MPEG
_STILL_BRANDS = frozenset(
    (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1")
)


def refuse_strangers(prefix: bytes, suffix: str) -> None:
    """Raise IsVideo or UnreadableImage for well-known file types that are not photos."""
    text = prefix.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    reasons = {
        VIDEO: _is_video(prefix),
        DOCUMENT: prefix.startswith(b"%PDF"),
        DRAWING: text.startswith(b"<svg") or suffix in {".svg", ".svgz"},
    }
    for reason, applies in reasons.items():
        if applies:
            raise IsVideo(reason) if reason is VIDEO else UnreadableImage(reason)


def starts_as_raw(prefix: bytes) -> bool:
    """Whether the first bytes are those of RAW files by Canon, Fujifilm or Phase One. Most others are TIFFs."""
    return prefix[8:10] == b"CR" or prefix.startswith(_RAW_STARTS) or prefix[4:12] == b"ftypcrx "


def _is_video(prefix: bytes) -> bool:
    is_box = prefix[4:8] in _VIDEO_BOXES and prefix[8:12] not in _STILL_BRANDS
    is_avi = prefix[:4] == b"RIFF" and prefix[8:11] == b"AVI"
    return is_box or is_avi or prefix.startswith(_VIDEO_STARTS)


def heif_header(file: IO[bytes]) -> bytes:
    """Return the meta box of an ISO base media file (ISO/IEC 14496-12, 4.2), or b""."""
    position = 0
    while not file.closed:
        file.seek(position)
        head = file.read(16)
        if len(head) < 16:
            break
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        size = int.from_bytes(head[8:], "big") if size == 1 else size
        if kind == b"meta":
            return file.read(min(size, META_BYTES))
        if size < 8:
            break
        position += size
    return b""
