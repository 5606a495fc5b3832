"""Paths of video frames: `/home/ada/clip.mp4#t=12.5` is the frame 12.5 seconds after the start.

The library treats such frames like photos. On disk, only the video file exists.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from faceid_core.remote import is_remote, place

_MOMENT = re.compile(r"(.+)#t=(\d{1,9}(?:\.\d{1,3})?)", re.DOTALL)


def moment(video: Path | str, seconds: float) -> str:
    """
    >>> moment("clip.mp4", 12.5), moment("clip.mp4", 3)
    ('clip.mp4#t=12.5', 'clip.mp4#t=3')
    """
    return frames_prefix(video) + f"{seconds:.3f}".rstrip("0").rstrip(".")


def frames_prefix(video: Path | str) -> str:
    """Return the common prefix of the paths of a video's frames."""
    return f"{video}#t="


def split(path: Path | str) -> tuple[str, float | None]:
    """Return the video and the seconds from its start, or the path and None if it is not a video frame.

    >>> split("clip.mp4#t=12.5"), split("photo.jpg")
    (('clip.mp4', 12.5), ('photo.jpg', None))
    """
    found = _MOMENT.fullmatch(str(path))
    return (found[1], float(found[2])) if found else (str(path), None)


def file_of(path: Path | str) -> Path:
    """Return the file that contains the picture: the video, unless a file with exactly this name exists."""
    video, seconds = split(path)
    if is_remote(path):  # checking for existence costs a request
        return place(video)
    return Path(path) if seconds is None or Path(path).exists() else Path(video)


def shown(path: Path | str) -> str:
    """Return the file name without folders, and for a frame also its time in readable form.

    >>> shown("/a/clip.mp4#t=72"), shown("clip.mp4#t=3723.46"), shown("/a/photo.jpg")
    ('clip.mp4 at 1:12', 'clip.mp4 at 1:02:03.5', 'photo.jpg')
    """
    video, seconds = split(path)
    name = PurePath(video).name
    return name if seconds is None else f"{name} at {clock(seconds)}"


def clock(seconds: float) -> str:
    """
    >>> clock(5), clock(59.97), clock(12.5), clock(3600)
    ('0:05', '1:00', '0:12.5', '1:00:00')
    """
    whole, tenth = divmod(round(seconds * 10), 10)
    minutes, second = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{second:02d}" + (f".{tenth}" if tenth else "")
