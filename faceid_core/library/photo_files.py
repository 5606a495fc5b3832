"""Which of the files that hold a photo it is shown as, and whether they are there."""

from __future__ import annotations

import os
from pathlib import Path

from faceid_core import frame_path


def shown_path(path: str, found: str) -> str:
    """Which of two files that hold a photo it is shown as: `path` as before, unless that is gone, or was only the
    end of the link that was found."""
    old, new = frame_path.file_of(path), frame_path.file_of(found)
    return found if old != new and (is_gone(path) or os.path.realpath(new) == str(old)) else path


def is_gone(path: str) -> bool:
    """Whether there is no such file, or no such video of a moment. One that can't be looked at may be there."""
    try:
        Path(frame_path.split(path)[0]).stat() if not os.path.lexists(path) else Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
