"""Photos uploaded in the browser, stored in the library's folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from faceid_core.atomic import replaced


def sha256_of(data: bytes | memoryview) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    return hashlib.sha256(data).hexdigest()


def keep(folder: Path, data: bytes | memoryview, name: str) -> Path:
    """Store the bytes atomically in `folder`, under a name that ends in `name`. The same bytes are stored once."""
    path = folder / f"{sha256_of(data)[:16]}-{name}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replaced(path) as partial:
            partial.write_bytes(data)
    return path
