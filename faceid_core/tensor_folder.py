"""A folder of a description and named tensors, complete or not there at all. Nothing in it can be executed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceid_core.atomic import PRIVATE_FILE

DESCRIPTION, TENSORS = "model.json", "tensors.safetensors"

Tensors = dict[str, npt.NDArray[Any]]


def write(described: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]], parent: Path) -> Path:
    """Write a new folder in `parent` and return it. `described` gets the key tensors: their file and SHA-256."""
    from safetensors.numpy import save

    parent.mkdir(parents=True, exist_ok=True)
    content = save({name: np.ascontiguousarray(value) for name, value in tensors.items()})
    digest = hashlib.sha256(content).hexdigest()
    whole = {**described, "tensors": {"file": TENSORS, "sha256": digest}}
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".partial-") as partial:
        inside = Path(partial) / "model"
        inside.mkdir()
        _write_through(inside / TENSORS, content)
        _write_through(inside / DESCRIPTION, text.encode())
        return inside.rename(_free_name(parent, digest))


def _write_through(path: Path, content: bytes) -> None:
    """Onto the disk, not only into the cache, so that the rename never precedes the content."""
    path.touch(PRIVATE_FILE)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _free_name(parent: Path, digest: str) -> Path:
    base = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{digest[:8]}"
    path, number = parent / base, 1
    while path.exists():
        number += 1
        path = parent / f"{base}-{number}"
    return path


def read(folder: Path) -> tuple[Any, bytes]:
    """The description, whatever JSON it is, and the tensors' bytes. Raises OSError; ValueError and RecursionError
    for what is no JSON."""
    return json.loads((folder / DESCRIPTION).read_bytes()), (folder / TENSORS).read_bytes()


def tensors_of(content: bytes, sha256: str) -> Tensors:
    """Raises ValueError for other bytes than were written."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError("the tensors are not those that were written")
    try:
        return dict(load(content))
    except SafetensorError as error:
        raise ValueError("no safetensors") from error
