"""The recogniser in use, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.engine.graphs import CROP_PX
from faceid_core.errors import FaceIdError
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.single_flight import single_flight
from faceid_core.steps.load_vectors import load_detector, load_embedder
from faceid_core.values import PROGRAM, Image, Recognised, Role

if TYPE_CHECKING:
    from faceid_core.recognition.recogniser import Recogniser


def recognise(
    library: Library, image: Image, *, threshold: float | None = None, go_on: Callable[[], None] | None = None
) -> list[Recognised]:
    """Who is in the image (H, W, 3), from left to right; to viewers hidden people are unknown ones. Raises as
    `load_recogniser` and `Recogniser.recognise` do. go_on: what it raises ends the work."""
    stopping = {} if go_on is None else {"go_on": go_on}
    found = load_recogniser(library).recognise(image, threshold=threshold, **stopping)
    hidden = hidden_names(library)
    return [_without(hidden, face) for face in found] if hidden else found


def hidden_names(library: Library) -> set[str]:
    """The people whom whoever acts must not learn of: those that are hidden from viewers."""
    if library.actor.role.includes(Role.EDITOR):
        return set()
    return {person.name for person in library.acting_as(PROGRAM).people.all() if person.hidden}


def _without(hidden: set[str], face: Recognised) -> Recognised:
    others = tuple(guess for guess in face.runners_up if guess.name not in hidden)
    if face.name in hidden:
        return replace(face, name=None, probability=1 - face.probability, runners_up=others)
    return replace(face, runners_up=others)


def load_recogniser(library: Library) -> Recogniser:
    """The recogniser in use, loaded once per process however many ask at once. Raises NoModel, ModelUnusable."""
    model = library.models.latest()
    folder = library.settings.models_folder / model.artifact
    return _load_recogniser(folder, library.settings.model_dump_json()).at(model.threshold)


@single_flight(maxsize=2)
def _load_recogniser(folder: Path, settings_json: str) -> Recogniser:
    from faceid_core.recognition.recogniser import Recogniser

    settings = Settings.model_validate_json(settings_json)
    # The networks are those that other parts of the process use, too.
    return Recogniser.load(folder, settings=settings, detector=load_detector(settings), embedder=load_embedder)


def warm_up(library: Library) -> None:
    """Load the recogniser in use and let its networks run once, so that the first who asks need not wait for that.
    Without a recogniser that can be used nothing happens."""
    with suppress(FaceIdError):
        recogniser = load_recogniser(library)
        recogniser.recognise(np.zeros((240, 320, 3), np.uint8))
        recogniser.embed(np.zeros((1, CROP_PX, CROP_PX, 3), np.uint8))
