"""Chooses the path of a photo's sidecar: photo.jpg.xmp or photo.xmp, following the convention of its folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from faceid_core.media import xmp
from faceid_core.media.formats import RAW_SUFFIXES, SUFFIXES, VIDEO_SUFFIXES

_PICTURES = SUFFIXES | RAW_SUFFIXES | VIDEO_SUFFIXES


class Places:
    """Finds sidecar paths, listing each folder once."""

    def __init__(self) -> None:
        self._folders: dict[Path, _Folder] = {}

    def of(self, photo: Path) -> Path:
        """Return the sidecar to write. An existing sidecar of the photo is used. photo.xmp is created only if it is
        the more common form in the folder and no other picture has the same stem."""
        if there := xmp.sidecars(photo):
            return there[0]
        named, plain = xmp.names_beside(photo)
        folder = self._folders.get(photo.parent)
        if folder is None:
            folder = self._folders[photo.parent] = _Folder(photo.parent)
        return plain if folder.prefers_plain and folder.stems[photo.stem] == 1 and not plain.exists() else named


class _Folder:
    def __init__(self, path: Path) -> None:
        names = _names_in(path)
        pictures = [name for name in names if Path(name).suffix.lower() in _PICTURES]
        self.stems = Counter(Path(name).stem for name in pictures)
        sidecars = [Path(name).stem for name in names if name.lower().endswith(".xmp")]
        named = sum(Path(stem).suffix.lower() in _PICTURES for stem in sidecars)
        self.prefers_plain = len(sidecars) - named > named


def _names_in(path: Path) -> list[str]:
    try:
        return [each.name for each in path.iterdir()]
    except OSError:
        return []
