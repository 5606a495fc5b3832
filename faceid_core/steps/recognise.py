"""The recogniser in use, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceid_core.errors import FaceIdError, OutOfDate
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.single_flight import single_flight
from faceid_core.steps.load_vectors import load_detector, load_embedder
from faceid_core.values import PROGRAM, Image, Recognised, Role

if TYPE_CHECKING:
    from faceid_core.recognition.recogniser import EmbeddedFaces, Recogniser

OTHER_RECOGNISER = "Another recogniser is now in use; choose the photo again."

NEAREST = 6
"""Faces that `nearest` lists at most."""

NEAREST_OF_EACH = 8
"""The best faces of each candidate that `nearest` compares with."""


@dataclass(frozen=True, slots=True)
class NearFace:
    """A named face of the library and its distance to another one, Euclidean between unit vectors or in dlib's
    space."""

    face_id: int
    name: str
    distance: float


def recognise(
    library: Library, image: Image, *, threshold: float | None = None, go_on: Callable[[], None] | None = None
) -> list[Recognised]:
    """Who is in the image (H, W, 3), from left to right; to viewers hidden people are unknown ones. Raises as
    `load_recogniser` and `Recogniser.recognise` do. go_on: what it raises ends the work."""
    stopping = {} if go_on is None else {"go_on": go_on}
    return _as_shown(library, load_recogniser(library).recognise(image, threshold=threshold, **stopping))


def find_faces(library: Library, image: Image, *, go_on: Callable[[], None] | None = None) -> EmbeddedFaces:
    """The faces of the image (H, W, 3), to be named by `name_faces`, as often as need be. Raises as `recognise`."""
    stopping = {} if go_on is None else {"go_on": go_on}
    return load_recogniser(library).find(image, **stopping)


def name_faces(library: Library, found: EmbeddedFaces, *, threshold: float | None = None) -> list[Recognised]:
    """Who the faces are, in their order; threshold: instead of the recogniser's. Raises OutOfDate where another
    recogniser is in use by now."""
    recogniser = _same(library, found)
    return _as_shown(library, recogniser.label(found.faces, found.vectors, threshold=threshold))


def nearest(library: Library, found: EmbeddedFaces, place: int, face: Recognised) -> list[NearFace]:
    """The NEAREST named faces, nearest first, to the face at `place`, of the people whom `face` names. Nobody else
    can be as near, or they would be among them. Raises OutOfDate."""
    from faceid_core.recognition.recogniser import TUNED
    from faceid_core.steps.load_vectors import decoded

    names = [face.name, *(guess.name for guess in face.runners_up)]
    people = {person.id: person.name for each in names if each and (person := library.people.find(each))}
    recogniser = _same(library, found)
    is_tuned = recogniser.embedder.name == TUNED
    embedder = library.models.latest().embedder if is_tuned else recogniser.embedder.name
    known = library.gallery.faces(embedder, NEAREST_OF_EACH, people=sorted(people))
    if not len(known.ids):
        return []
    vectors = recogniser.embed(decoded(library, known.ids)) if is_tuned else known.vectors
    distances = np.linalg.norm(vectors - found.vectors[place], axis=1)
    return [
        NearFace(int(known.ids[at]), people[int(known.people[at])], round(float(distances[at]), 3))
        for at in np.argsort(distances, kind="stable")[:NEAREST]
    ]


def _same(library: Library, found: EmbeddedFaces) -> Recogniser:
    """The recogniser in use, if it is the one that found these faces. Raises OutOfDate."""
    recogniser = load_recogniser(library)
    if recogniser.token != found.found_by:
        raise OutOfDate(OTHER_RECOGNISER)
    return recogniser


def _as_shown(library: Library, answers: list[Recognised]) -> list[Recognised]:
    """Without hidden people for viewers, and with everybody's number in the library."""
    hidden = hidden_names(library)
    shown = [_without(hidden, face) for face in answers] if hidden else answers
    people = {name: library.people.find(name) for name in {face.name for face in shown} if name is not None}
    ids = {name: person.id for name, person in people.items() if person is not None}
    return [replace(face, person_id=ids.get(face.name or "")) for face in shown]


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
        recogniser.find(np.zeros((240, 320, 3), np.uint8))
        size = recogniser.embedder.size_px
        recogniser.embed(np.zeros((1, size, size, 3), np.uint8))
