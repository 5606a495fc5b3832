"""Reads upright video frames at an interval, one at a time, or reports in plain words why there are none.

Videos are read with PyAV (FFmpeg's libraries). Only the containers in _CONTAINERS are allowed, which excludes
playlists, because they refer to other files.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceid_core.errors import ImageTooLarge, UnreadableImage
from faceid_core.media import formats, orientation, source
from faceid_core.values import Image

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

NO_PICTURE = "a file without video, such as a sound recording"
UNKNOWN_CODING = "a video with a codec that can't be read here; save it as MP4 (H.264)"

NO_SIZE = "a video that declares no size, or more megapixels than FACEID_MAX_MEGAPIXELS allows"

PATIENCE_S = 5.0
"""A video that yields no frame and makes no progress for this long is treated as damaged from there on."""

SEEK_FROM_S = 10.0
"""For frames further apart than this, seek; nearer ones are reached by reading on, because of the key frames."""

SAME_MOMENT_S = 0.0006
"""Tolerance for times: frame paths have whole milliseconds."""

FIRST_YEAR = 1970
"""Cameras whose clock was never set report dates around 1904 or 1970."""

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,gif,ogg"
_UNINDEXED, _KEY_FRAME_S = ("mpegts", "mpeg"), 5.0
"""Containers in which seeking finds a time, but no key frame, and within how many seconds one usually follows."""

_WAIT_PACKETS, _WAIT_BYTES = 2000, 64 << 20
"""Maximum encoded frames to hold back before skipping them: a key frame usually comes after some 250."""

_ORIENTATIONS = {
    (1, 0, 0, 1): 1, (-1, 0, 0, 1): 2, (-1, 0, 0, -1): 3, (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5, (0, 1, -1, 0): 6, (0, -1, -1, 0): 7, (0, -1, 1, 0): 8,
}  # fmt: skip
"""Signs of a, b, c, d of a display matrix -> EXIF's number (ISO/IEC 14496-12, 6.2.2: x' = ax + cy,
y' = bx + dy)."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """An upright frame, (H, W, 3) uint8 RGB, and its time in seconds from the start."""

    seconds: float
    pixels: Image


@contextmanager
def opened(
    path: Path | str, *, max_megapixels: float = source.DEFAULT_MEGAPIXELS, threads: int | None = None
) -> Iterator[Clip]:
    """Open a video to read frames from. threads: None means all cores.

    Raises UnreadableImage with the reason in plain words, and ImageTooLarge by the declared size, before decoding.
    """
    import av

    limit = {"max_pixels": str(int(max_megapixels * 1e6))}
    inside = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    with source.opened(path) as file:
        try:
            container = av.open(
                file, "r", options=limit, container_options=inside, timeout=PATIENCE_S, **_lenient()
            )
        except Exception as error:  # parsing untrusted bytes: any exception is the file's fault
            raise _failed(error) from error
        with container:
            stream = _stream(container, max_megapixels)
            stream.codec_context.options = limit
            stream.codec_context.thread_count = threads or 0
            stream.thread_type = "AUTO" if threads is None else "NONE"
            yield Clip(container, stream, max_megapixels)


def _lenient() -> dict[str, Any]:
    """Return options to accept titles in any encoding. From PyAV 19 on, this is the default."""
    import av

    return {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


def _stream(container: InputContainer, max_megapixels: float) -> VideoStream:
    from av.stream import Disposition

    moving = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not moving:
        raise UnreadableImage(NO_PICTURE if container.streams.audio else formats.DAMAGED)
    if moving[0].codec_context is None:
        raise UnreadableImage(UNKNOWN_CODING)
    source.check_size(moving[0].width, moving[0].height, max_megapixels, "video")
    return moving[0]


@dataclass(eq=False)
class Clip:
    """An open video."""

    container: InputContainer
    stream: VideoStream
    max_megapixels: float
    due: float = 0.0
    waiting: list[Packet[VideoStream]] = field(default_factory=list)
    waiting_bytes: int = 0
    moved_at: float = field(default_factory=time.monotonic)
    gave: bool = False

    def __post_init__(self) -> None:
        self.unit = float(self.stream.time_base or 1)
        self.begins = self.stream.start_time or 0

    @property
    def taken_at(self) -> datetime | None:
        """The camera's local time at the start. UTC times are converted with this computer's time zone."""
        named = {**self.stream.metadata, **self.container.metadata}
        local = source.parse_date(named.get("com.apple.quicktime.creationdate"))
        return local or _local(named.get("creation_time", ""))

    def frames(self, every: float, start: float = 0.0, *, seek: bool = True) -> Iterator[Frame]:
        """Yield the first frame at `start` seconds or later, and then the first one of each interval of `every`
        seconds.

        seek: skip to the key frame before `start`, whose position in the file's index may be wrong.
        One frame is in memory at a time. A damaged or truncated video yields the frames that can be read. Raises
        UnreadableImage if there are none at all, ImageTooLarge for a frame beyond the limit.
        """
        self.due = start
        if start > 0 and seek:
            self._seek()
        for picture in self._decoded():
            seconds = self._seconds(picture.pts)
            if seconds is None or seconds < self.due - SAME_MOMENT_S:
                continue
            yield Frame(max(seconds, 0.0), self._upright(picture))
            self.due = following(seconds, every)
            self.moved_at = time.monotonic()  # the time spent on processing the frame does not count
            if every > SEEK_FROM_S:
                self._seek()
        if not self.gave and not (start > 0 and seek):
            raise UnreadableImage(formats.DAMAGED if self.stream.width else NO_SIZE)

    def _seek(self) -> None:
        """Seek to the last key frame before the due time. If the file does not support it, reading just
        continues."""
        import av

        early = max(self.due - (_KEY_FRAME_S if self.container.format.name in _UNINDEXED else 0), 0)
        try:
            self.container.seek(int(early / self.unit) + self.begins, stream=self.stream)
        except (av.FFmpegError, OverflowError) as error:
            log.debug("seeking failed", exc_info=error)
        self._forget()

    def _forget(self) -> None:
        self.waiting, self.waiting_bytes = [], 0
        if self.stream.codec_context.is_open:
            self.stream.codec_context.flush_buffers()

    def _decoded(self) -> Iterator[VideoFrame]:
        """Yield every frame from shortly before the due time. Frames that no due frame depends on are not
        decoded."""
        for packet in self._packets():
            if self._starts_anew(packet):
                self._forget()
            self.waiting.append(packet)
            self.waiting_bytes += packet.size
            if self._can_wait(packet):
                self.moved_at = time.monotonic()
                continue
            coded, self.waiting, self.waiting_bytes = self.waiting, [], 0
            for each in coded:
                yield from self._decode(each)
            if time.monotonic() - self.moved_at > PATIENCE_S:
                return

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        try:
            yield from self.container.demux(self.stream)
        except Exception as error:
            log.debug("reading a video ended", exc_info=error)

    def _starts_anew(self, packet: Packet[VideoStream]) -> bool:
        """Whether nothing before this packet is needed for the due frame."""
        seconds = self._seconds(packet.pts)
        return packet.is_keyframe and seconds is not None and seconds <= self.due

    def _can_wait(self, packet: Packet[VideoStream]) -> bool:
        seconds = self._seconds(packet.pts)
        few = len(self.waiting) < _WAIT_PACKETS and self.waiting_bytes < _WAIT_BYTES
        return few and packet.size > 0 and seconds is not None and seconds < self.due - SAME_MOMENT_S

    def _decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            found = packet.decode()
        except Exception as error:
            log.debug("decoding a picture failed", exc_info=error)
            return []
        if found:
            self.gave, self.moved_at = True, time.monotonic()
        return found

    def _seconds(self, pts: int | None) -> float | None:
        """Convert to seconds from the start of the stream."""
        return None if pts is None else (pts - self.begins) * self.unit

    def _upright(self, picture: VideoFrame) -> Image:
        ratio = float(self.stream.sample_aspect_ratio or 1)
        width = round(picture.width * ratio) if 0.25 <= ratio <= 4 else picture.width
        source.check_size(width, picture.height, self.max_megapixels, "video")
        try:
            pixels = picture.reformat(width=width, format="rgb24").to_ndarray()
        except Exception as error:
            raise _failed(error) from error
        return orientation.turned(np.asarray(pixels, np.uint8), _orientation(picture))


def at(path: Path | str, seconds: float, *, max_megapixels: float = source.DEFAULT_MEGAPIXELS) -> source.Photograph:
    """Return the frame shown at this time, or the next one. Raises UnreadableImage."""
    for seek in (True, False):
        with opened(path, max_megapixels=max_megapixels) as clip:
            found = next(clip.frames(math.inf, seconds, seek=seek), None)
            taken_at, form = clip.taken_at, clip.container.format.name
        if found is not None and found.seconds <= seconds + SAME_MOMENT_S:
            break
    if found is None:
        raise UnreadableImage("the video ends before that moment")
    height, width = found.pixels.shape[:2]
    return source.Photograph(found.pixels, width, height, later(taken_at, found.seconds), form)


def following(seconds: float, every: float) -> float:
    """Return the start of the next interval after the one that contains a time.

    >>> following(2.002, 1.0), following(2.0, 0.5), following(2.9996, 1.0)
    (3.0, 2.5, 4.0)
    """
    return every * (math.floor((seconds + SAME_MOMENT_S) / every) + 1)


def later(taken_at: datetime | None, seconds: float) -> datetime | None:
    """Return when a frame was taken, in whole seconds like photos."""
    return taken_at and taken_at + timedelta(seconds=round(seconds))


def _local(text: str) -> datetime | None:
    """Convert "2021-05-01T12:30:00.000000Z" to local time; None if it is invalid or the clock was never set."""
    try:
        moment = datetime.fromisoformat(text)
        local = moment.astimezone().replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError, OSError):
        return None
    return local.replace(microsecond=0) if local.year > FIRST_YEAR else None


def _orientation(picture: VideoFrame) -> int:
    """Convert a frame's display matrix to an EXIF orientation: quarter turns, mirrored or not."""
    data: Any = picture.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1
    a, b, _, c, d = np.sign(np.frombuffer(bytes(data), np.int32)[:5]).tolist()
    return _ORIENTATIONS.get((a, b, c, d), 1)


def _failed(error: Exception) -> UnreadableImage:
    ours = isinstance(error, TypeError | AttributeError)  # our bug, not the file's fault
    log.log(logging.ERROR if ours else logging.DEBUG, "reading a video failed", exc_info=error)
    if isinstance(error, MemoryError):
        return ImageTooLarge("the video needs more memory than there is")
    return UnreadableImage(formats.DAMAGED)
