"""Who unnamed faces are, as the recogniser in use says: suggestions, to be accepted many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from faceid_core.errors import ModelUnusable, NoModel, NotMeasured
from faceid_core.library import Changed, DrawnFaces, Library, ModelView, Probes
from faceid_core.recognition import evaluation, openset
from faceid_core.recognition.recogniser import TUNED, Recogniser
from faceid_core.recognition.scoring import Floats
from faceid_core.steps.evaluate_recogniser import held_out
from faceid_core.steps.load_vectors import decoded
from faceid_core.steps.recognise import load_recogniser
from faceid_core.values import Guess, Ints, Role, Vectors

LOOKED_AT = 10_000
"""Unnamed faces that are looked at, the best ones first: a second's work for 500 people."""

TUNED_LOOKED_AT = 300
"""The same for a recogniser with a network of its own, which must embed them first: some seconds."""

NEVER = 2.0
"""A probability that no second face on a photo reaches."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An unnamed face may be this person. runner_up: who else, None where nobody is likely at all."""

    face: int
    person: int
    name: str
    probability: float
    runner_up: Guess | None = None

    def as_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        other = self.runner_up and {
            "name": self.runner_up.name, "probability": round(self.runner_up.probability, 4),
        }  # fmt: skip
        return {"face": self.face, "name": self.name, "probability": round(self.probability, 4), "runner_up": other}


@dataclass(frozen=True, slots=True)
class Proposals:
    """of: unnamed faces that were looked at; found: the surest first."""

    model: int
    of: int
    found: tuple[Proposal, ...]

    def above(self, threshold: float) -> list[Proposal]:
        """Those that are at least so probable."""
        return [each for each in self.found if each.probability >= threshold]


def propose(library: Library) -> Proposals:
    """Names for unnamed faces by the recogniser in use, each at its threshold or above. What a human ruled out is
    never proposed, nor somebody who is on the photo already. Kept until something changes. Raises NoModel,
    ModelUnusable, NotAllowed for viewers."""
    library.actor.require(Role.EDITOR)
    model = library.models.latest()
    version = (model.id, model.artifact, model.threshold, *library.gallery.cache_version())
    return _propose(library, (*version, *library.gallery.newest_faces()))


@lru_cache(maxsize=2)
def _propose(library: Library, cache_version: tuple[object, ...]) -> Proposals:
    seen = unnamed_faces(library)
    found = []
    for row, chosen in _assigned(seen.probes.photos, seen.shares, seen.recogniser.threshold):
        shares = seen.shares[row]
        order = [each for each in np.argsort(-shares, kind="stable")[:2].tolist() if each != chosen]
        runner_up = Guess(seen.recogniser.classes[order[0]], float(shares[order[0]])) if order else None
        name, share = seen.recogniser.classes[chosen], float(shares[chosen])
        found.append(Proposal(int(seen.probes.ids[row]), seen.people[chosen], name, share, runner_up))
    order_of = sorted(found, key=lambda each: (-each.probability, each.face))
    return Proposals(seen.model.id, len(seen.probes.ids), tuple(order_of))


@dataclass(frozen=True, slots=True, eq=False)
class Unnamed:
    """N unnamed faces, the best ones first, as the recogniser in use sees them. vectors: (N, D) in its space;
    shares: (N, K) how probable each of its people is, 0 for who can't be; people: their ids by class, 0 for who is
    gone."""

    model: ModelView
    recogniser: Recogniser
    probes: Probes
    vectors: Vectors
    people: tuple[int, ...]
    shares: Floats


def unnamed_faces(library: Library) -> Unnamed:
    """At most LOOKED_AT of them. Raises NoModel, ModelUnusable."""
    model, recogniser = library.models.latest(), load_recogniser(library)
    limit = TUNED_LOOKED_AT if recogniser.embedder.name == TUNED else LOOKED_AT
    probes = library.gallery.probes(model.embedder, limit)
    people = {person.name: person.id for person in library.people.all()}
    places = tuple(people.get(name, 0) for name in recogniser.classes)
    vectors = _vectors(library, recogniser, probes)
    shares = recogniser.probabilities(vectors)
    shares[:, [not person for person in places]] = 0.0
    _rule_out(library, probes, places, shares)
    return Unnamed(model, recogniser, probes, vectors, places, shares)


def _vectors(library: Library, recogniser: Recogniser, probes: Probes) -> Vectors:
    """(N, D) in the recogniser's space: that of the library, but for a network that was trained further."""
    if recogniser.embedder.name != TUNED:
        return probes.vectors
    return recogniser.embedder.embed(decoded(library, probes.ids))


def _rule_out(library: Library, probes: Probes, places: Sequence[int], shares: Floats) -> None:
    row_of = {face: row for row, face in enumerate(probes.ids.tolist())}
    column_of = {person: column for column, person in enumerate(places) if person}
    for face, person in library.gallery.ruled_out(probes.ids):
        if person in column_of:
            shares[row_of[face], column_of[person]] = 0.0
    living, days = library.gallery.lifetimes(), library.gallery.days(probes.ids)
    for person in living.people.tolist():
        if person in column_of:
            shares[living.exclude(days, np.full(1, person)), column_of[person]] = 0.0


def _assigned(photos: Ints, shares: Floats, threshold: float) -> Iterator[tuple[int, int]]:
    """(row, class) of the faces that get a name; nobody is proposed twice on a photo."""
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(shares.max(axis=1, initial=0.0) >= threshold).tolist():
        rows_of[int(photos[row])].append(row)
    for rows in rows_of.values():
        answers = openset.assign(shares[rows], threshold, NEVER)
        yield from ((row, person) for row, person in zip(rows, answers, strict=True) if person is not None)


def proposed_since(library: Library, face: int) -> int | None:
    """How many faces that came after this one get a suggestion; None without a recogniser that can be used."""
    with suppress(NoModel, ModelUnusable):
        return sum(each.face > face for each in propose(library).found)
    return None


def threshold_for(library: Library, proposals: Proposals, precision: float) -> float:
    """The probability from which so many names are right, as a share: by the probabilities of these faces, and by
    the answers about held-out ones, where they are known. Above 1 where none is sure enough."""
    shares = np.array([each.probability for each in proposals.found])
    expected = evaluation.precise_threshold(shares, shares, precision)
    with suppress(NotMeasured):
        held = held_out(library, library.models.get(proposals.model))
        expected = max(expected, evaluation.precise_threshold(held.best, held.right, precision))
    return expected


def accept(library: Library, chosen: Sequence[Proposal]) -> Changed:
    """Give all these faces the names that are proposed, as one event. Raises NotFound, TwiceOnPhoto; OutOfDate
    where one of them got a name meanwhile."""
    drawn = DrawnFaces.alike([each.face for each in chosen])
    return library.people.accept([(each.face, each.person) for each in chosen], drawn=drawn)
