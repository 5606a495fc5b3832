"""Photos that come from a browser and are kept in the library's folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from faceid_core.atomic import replaced


def sha256_of(data: bytes | memoryview) -> str:
    """Of a file's bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def keep(folder: Path, data: bytes | memoryview, name: str) -> Path:
    """The file in `folder`, whole or not at all, under a name that ends in `name`. The same bytes are kept once."""
    path = folder / f"{sha256_of(data)[:16]}-{name}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replaced(path) as partial:
            partial.write_bytes(data)
    return path
