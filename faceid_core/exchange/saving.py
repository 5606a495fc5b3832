"""Files that a writer, chosen by their suffix, writes completely or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from faceid_core.atomic import replaced
from faceid_core.errors import NotWritable, PathNotFound, UnknownChoice

Content = TypeVar("Content")
Outcome = TypeVar("Outcome")


def save(
    content: Content, file: Path, writers: Mapping[str, Callable[[Content, Path], Outcome]], *, what: str = "file"
) -> Outcome:
    """Write `content` to `file` with the writer of its suffix, and return what that writer returns.

    writers: suffix (".csv") -> writer; what: the file's name in a sentence. An existing file is replaced only when
    the new one is complete. Raises UnknownChoice, PathNotFound, NotWritable.
    """
    writer = writers.get(file.suffix.lower())
    if writer is None:
        raise UnknownChoice(f"Name the {what} {' or '.join('*' + suffix for suffix in writers)}, not {file.name}.")
    if not file.absolute().parent.is_dir():
        raise PathNotFound(f"There is no folder {file.absolute().parent}; create it or export somewhere else.")
    try:
        with replaced(file) as partial:
            return writer(content, partial)
    except OSError as error:
        raise NotWritable(f"{file} can't be written ({error.strerror}); export to another folder.") from error
