"""The faces that recognisers store besides their people. Erasures and refusals of consent remove them here as well.

The model's file contains their vectors and face ids; see recognition.scoring.FaceSet.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core import tensor_folder
from faceid_core.library.store.database import chunks
from faceid_core.library.store.tables import Face, TrainedModel
from faceid_core.library.store.withholding import withheld_faces
from faceid_core.tensor_folder import Tensors

SETS = ("cohort", "negatives")

HELD_OUT = "held"
"""Predictions for held-out faces: their ids, but no vectors."""


def faces_in(folder: Path) -> frozenset[int]:
    """Return the faces whose vectors a model contains; none if its files can't be read."""
    found = _read(folder)
    return frozenset() if found is None else _faces(found)


def without(folder: Path, faces: Iterable[int]) -> Path | None:
    """Write a copy of the model folder without the faces. Returns it, or None if the model contains none of
    them."""
    tensors, gone = _read(folder), set(faces)
    if tensors is None or gone.isdisjoint(_faces(tensors, (*SETS, HELD_OUT))):
        return None
    for name in (*SETS, HELD_OUT):
        if (of := f"{name}_faces") in tensors:
            kept = ~np.isin(tensors[of], list(gone))
            for part in [each for each in tensors if each == name or each.startswith(f"{name}_")]:
                tensors[part] = tensors[part][kept]
    described, _ = tensor_folder.read(folder)
    return tensor_folder.write(described, tensors, folder.parent)


def trim(session: Session, models_folder: Path, faces: Iterable[int]) -> list[str]:
    """Remove faces from all recognisers, each of which gets a new folder. Returns the old folders, to be deleted
    after the transaction is committed."""
    gone, former = frozenset(faces), []
    for model in session.scalars(select(TrainedModel)) if gone else ():
        if (new := without(models_folder / model.artifact, gone)) is not None:
            former.append(model.artifact)
            model.artifact = new.name
    return former


def strays(session: Session, models_folder: Path) -> Iterator[tuple[TrainedModel, frozenset[int]]]:
    """Yield recognisers with faces that are no longer in the library, or whose person refused, and these faces."""
    withheld = frozenset(session.scalars(withheld_faces()))
    for model in session.scalars(select(TrainedModel)):
        held = faces_in(models_folder / model.artifact)
        there: set[int] = set()
        for chunk in chunks(held):
            there.update(
                face for face in session.scalars(select(col(Face.id)).where(col(Face.id).in_(chunk))) if face
            )
        if wrong := (held - there) | (held & withheld):
            yield model, wrong


def remove(models_folder: Path, artifacts: Iterable[str]) -> None:
    """Delete folders of recognisers."""
    for artifact in artifacts:
        shutil.rmtree(models_folder / artifact, ignore_errors=True)


def _read(folder: Path) -> Tensors | None:
    try:
        described, content = tensor_folder.read(folder)
        return tensor_folder.tensors_of(content, described["tensors"]["sha256"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None  # it can't be used for recognition either


def _faces(tensors: Tensors, sets: Iterable[str] = SETS) -> frozenset[int]:
    """Return the face ids, without 0, which stands for a face that is in no library."""
    named = (tensors[of] for name in sets if (of := f"{name}_faces") in tensors)
    return frozenset(int(face) for faces in named for face in faces) - {0}
