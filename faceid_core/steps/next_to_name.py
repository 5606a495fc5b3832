"""What to name next: the unnamed faces that would help the recogniser in use most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from faceid_core.library import Library
from faceid_core.recognition import next_to_name as choosing
from faceid_core.recognition.recogniser import TUNED
from faceid_core.recognition.scoring import Floats
from faceid_core.steps.apply_recogniser import Unnamed, unnamed_faces
from faceid_core.values import Guess, Role, Vectors

USUAL = 50
"""Faces that are asked for, unless somebody says otherwise."""

LEAST_GAIN = 0.5
"""A face from which less is to be gained is not worth a question."""

LEAST_GUESS = 0.05
"""Below this probability nobody is named as who it may be."""


@dataclass(frozen=True, slots=True)
class ToName:
    """An unnamed face. gain: about how many unnamed faces, itself included, would be recognised once it has a name,
    beside those which the faces before it bring. guess: who it may be, None where nobody is likely."""

    face: int
    gain: float
    guess: Guess | None

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        guess = self.guess and {"name": self.guess.name, "probability": round(self.guess.probability, 4)}
        return {"face": self.face, "gain": round(self.gain, 2), "guess": guess}


def next_to_name(library: Library, count: int = USUAL) -> tuple[ToName, ...]:
    """At most `count` of them, the most helpful first. Kept until something changes. Raises NoModel, ModelUnusable,
    NotAllowed for viewers."""
    library.actor.require(Role.EDITOR)
    model = library.models.latest()
    version = (model.id, model.artifact, model.threshold, *library.gallery.cache_version())
    return _next_to_name(library, count, (*version, *library.gallery.newest_faces()))


@lru_cache(maxsize=2)
def _next_to_name(library: Library, count: int, cache_version: tuple[object, ...]) -> tuple[ToName, ...]:
    seen = unnamed_faces(library)
    own = seen.recogniser
    computing = choosing.Recognising(own.scorer, own.calibration, own.threshold)
    best = seen.shares.max(axis=1, initial=0.0)
    found = choosing.next_to_name(seen.vectors, best, computing, count, named=_named(library, seen))
    return tuple(
        ToName(int(seen.probes.ids[each.row]), each.gain, _guess(own.classes, seen.shares[each.row]))
        for each in found if each.gain >= LEAST_GAIN
    )  # fmt: skip


def _named(library: Library, seen: Unnamed) -> Vectors | None:
    """Faces with a name, as some got it after the training. None for a recogniser with a network of its own: to
    embed them all would take minutes."""
    if seen.recogniser.embedder.name == TUNED:
        return None
    return library.gallery.faces(seen.model.embedder).vectors


def _guess(classes: Sequence[str], shares: Floats) -> Guess | None:
    best = int(shares.argmax())
    return Guess(classes[best], float(shares[best])) if shares[best] >= LEAST_GUESS else None
