"""A folder with a description and named tensors, written atomically. Nothing in it is executable."""

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
    """Write a new folder in `parent` and return it. The key "tensors" is added to `described`: file and SHA-256."""
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
    """Write and fsync, so that the rename never reaches the disk before the content."""
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
    """Return the description, which may be any JSON value, and the tensors' bytes. Raises OSError; ValueError or
    RecursionError for invalid JSON."""
    return json.loads((folder / DESCRIPTION).read_bytes()), (folder / TENSORS).read_bytes()


def tensors_of(content: bytes, sha256: str) -> Tensors:
    """Parse the tensors. Raises ValueError if the bytes are not those that were written."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError("the tensors are not those that were written")
    try:
        return dict(load(content))
    except SafetensorError as error:
        raise ValueError("no safetensors") from error
