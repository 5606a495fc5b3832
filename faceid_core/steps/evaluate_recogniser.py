"""How good recognisers are, by what they answered about faces that they must not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from faceid_core.errors import BadInput, NotMeasured
from faceid_core.library import Changed, FaceView, Library, ModelView, Naming
from faceid_core.values import Role

if TYPE_CHECKING:
    from faceid_core.recognition.evaluation import HeldOut, Point
    from faceid_core.values import Ints

STRICT = 0.01
"""The FPIR at which recognisers are compared, beside their own thresholds."""

ERRORS = 60
"""Confident errors that are looked up at most."""


def held_out(library: Library, model: ModelView) -> HeldOut:
    """What a recogniser answered about faces that it must not know. Faces that went since are left out.

    Raises NotMeasured for one of before, or of people with a single photo each; ModelUnusable.
    """
    from faceid_core.recognition import model_files

    library.actor.require(Role.OWNER)
    found = model_files.read(library.settings.models_folder / model.artifact).held_out
    if found is None:
        raise NotMeasured(
            f"Recogniser {model.id} has no answers about single faces: an earlier version of faceid made it, or "
            "nobody in it has a second photo. Train again to get them."
        )
    return found


@dataclass(frozen=True, slots=True)
class Compared:
    """A recogniser on the faces that all compared ones were tested with. own: at its own threshold; strict: where
    1 in 100 strangers gets a name."""

    model: int
    known: int
    strangers: int
    own: Point
    strict: Point

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)


def compare(library: Library, models: Sequence[int]) -> list[Compared]:
    """Recognisers on the same held-out faces, in the given order.

    Raises NotFound, NotMeasured, ModelUnusable; BadInput for fewer than two, or where no face was held out by all.
    """
    from faceid_core.recognition import evaluation

    chosen = [library.models.get(number) for number in dict.fromkeys(models)]
    if len(chosen) < 2:
        raise BadInput("Choose two recognisers or more to compare.")
    several = evaluation.shared([held_out(library, model) for model in chosen])
    if not several[0].known.any():
        raise BadInput("These recognisers were tested with different faces; compare others.")
    found = []
    for model, held in zip(chosen, several, strict=True):
        strict = evaluation.strict_threshold(held, STRICT)
        own, at_strict = evaluation.at(held, model.threshold), evaluation.at(held, strict)
        found.append(Compared(model.id, int(held.known.sum()), int((~held.known).sum()), own, at_strict))
    return found


@dataclass(frozen=True, slots=True)
class ConfidentError:
    """A face whose recogniser is sure that it is somebody else than its name says. guess: the person whom it takes
    it for, by the name that they had in training; probability: of that."""

    face: FaceView
    guess: str
    probability: float


def confident_errors(library: Library, model: ModelView, held: HeldOut) -> list[ConfidentError]:
    """The surest first, without faces that bear another name by now than in training, or none, and without those
    that can't be the other one: because a human said so, or because of who else is on the photo."""
    from faceid_core.recognition import evaluation

    rows = evaluation.confident_errors(held)[:ERRORS]
    faces = {face.id: face for face in library.faces.get_many(held.faces[rows].tolist())}
    impossible = library.gallery.ruled_out(faces)
    people = {person.name: person.id for person in library.people.all()}
    found = []
    for row in rows.tolist():
        face = faces.get(int(held.faces[row]))
        guess = model.classes[held.people[row, 0]]
        if face is None or face.person != model.classes[held.classes[row]] or guess not in people:
            continue
        if (face.id, people[guess]) not in impossible:
            found.append(ConfidentError(face, guess, float(held.best[row])))
    return found


def correct(library: Library, error: ConfidentError) -> Naming:
    """Give the face to whom the recogniser takes it for. Raises NotFound where nobody has that name any more;
    OutOfDate where the face is somebody else's by now."""
    from faceid_core.library import DrawnFaces

    person = library.people.known(error.guess)
    drawn = DrawnFaces.alike([error.face.id], error.face.person_id)
    return library.people.give_faces([error.face.id], person.id, drawn=drawn)


def keep(library: Library, error: ConfidentError) -> Changed:
    """Remember that the face is not whom the recogniser takes it for: it learns from that, too. Raises NotFound,
    OutOfDate."""
    from faceid_core.library import DrawnFaces

    drawn = DrawnFaces.alike([error.face.id], error.face.person_id)
    return library.people.reject([error.face.id], library.people.known(error.guess).id, drawn=drawn)


def faces_of(library: Library, held: HeldOut, rows: Ints, limit: int = 200) -> list[FaceView]:
    """The faces in these rows, as far as they are in the library, in the same order."""
    ids = [int(face) for face in held.faces[rows[:limit]] if face]
    faces = {face.id: face for face in library.faces.get_many(ids)}
    return [faces[face] for face in ids if face in faces]
