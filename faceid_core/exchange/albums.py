"""Albums: a folder of photos per person, and a self-contained gallery page of one person."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePath

from faceid_core import frame_path
from faceid_core.exchange.export_content import Content, Entry, file_name, file_names, unique
from faceid_core.remote import RemotePath
from faceid_core.values import ExportedFace, ExportedPhoto

OnPhoto = ExportedFace | ExportedPhoto

SMALL_PX, LARGE_PX = 480, 1920
"""Longer sides of the pictures of a gallery."""

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip


def albums(content: Content) -> Iterator[Entry]:
    """Yield the original files in a folder per person, as `Ann/IMG_1.jpg`. Each video is included once."""
    folders = file_names(content.classes)
    people: dict[str, dict[str, None]] = {name: {} for name in content.classes}
    for one in content.on_photos:
        people[one.person or ""][str(frame_path.file_of(one.path))] = None
    missing: set[str] = set()
    for name, paths in people.items():
        taken: set[str] = set()
        for path in paths:
            file = frame_path.file_of(path)
            if (here := readable(file)) is not None:
                yield Entry(f"{folders[name]}/{unique(file_name(file.name), taken)}", here)
            elif path not in missing:
                missing.add(path)
                content.problems.append(f"{path} can't be read")
    if any(folder != name for name, folder in folders.items()):
        names = {folder: name for name, folder in folders.items()}
        yield Entry("people.json", json.dumps(names, ensure_ascii=False, indent=1).encode())


def readable(file: Path) -> Path | bytes | None:
    """Return a local file itself, or the bytes of a remote one; None if it can't be read."""
    if isinstance(file, RemotePath):
        try:
            return file.read_bytes()
        except OSError:
            return None
    return file if file.is_file() and os.access(file, os.R_OK) else None


def gallery(content: Content) -> Iterator[Entry]:
    """Yield index.html and upright pictures without metadata. The page names only this person and no files, and
    loads nothing from the network."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    loader = PackageLoader("faceid_core.exchange", "templates")
    page = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    sections: dict[str, list[dict[str, str]]] = {}
    photos = {one.photo_id: one for one in reversed(content.on_photos)}
    for number, face in enumerate(_in_time(photos.values()), 1):
        file = f"{number:04d}.jpg"
        small, large = (content.picture(face, side) for side in (SMALL_PX, LARGE_PX))
        if small is None or large is None:
            continue
        yield Entry(f"small/{file}", small)
        yield Entry(f"photos/{file}", large)
        heading = str(face.taken_at.year) if face.taken_at else "Without a date"
        sections.setdefault(heading, []).append({"file": file, "day": _day(face.taken_at)})
    html = page.get_template("gallery.html").render(
        title=" and ".join(content.classes), sections=sections.items(), number=sum(map(len, sections.values()))
    )
    yield Entry("index.html", html.encode())


def _in_time(photos: Iterable[OnPhoto]) -> list[OnPhoto]:
    """Sort by date, oldest first, undated last."""
    return sorted(
        photos, key=lambda one: (one.taken_at is None, one.taken_at or datetime.min, PurePath(one.path).name)
    )


def _day(moment: datetime | None) -> str:
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}" if moment else ""
