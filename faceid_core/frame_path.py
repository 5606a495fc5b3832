"""A moment of a video, written as a path: `/home/ada/clip.mp4#t=12.5` is its picture 12.5 seconds after the start.

The library keeps such pictures like photos. The file that must be there is the video's.
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
    """What the paths of all moments of a video begin with."""
    return f"{video}#t="


def split(path: Path | str) -> tuple[str, float | None]:
    """The video and the seconds from its start; the path and None where it is no moment.

    >>> split("clip.mp4#t=12.5"), split("photo.jpg")
    (('clip.mp4', 12.5), ('photo.jpg', None))
    """
    found = _MOMENT.fullmatch(str(path))
    return (found[1], float(found[2])) if found else (str(path), None)


def file_of(path: Path | str) -> Path:
    """The file that holds the picture: the video's, unless a file has just this name."""
    video, seconds = split(path)
    if is_remote(path):  # asking costs a request
        return place(video)
    return Path(path) if seconds is None or Path(path).exists() else Path(video)


def shown(path: Path | str) -> str:
    """The file's name without folders, and the moment as people say it.

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
