"""What is kept up to date equals what is computed from the beginning, after any sequence of acts and undos."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from faceid_core.lifetimes import NO_DAY, Lifetimes
from faceid_core.review import identity
from faceid_core.review.people_nearby import PER_PERSON
from faceid_core.review.suggestion_index import ComparedRows, Decided, SuggestionIndex
from faceid_core.values import GalleryFaces

PEOPLE, FACES, PER_PHOTO, LIMIT = 12, 240, 3, 0.5


class Album:
    """Faces of PEOPLE, and what was decided about them: a picture of the library that acts change at random."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.truth = rng.integers(0, PEOPLE, FACES)
        middles = rng.normal(size=(PEOPLE, 16)) * 0.25
        vectors = (middles[self.truth] + rng.normal(size=(FACES, 16)) * 0.1).astype(np.float32)
        ids = np.sort(rng.choice(10 * FACES, FACES, replace=False)) + 1
        photos, days = ids // (10 * PER_PHOTO), self._lives(seed)
        self.faces = ComparedRows(ids, photos, rng.random(FACES).astype(np.float32), vectors, days[photos])
        self.people = np.where(rng.random(FACES) < 0.2, self.truth, -1)
        self.flagged = np.zeros(FACES, bool)
        self.groups = np.where(rng.random(FACES) < 0.6, self.truth, -1)
        self.rejected = np.empty((0, 2), np.int64)

    def _lives(self, seed: int) -> np.ndarray:
        """The day of each photo, a few of them unknown; half of the people were born or died in between."""
        rng, begin = np.random.default_rng(seed + 1000), date(2000, 1, 1)
        known = [(one, begin + timedelta(300 * (one % 3)), begin + timedelta(700)) for one in range(0, PEOPLE, 2)]
        self.lifetimes = Lifetimes.of(known)
        days = begin.toordinal() + rng.integers(0, 1000, FACES)
        return np.where(rng.random(FACES) < 0.2, NO_DAY, days)

    def decided(self) -> Decided:
        named = self.people >= 0
        return Decided(
            people=np.where(self.flagged, -1, self.people),
            asked=~named & ~self.flagged,
            groups=self.groups.copy(),
            on_photos=np.stack([self.faces.photos[named], self.people[named]], axis=1),
            ruled_out=self.rejected,
            refused=GalleryFaces(
                self.faces.ids[self.rejected[:, 0]], self.rejected[:, 1], self.faces.vectors[self.rejected[:, 0]]
            ),
            lifetimes=self.lifetimes,
        )

    def act(self) -> None:
        """Name a few faces, mostly rightly; take names away, reject, set aside, bring back, merge, group anew."""
        some = self.rng.choice(FACES, self.rng.integers(1, 12), replace=False)
        match self.rng.integers(0, 8):
            case 0 | 1 | 2:
                person = int(self.rng.integers(0, PEOPLE))
                self.people[some[self.truth[some] == person]] = person
                self.people[some[:1]] = person
            case 3:
                self.people[some] = -1
            case 4:
                pairs = np.stack([some, self.rng.integers(0, PEOPLE, len(some))], axis=1)
                self.rejected = np.unique(np.concatenate([self.rejected, pairs]), axis=0)
            case 5:
                self.flagged[some] = ~self.flagged[some]
            case 6:
                one, other = self.rng.integers(0, PEOPLE, 2)
                self.people[self.people == one] = other
            case _:
                self.groups[some] = self.rng.integers(-1, PEOPLE, len(some))

    def state(self) -> tuple[np.ndarray, ...]:
        return self.people.copy(), self.flagged.copy(), self.groups.copy(), self.rejected.copy()

    def restore(self, state: tuple[np.ndarray, ...]) -> None:
        self.people, self.flagged, self.groups, self.rejected = state


def computed(album: Album) -> list[identity.Suggestion]:
    """The same by the simple way."""
    decided, faces = album.decided(), album.faces
    order = np.lexsort((faces.ids, -faces.quality))
    best = [order[decided.people[order] == person][:PER_PERSON] for person in range(PEOPLE)]
    rows = np.concatenate(best)
    known = GalleryFaces(faces.ids[rows], decided.people[rows], faces.vectors[rows])
    on_photos = set(map(tuple, decided.on_photos.tolist()))
    forbidden = {
        (int(face), person)
        for face, photo in zip(faces.ids, faces.photos, strict=True)
        for person in range(PEOPLE)
        if (int(photo), person) in on_photos
    }
    forbidden |= {(int(faces.ids[row]), int(person)) for row, person in decided.ruled_out}
    assert faces.days is not None
    not_alive = decided.lifetimes.exclude(faces.days[:, None], np.arange(PEOPLE)[None, :])
    assert not_alive.any()
    forbidden |= {(int(faces.ids[row]), person) for row, person in np.argwhere(not_alive).tolist()}
    asked = np.flatnonzero(decided.asked)
    found = identity.suggest(
        faces.ids[asked], faces.vectors[asked], known, limit=LIMIT, groups=decided.groups[asked],
        forbidden=frozenset(forbidden), refused=decided.refused,
    )  # fmt: skip
    return identity.once_a_photo(found, dict(zip(faces.ids.tolist(), faces.photos.tolist(), strict=True)))


def agree(one: list[identity.Suggestion], other: list[identity.Suggestion]) -> None:
    distance = pytest.approx([s.distance for s in other], abs=1e-4)
    assert [s.distance for s in one] == distance
    assert [s.runner_up_distance for s in one] == pytest.approx([s.runner_up_distance for s in other], abs=1e-4)
    plain = [[replace(s, distance=0, runner_up_distance=0) for s in found] for found in (one, other)]
    assert plain[0] == plain[1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_after_any_acts_and_undos_it_is_what_a_fresh_computation_finds(seed: int) -> None:
    album, asked = Album(seed), 0
    index = SuggestionIndex(album.faces, limit=LIMIT)
    done: list[tuple[np.ndarray, ...]] = []
    for _ in range(40):
        if done and album.rng.random() < 0.25:
            album.restore(done.pop())
        else:
            done.append(album.state())
            album.act()
        deque(index.update(album.decided()), 0)
        found = index.suggestions()
        agree(found, computed(album))
        asked += len(found)
    assert asked > 200


def test_one_more_name_compares_only_that_person(monkeypatch: pytest.MonkeyPatch) -> None:
    album = Album(0)
    album.people[:120] = album.truth[:120]
    index = SuggestionIndex(album.faces, limit=LIMIT)
    assert list(index.update(album.decided())) == [0]
    compared: list[int] = []
    distances = identity.Gallery.distances

    def counting(gallery: identity.Gallery, vectors: np.ndarray) -> np.ndarray:
        compared.append(len(gallery.people))
        return distances(gallery, vectors)

    monkeypatch.setattr(identity.Gallery, "distances", counting)
    album.people[130] = album.truth[130]
    assert list(index.update(album.decided())) == []
    assert compared == [1]


def test_what_is_known_so_far_is_told_while_the_rest_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceid_core.review.people_nearby.AT_ONCE", 50)
    album = Album(1)
    album.people[:120] = album.truth[:120]
    index = SuggestionIndex(album.faces, limit=LIMIT)
    numbers = [len(index.suggestions()) for _ in index.update(album.decided())]
    assert len(numbers) > 1 and 0 < numbers[0] < numbers[-1]
    agree(index.suggestions(), computed(album))
