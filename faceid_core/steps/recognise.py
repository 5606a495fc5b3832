"""The recogniser in use, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.single_flight import single_flight
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

    return Recogniser.load(folder, settings=Settings.model_validate_json(settings_json))
