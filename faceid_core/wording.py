"""Numbers, names and file names as shown to users."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FOLDERS = re.compile(
    r"""(?<![\w.~:/\\])(?:[A-Za-z]:[\\/]|\\\\|/)(?:[^\\/'"“”‘’;\n]*[^\\/\s'"“”‘’;][\\/])*(?=[^\\/\s'"“”‘’;])"""
)
"""The part before the last name of an absolute path: Unix, Windows or a network share."""

_ELSEWHERE = re.compile(r"""\b(?:s3|gs|az|sftp|smb|webdav)://(?:[^/'"“”‘’;\n]*[^/\s'"“”‘’;]/)*(?=[^/\s'"“”‘’;])""")
"""The same for a remote URL, see remote."""


UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, ends of lines and paragraphs, changes of the writing direction, and halves of characters."""


def count(number: int, singular: str, plural: str | None = None) -> str:
    """
    >>> count(1, "face"), count(1200, "face"), count(2, "person", "people")
    ('1 face', '1,200 faces', '2 people')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def name_or_unknown(name: str | None) -> str:
    """Return a name as shown on pages; “Unknown” for None. A person actually called that is put in quotes.

    >>> name_or_unknown("Ada"), name_or_unknown(None), name_or_unknown("unknown")
    ('Ada', 'Unknown', '“unknown”')
    """
    if name is None:
        return "Unknown"
    return f"“{name}”" if name.casefold() == "unknown" else name


def file_name(path: Path | str | bytes) -> str:
    """Return the path as valid text. Bytes that are not UTF-8 become �.

    >>> file_name("caf" + chr(0xDCE9) + ".jpg")
    'caf�.jpg'
    """
    return os.fsencode(path).decode("utf-8", "replace")


def visible(text: str) -> str:
    r"""Return the text as one line that a terminal only shows: control characters as Python writes them.

    >>> visible("sea" + chr(27) + "[2J" + chr(10) + "side.jpg")
    'sea\\x1b[2J\\nside.jpg'
    """
    return UNSEEN.sub(lambda found: repr(found[0])[1:-1], text)


def without_folders(sentence: str) -> str:
    """Strip the folders from all paths in a sentence, leaving the file names.

    >>> without_folders("There is no folder /home/ada/My photos; the file C:/Old/1.jpg is empty, as is /b/2.jpg.")
    'There is no folder My photos; the file 1.jpg is empty, as is 2.jpg.'
    >>> without_folders("s3://bucket/My photos/1.jpg is empty.")
    '1.jpg is empty.'
    """
    return _FOLDERS.sub("", _ELSEWHERE.sub("", sentence))


def no_access(error: OSError) -> str:
    """Return the message for a file or folder that could not be accessed.

    >>> no_access(PermissionError(13, "Permission denied", "/photos/a.jpg"))
    "/photos/a.jpg can't be used (permission denied); check the path and its permissions."
    """
    reason = error.strerror or str(error)
    what = file_name(error.filename) if isinstance(error.filename, str | bytes) else "A file or folder"
    return f"{what} can't be used ({reason[:1].lower()}{reason[1:]}); check the path and its permissions."


def what_is_wrong(error: Mapping[str, Any]) -> str:
    """Return a pydantic error (its type and msg) as the end of a sentence.

    >>> what_is_wrong({"type": "bool_type", "msg": "Input should be a valid boolean"})
    'it should be a valid boolean'
    """
    if error["type"] == "missing":
        return "it is missing"
    reason = str(error["msg"]).removeprefix("Value error, ").split(", unable")[0].split(" after validation")[0]
    return re.sub(r"^(Input|String|Tuple|List|Value) should", "it should", reason)
