"""Paths and files that come from the browser, checked before a job sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from faceid_core.errors import BadInput, PathNotFound
from faceid_core.media import folders
from faceid_core.media.formats import SUFFIXES, VIDEO_SUFFIXES
from faceid_core.media.left_out import LeftOuts
from faceid_core.media.uploaded import keep
from faceid_core.remote import place


class Upload(Protocol):
    """What we need of Streamlit's UploadedFile."""

    name: str

    def getbuffer(self) -> memoryview: ...


def endings(*, videos: bool = False) -> list[str]:
    """File endings that the uploader offers, without the dot."""
    suffixes = SUFFIXES | VIDEO_SUFFIXES if videos else SUFFIXES
    return sorted(suffix.removeprefix(".") for suffix in suffixes)


def typed_path(text: str, hint: str) -> Path:
    """The path that was typed. hint: what to do where there is none. Raises PathNotFound."""
    typed = text.strip().strip("\"'")
    if not typed:
        raise PathNotFound(hint)
    path = place(typed).expanduser()
    if not path.is_absolute():
        raise PathNotFound(f"Type the full path; {typed} is only part of one.")
    return path


def checked_path(text: str, *, videos: bool = False) -> Path:
    """The folder or file that was typed. Raises PathNotFound, and NothingToImport for a folder without photos."""
    path = typed_path(text, "Type the path of a folder with photos.")
    left = LeftOuts()
    if next(folders.walk([path], videos=videos, leave=left), None) is None:
        raise folders.nothing_in(path, left)
    return path


def store(folder: Path, files: Iterable[Upload]) -> list[Path]:
    """Keep the uploaded files in the folder and return their paths. The same bytes are kept once."""
    kept = [keep(folder, file.getbuffer(), safe_name(file.name)) for file in files]
    if not kept:
        raise BadInput("Choose at least one photo to upload.")
    return kept


def safe_name(name: str) -> str:
    """A file name without folders, control or odd characters, at most 80 long, that keeps its ending.

    >>> safe_name("../../etc/passwd"), safe_name("Anna & ich.JPG"), safe_name("")
    ('passwd', 'Anna_ich.JPG', 'photo')
    """
    last = re.split(r"[\\/]", name)[-1]
    clean = re.sub(r"[^\w.-]+", "_", last).strip("._-") or "photo"
    stem, dot, ending = clean.rpartition(".")
    return f"{stem[:70]}.{ending[:8]}" if dot else clean[:80]
