"""A trained recogniser on disk: model.json and tensors.safetensors. Nothing in them can be executed."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from faceid_core.atomic import PRIVATE_FILE
from faceid_core.engine.dlib_format import RESNET_FILTERS, Affine, Array, Convolution, ResNetWeights, Stage
from faceid_core.errors import ModelUnusable
from faceid_core.recognition.openset import Calibration

FORMAT, VERSION = "faceid-recogniser", 1
DESCRIPTION, TENSORS = "model.json", "tensors.safetensors"
AGAIN = "train again on the Train page or with `faceid train`."


@dataclass(frozen=True, slots=True, eq=False)
class StoredModel:
    """What serving needs. embedder: its full name, such as dlib-resnet+mirror. tensors: rows (K, D) float32, the
    people in the order of classes, and body.* where the face network itself was trained further."""

    classes: tuple[str, ...]
    embedder: str
    threshold: float
    calibration: Calibration
    tensors: dict[str, Array]
    report: dict[str, Any]


def write(model: StoredModel, parent: Path) -> Path:
    """Write a new folder in `parent` and return it; it appears complete or not at all."""
    from safetensors.numpy import save

    parent.mkdir(parents=True, exist_ok=True)
    tensors = save({name: np.ascontiguousarray(value) for name, value in model.tensors.items()})
    digest = hashlib.sha256(tensors).hexdigest()
    description = json.dumps(_described(model, digest), indent=1, ensure_ascii=False, allow_nan=False)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".partial-") as partial:
        inside = Path(partial) / "model"
        inside.mkdir()
        _write_through(inside / TENSORS, tensors)
        _write_through(inside / DESCRIPTION, description.encode())
        return inside.rename(_free_name(parent, digest))


def _described(model: StoredModel, digest: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": list(model.classes),
        "embedder": model.embedder,
        "threshold": model.threshold,
        "calibration": {"slope": model.calibration.slope, "cut": model.calibration.threshold_cosine},
        "tensors": {"file": TENSORS, "sha256": digest},
        "report": model.report,
    }


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


def read(folder: Path) -> StoredModel:
    """Read what `write` wrote. Raises ModelUnusable for files that are missing, damaged or of a newer version."""
    try:
        described = json.loads((folder / DESCRIPTION).read_bytes())
        content = (folder / TENSORS).read_bytes()
    except OSError as error:
        raise ModelUnusable(f"The files of the recogniser are missing; {AGAIN}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged() from error
    if isinstance(described, dict) and described.get("format") == FORMAT:
        version = described.get("version")
        if isinstance(version, int) and version > VERSION:
            raise ModelUnusable(f"The recogniser was made by a newer faceid; update faceid, or {AGAIN}")
    try:
        return _checked(described, content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged() from error


def _damaged() -> ModelUnusable:
    return ModelUnusable(f"The files of the recogniser are damaged; {AGAIN}")


def _checked(described: dict[str, Any], content: bytes) -> StoredModel:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if described["format"] != FORMAT or described["version"] != VERSION:
        raise ValueError("another format")
    if hashlib.sha256(content).hexdigest() != described["tensors"]["sha256"]:
        raise ValueError("the tensors are not those that were written")
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise ValueError("no safetensors") from error
    classes = tuple(str(name) for name in described["classes"])
    numbers = [float(described["threshold"]), *(float(described["calibration"][key]) for key in ("slope", "cut"))]
    rows = tensors["rows"]
    if rows.ndim != 2 or len(rows) != len(classes) or not classes or not np.isfinite(rows).all():
        raise ValueError("rows that do not fit the classes")
    if not all(map(math.isfinite, numbers)):
        raise ValueError("numbers that are none")
    threshold, slope, threshold_cosine = numbers
    report = dict(described["report"])
    return StoredModel(
        classes, str(described["embedder"]), threshold, Calibration(slope, threshold_cosine), tensors, report
    )


def body_tensors(weights: ResNetWeights) -> dict[str, Array]:
    """The face network as named tensors."""
    tensors = {"body.mean": weights.mean, "body.fc": weights.fc}
    for at, stage in enumerate(weights.stages):
        conv, affine = stage.convolution, stage.affine
        tensors |= {
            f"body.{at:02}.kernel": conv.kernel,
            f"body.{at:02}.bias": conv.bias,
            f"body.{at:02}.geometry": np.array([conv.stride, conv.padding], np.float32),
            f"body.{at:02}.scale": affine.scale,
            f"body.{at:02}.shift": affine.shift,
        }
    return tensors


def body_weights(tensors: dict[str, Array]) -> ResNetWeights | None:
    """The further trained face network, None where the published one serves. Raises ModelUnusable."""
    if "body.fc" not in tensors:
        return None
    try:
        stages = tuple(_stage(tensors, f"body.{at:02}") for at in range(1 + 2 * len(RESNET_FILTERS)))
        return ResNetWeights(tensors["body.mean"], stages, tensors["body.fc"])
    except KeyError as error:
        raise _damaged() from error


def _stage(tensors: dict[str, Array], name: str) -> Stage:
    stride, padding = (int(value) for value in tensors[f"{name}.geometry"])
    kernel = Convolution(tensors[f"{name}.kernel"], tensors[f"{name}.bias"], stride, padding)
    return Stage(kernel, Affine(tensors[f"{name}.scale"], tensors[f"{name}.shift"]))
