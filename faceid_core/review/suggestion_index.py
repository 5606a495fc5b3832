"""Suggestions, kept up to date: after an act only what it touched is compared again. `identity.suggest` and
`identity.once_a_photo` compute the same from scratch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceid_core.lifetimes import NOBODYS, Lifetimes
from faceid_core.review import identity, queue
from faceid_core.review.identity import Suggestion
from faceid_core.review.lead_index import LeadIndex
from faceid_core.review.people_nearby import Bools, PeopleNearby
from faceid_core.values import GalleryFaces, Ints, Vectors

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRows:
    """The N compared faces, by id. ids, photos: (N,); quality: (N,) float32; vectors: (N, D) of equal length; days:
    (N,) of their photos, see Lifetimes; None if no date is known."""

    ids: Ints
    photos: Ints
    quality: npt.NDArray[np.float32]
    vectors: Vectors
    days: Ints | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What people decided about N faces.

    people: (N,) the person of each face, -1 if unnamed or flagged; asked: (N,) whether it waits for a name; groups:
    (N,) its group, -1 for none. on_photos: (L, 2) photo and person of all named faces; ruled_out: (R, 2) impossible
    row and person; refused: faces rejected for a person; lifetimes: of people whose dates are known.
    """

    people: Ints
    asked: Bools
    groups: Ints
    on_photos: Ints
    ruled_out: Ints
    refused: GalleryFaces
    lifetimes: Lifetimes = NOBODYS


class SuggestionIndex:
    """Who the faces waiting for a name may be."""

    def __init__(self, faces: ComparedRows, *, limit: float) -> None:
        self._faces, self._limit = faces, limit
        self._nearby = PeopleNearby(faces.vectors, faces.quality)
        self._leads = LeadIndex(faces.vectors)
        self._limits = np.full(len(faces.ids), limit)
        self._reasons: dict[tuple[int, int], tuple[int, ...]] = {}
        self._made: dict[int, Suggestion] = {}
        self._was: Decided | None = None

    @property
    def known(self) -> int:
        """How many faces have been compared so far."""
        return int(self._nearby.known.sum())

    def carry_on(self, before: SuggestionIndex) -> None:
        """Copy what another index knows about faces with the same vectors."""
        mine, theirs = self._faces, before._faces
        _, here, there = np.intersect1d(mine.ids, theirs.ids, assume_unique=True, return_indices=True)
        same = (mine.vectors[here] == theirs.vectors[there]).all(axis=1) & (
            mine.quality[here] == theirs.quality[there]
        )
        self._nearby.carry_on(before._nearby, here[same], there[same])

    def update(self, decided: Decided) -> Iterator[int]:
        """Apply what was decided. The iterator compares new faces with everybody and yields how many are left;
        meanwhile `suggestions` gives those known so far."""
        self._limit_groups(decided)
        changed, rest = self._nearby.update(decided.people, decided.asked)
        self._reasons = {key: rows for key, rows in self._reasons.items() if key[1] not in changed}
        self._was = decided
        return rest

    def suggestions(self) -> list[Suggestion]:
        """Surest first; each person at most once per photo, for the likelier face."""
        decided = self._was
        if decided is None:
            return []
        rows = np.flatnonzero(decided.asked & self._nearby.known)
        people, distances = self._nearest_two(rows, decided)
        limits = self._limits[rows]
        reach = identity.reach_of(limits, self._limit, identity.LESS_SURE)
        reach = np.minimum(reach, identity.MARGIN * distances[:, 1])
        near = np.flatnonzero(distances[:, 0] <= reach)
        near = near[self._unlike_refused(rows[near], people[near, 0], distances[near, 0], decided.refused)]
        sure = distances[near, 0] <= limits[near]
        order = np.lexsort((self._faces.ids[rows[near]], distances[near, 0], ~sure))
        near, sure = near[order], sure[order]
        first = np.sort(_first_of(self._faces.photos[rows[near]], people[near, 0]))
        kept, sure = near[first], sure[first]
        ahead = self._leads.update(rows[kept], people[kept, 0], self._nearby.middles())
        self._made = {
            item[0]: self._suggestion(*item)
            for item in zip(
                rows[kept].tolist(),
                people[kept].tolist(),
                distances[kept].tolist(),
                sure.tolist(),
                ahead.tolist(),
                strict=True,
            )
        }
        return list(self._made.values())

    def usual_odds(self, rows: Ints, people: Ints) -> Floats:
        """The log-odds that a suggestion of people (M,) for the faces in these rows (M,) would be right if they
        were unnamed; NaN if that can't be told."""
        middles, vectors = self._nearby.middles(), self._faces.vectors[rows]
        there = np.isin(people, middles.people)
        result = np.full(len(rows), np.nan)
        if len(middles.people) < 2 or not there.any():
            return result
        place = np.searchsorted(middles.people, people[there])
        sizes = np.array([len(self._nearby.speaking(person)) for person in people[there].tolist()])
        own, mine, some = middles.vectors[place], self._named(rows[there], people[there]), vectors[there]
        without = (sizes[:, None] * own - some) / np.maximum(sizes - 1, 1)[:, None]
        moved = ((some - without) ** 2).sum(axis=1) - ((some - own) ** 2).sum(axis=1)
        ahead = identity.leads(some, people[there], middles) + np.where(mine, moved, 0)
        result[there] = np.where(mine & (sizes < 2), np.nan, queue.usual_odds(ahead, self._limit))
        return result

    def _named(self, rows: Ints, people: Ints) -> Bools:
        """Which of these rows are among the faces that represent these people."""
        return np.array(
            [
                bool((self._nearby.speaking(who) == row).any())
                for row, who in zip(rows, people.tolist(), strict=True)
            ],
            bool,
        )

    def _suggestion(
        self, row: int, people: list[int], distances: list[float], sure: bool, lead: float
    ) -> Suggestion:
        """The suggestion made before, if it still holds, as most do; else a new one."""
        before = self._made.get(row)
        runner_up = people[1] if distances[1] != np.inf else None
        if (
            before is not None
            and (before.person, before.distance, before.runner_up) == (people[0], distances[0], runner_up)
            and before.sure is sure
            and before.lead == lead
            and before.runner_up_distance == distances[1]
            and (row, people[0]) in self._reasons
        ):
            return before
        return Suggestion(
            face=int(self._faces.ids[row]),
            person=people[0],
            distance=distances[0],
            because=self._because(row, people[0]),
            runner_up=runner_up,
            runner_up_distance=distances[1],
            sure=sure,
            lead=lead,
        )

    def _because(self, row: int, person: int) -> tuple[int, ...]:
        if (row, person) not in self._reasons:
            speaking, vectors = self._nearby.speaking(person), self._faces.vectors
            apart = np.linalg.norm(vectors[speaking] - vectors[row], axis=1)
            nearest = speaking[np.argsort(apart, kind="stable")[: identity.NEAREST]]
            self._reasons[row, person] = tuple(self._faces.ids[nearest].tolist())
        return self._reasons[row, person]

    def _nearest_two(self, rows: Ints, decided: Decided) -> tuple[Ints, Floats]:
        """The nearest two people of each row that nothing rules out: ids (M, 2) and distances (M, 2), inf for
        nobody."""
        people, apart = self._nearby.people[rows], self._nearby.distances[rows]
        photos = np.broadcast_to(self._faces.photos[rows, None], people.shape)
        out = _among(photos, people, decided.on_photos)
        out |= _among(np.broadcast_to(rows[:, None], people.shape), people, decided.ruled_out)
        if self._faces.days is not None:
            out |= decided.lifetimes.exclude(self._faces.days[rows, None], people)
        apart = np.where(out, np.inf, apart)
        order = np.argsort(apart, axis=1, kind="stable")[:, :2]
        people = np.take_along_axis(people, order, axis=1)
        distances = np.take_along_axis(apart, order, axis=1).astype(np.float64)
        self._look_farther(rows, people, distances, decided)
        return people, distances

    def _look_farther(self, rows: Ints, people: Ints, distances: Floats, decided: Decided) -> None:
        """Compare a row with everybody if too many of its listed people are ruled out or gone, and if it
        matters."""
        beyond, reach = self._nearby.beyond[rows], identity.LESS_SURE * self._limit
        nearest = np.minimum(distances[:, 0], beyond)
        lacking = ~np.isfinite(distances[:, 1]) & np.isfinite(beyond) & (nearest <= reach)
        places = np.flatnonzero(lacking)
        if len(places):
            without = [self._out_of_question(row, decided) for row in rows[places].tolist()]
            people[places], distances[places] = self._nearby.exactly(rows[places], without)

    def _out_of_question(self, row: int, decided: Decided) -> Ints:
        """The people whom a row can't show."""
        here = decided.on_photos[decided.on_photos[:, 0] == self._faces.photos[row], 1]
        out = [here, decided.ruled_out[decided.ruled_out[:, 0] == row, 1]]
        if self._faces.days is not None:
            dated = decided.lifetimes
            out.append(dated.people[dated.exclude(self._faces.days[row], dated.people)])
        return np.concatenate(out)

    def _limit_groups(self, decided: Decided) -> None:
        """See identity.limits_of; only for groups whose waiting faces changed."""
        before = _waiting_groups(self._was) if self._was is not None else np.full(len(self._faces.ids), -2)
        after = _waiting_groups(decided)
        changed = before != after
        dirty = np.unique(np.concatenate([before[changed], after[changed]]))
        rows = np.flatnonzero(np.isin(after, dirty[dirty >= 0]))
        self._limits[changed] = self._limit
        self._limits[rows] = identity.limits_of(self._faces.vectors[rows], after[rows], self._limit)

    def _unlike_refused(self, rows: Ints, people: Ints, distances: Floats, refused: GalleryFaces) -> Bools:
        """Which rows are no nearer to a face rejected for the person than to the person's own."""
        kept = np.ones(len(rows), bool)
        for person in np.intersect1d(people, refused.people).tolist():
            mine, others = np.flatnonzero(people == person), refused.vectors[refused.people == person]
            for at in mine.tolist():
                nearest = np.linalg.norm(others - self._faces.vectors[rows[at]], axis=1).min(initial=np.inf)
                kept[at] = nearest >= distances[at]
        return kept


def _waiting_groups(decided: Decided) -> Ints:
    return np.where(decided.asked, decided.groups, -1)


def _among(one: Ints, other: Ints, pairs: Ints) -> Bools:
    """Which (one, other), arrays of one shape, are among pairs (K, 2)."""
    width = int(max(other.max(initial=0), pairs[:, 1].max(initial=0))) + 2
    codes = np.unique(pairs[:, 0] * width + pairs[:, 1])
    found: Bools = np.isin(one * width + other, codes) & (other >= 0)
    return found


def _first_of(photos: Ints, people: Ints) -> Ints:
    """The index of the first row of each photo and person."""
    pairs = np.stack([photos, people], axis=1)
    return np.unique(pairs, axis=0, return_index=True)[1]
