"""A trained recogniser on disk: model.json and tensors.safetensors. Nothing in them can be executed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from faceid_core import tensor_folder
from faceid_core.cosine_scale import DLIB, CosineScale
from faceid_core.engine.dlib_format import RESNET_FILTERS, Affine, Array, Convolution, ResNetWeights, Stage
from faceid_core.errors import ModelUnusable
from faceid_core.recognition.evaluation import RANKS, UNKNOWN, HeldOut
from faceid_core.recognition.openset import Calibration
from faceid_core.recognition.scoring import FaceSet, Scorer

FORMAT, PLAIN_VERSION, VERSION = "faceid-recogniser", 1, 2
"""A model whose scores are plain cosines is of the first version: an older faceid can still serve it."""

COHORT, NEGATIVES = "cohort", "negatives"
"""Tensors with the vectors of faces; COHORT_faces and COHORT_classes go with them."""

HELD_OUT = "held"
"""HELD_OUT_faces, _classes and so on: what was answered about faces that were not known, see evaluation.HeldOut."""

SCALE = "cosine_scale"
"""CosineScale.factor, of models for other embedders than ours."""

AGAIN = "train again on the Train page or with `faceid train`."


@dataclass(frozen=True, slots=True, eq=False)
class StoredModel:
    """What serving needs. embedder: its full name, such as dlib-resnet+mirror. tensors: rows (K, D) float32, the
    people in the order of classes, and body.* where the face network itself was trained further. cohort, negatives:
    see scoring.Scorer. held_out: None in models of before. scale: of the embedder's cosines."""

    classes: tuple[str, ...]
    embedder: str
    threshold: float
    calibration: Calibration
    tensors: dict[str, Array]
    report: dict[str, Any]
    cohort: FaceSet = field(default_factory=FaceSet.none)
    negatives: FaceSet = field(default_factory=FaceSet.none)
    held_out: HeldOut | None = None
    scale: CosineScale = DLIB

    def scorer(self) -> Scorer:
        """What scores faces against its people."""
        return Scorer(self.tensors["rows"], self.cohort, self.negatives, self.scale)


def write(model: StoredModel, parent: Path) -> Path:
    """Write a new folder in `parent` and return it; it appears complete or not at all."""
    tensors = {
        **model.tensors,
        **_face_tensors(COHORT, model.cohort),
        **_face_tensors(NEGATIVES, model.negatives),
        **_held_tensors(model.held_out),
    }
    return tensor_folder.write(_described(model), tensors, parent)


def _described(model: StoredModel) -> dict[str, Any]:
    alone = not len(model.cohort) and not len(model.negatives)
    return {
        "format": FORMAT,
        "version": PLAIN_VERSION if alone else VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": list(model.classes),
        "embedder": model.embedder,
        "threshold": model.threshold,
        "calibration": {"slope": model.calibration.slope, "cut": model.calibration.threshold_cosine},
        "report": model.report,
        **({} if model.scale == DLIB else {SCALE: model.scale.factor}),
    }


def read(folder: Path) -> StoredModel:
    """Read what `write` wrote. Raises ModelUnusable for files that are missing, damaged or of a newer version."""
    try:
        described, content = tensor_folder.read(folder)
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
    if described["format"] != FORMAT or described["version"] not in (PLAIN_VERSION, VERSION):
        raise ValueError("another format")
    tensors = tensor_folder.tensors_of(content, described["tensors"]["sha256"])
    classes = tuple(str(name) for name in described["classes"])
    numbers = [float(described["threshold"]), *(float(described["calibration"][key]) for key in ("slope", "cut"))]
    rows = tensors["rows"]
    if rows.ndim != 2 or len(rows) != len(classes) or not classes or not np.isfinite(rows).all():
        raise ValueError("rows that do not fit the classes")
    scale = CosineScale(float(described.get(SCALE, 1.0)))
    if not all(map(math.isfinite, [*numbers, scale.factor])) or scale.factor <= 0:
        raise ValueError("numbers that are none")
    threshold, slope, threshold_cosine = numbers
    report = dict(described["report"])
    cohort, negatives = (_face_set(name, tensors, rows) for name in (COHORT, NEGATIVES))
    beside = (COHORT, NEGATIVES, HELD_OUT)
    kept = {name: value for name, value in tensors.items() if name.partition("_")[0] not in beside}
    calibration, embedder = Calibration(slope, threshold_cosine), str(described["embedder"])
    held = _held_out(tensors, len(classes))
    return StoredModel(classes, embedder, threshold, calibration, kept, report, cohort, negatives, held, scale)


def _face_tensors(name: str, faces: FaceSet) -> dict[str, Array]:
    """A set of faces as named tensors; none for no face."""
    if not len(faces):
        return {}
    return {
        name: faces.vectors.astype(np.float32),
        f"{name}_faces": faces.faces.astype(np.int64),
        f"{name}_classes": faces.classes.astype(np.int64),
    }


def _face_set(name: str, tensors: dict[str, Array], rows: Array) -> FaceSet:
    if name not in tensors:
        return FaceSet.none(rows.shape[1])
    vectors, faces, classes = (tensors[key] for key in (name, f"{name}_faces", f"{name}_classes"))
    whole = vectors.ndim == 2 and vectors.shape[1] == rows.shape[1] and np.isfinite(vectors).all()
    if not whole or faces.shape != (len(vectors),) or classes.shape != (len(vectors),):
        raise ValueError("faces that do not fit the rows")
    if len(classes) and not (classes.min() >= -1 and classes.max() < len(rows)):
        raise ValueError("faces of no class")
    return FaceSet(vectors, faces.astype(np.int64), classes.astype(np.int64))


def _held_tensors(held: HeldOut | None) -> dict[str, Array]:
    if held is None or not len(held):
        return {}
    return {f"{HELD_OUT}_{each.name}": getattr(held, each.name) for each in fields(HeldOut)}


def _held_out(tensors: dict[str, Array], people: int) -> HeldOut | None:
    if f"{HELD_OUT}_faces" not in tensors:
        return None
    read: dict[str, Any] = {each.name: tensors[f"{HELD_OUT}_{each.name}"] for each in fields(HeldOut)}
    held = HeldOut(**read)
    flat = {held.faces.shape, held.classes.shape, held.others.shape} == {(len(held),)}
    if not flat or not held.people.shape == held.shares.shape == (len(held), RANKS):
        raise ValueError("answers that do not fit the faces")
    for classes in (held.classes, held.people):
        if len(held) and not (classes.min() >= UNKNOWN and classes.max() < people):
            raise ValueError("answers of no class")
    return held


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
