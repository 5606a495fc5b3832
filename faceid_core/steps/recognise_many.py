"""Who is on many photos, one after the other. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from faceid_core.errors import UnreadableImage
from faceid_core.exchange.recognition_table import PhotoAnswer
from faceid_core.library import Library
from faceid_core.media import images
from faceid_core.steps.recognise import recognise
from faceid_core.values import Image

Reader = Callable[[Any], AbstractContextManager[Image]]
"""From what is given to the pixels, which are kept during its block. Raises UnreadableImage."""


def recognise_many(
    library: Library,
    photos: Iterable[tuple[str, Any]],
    read: Reader,
    *,
    threshold: float | None = None,
    go_on: Callable[[], None] | None = None,
) -> Iterator[tuple[PhotoAnswer, Image | None]]:
    """For each (name, what `read` takes) the answer and the pixels, None where they could not be read.

    Raises as `recognise` does; go_on: see there.
    """
    for name, source in photos:
        try:
            with read(source) as pixels:
                faces = recognise(library, pixels, threshold=threshold, go_on=go_on)
                yield PhotoAnswer(name, tuple(faces)), pixels
        except UnreadableImage as error:
            yield PhotoAnswer(name, problem=str(error)), None


def file_reader(library: Library) -> Reader:
    """Reads files of this machine."""

    @contextmanager
    def read(path: Path) -> Iterator[Image]:
        yield images.read(path, max_megapixels=library.settings.max_megapixels).pixels

    return read
