"""Keeps the open questions up to date: what a worker does between jobs and beside them."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from faceid_core.errors import FaceIdError, NotReady
from faceid_core.library import FaceVectors, Library, Standing
from faceid_core.review import identity, queue
from faceid_core.review.people_nearby import Bools
from faceid_core.review.queue import Question, Queue, Waiting
from faceid_core.review.suggestion_index import ComparedRows, Decided, SuggestionIndex
from faceid_core.steps import open_questions
from faceid_core.steps.cluster_labels import usual_threshold
from faceid_core.steps.describe_boxes import BoxDescriber
from faceid_core.steps.load_vectors import length_of, load_embedder
from faceid_core.steps.name_questions import NameQuestions
from faceid_core.steps.open_questions import OpenQuestions
from faceid_core.steps.snapshot import ComparedFaces
from faceid_core.values import LOW_QUALITY, GalleryFaces, Ints
from faceid_core.vectors.neighbours import on_sphere
from faceid_core.vision.embedder import Embedder

log = logging.getLogger(__name__)

OTHERS = 200
"""Questions that name no face, of those that are written down."""

WRITE_SECONDS = 3.0
"""How often what is known so far is written down while faces are still being compared."""

POLL_SECONDS = 0.15
"""How often the worker looks whether something was decided."""

LOOK_SECONDS = 2.0
"""How often it looks into the database although its files seem to be as before."""

NICE = 10
"""How far the worker stands back for pages and browsers, see nice(2): people answer meanwhile."""

LEARNED_FROM = 1000
"""Answers that say how often suggestions are right in this library, at most about twice as many."""

BUSY = ("import", "cluster")
"""Jobs that change faces all the time: the new ones are asked about when the job is done."""


class _Compared:
    """The faces that questions are about, and what is known of them. It changes when faces come."""

    def __init__(self, library: Library, pool: ThreadPoolExecutor, before: _Compared | None) -> None:
        self.library, self.newest = library, library.gallery.newest_faces()
        self._all = ComparedFaces(library)
        self.embedder: Embedder = self._all.embedder
        self.faces: FaceVectors = self._all.faces
        self.limit = identity.LIMIT_SHARE * self._all.same_person
        faces = self.faces
        days = library.gallery.days(faces.ids)
        rows = ComparedRows(faces.ids, faces.photos, faces.quality, faces.vectors, days)
        self.suggesting = SuggestionIndex(rows, limit=self.limit)
        if before is not None and before.embedder.name == self.embedder.name:
            self.suggesting.carry_on(before.suggesting)
        self._graph = pool.submit(lambda: self._all.graph)
        self._flagged: Ints | None = None
        self._groups: tuple[int | None, Ints] = (None, np.zeros(len(faces.ids), np.int64))

    def lacks(self, standing: Standing) -> bool:
        """Whether a face that bore a flag when all were read bears none any more."""
        if self._flagged is None:
            self._flagged = standing.flagged
        return len(np.setdiff1d(self._flagged, standing.flagged, assume_unique=True)) > 0

    @property
    def graph_is_there(self) -> bool:
        return self._graph.done()

    def wait_for_graph(self) -> None:
        """Raises what loading it raised."""
        self._graph.result()

    @cached_property
    def naming(self) -> NameQuestions:
        threshold = usual_threshold(self.library.settings, self._all.same_person)
        graph, unit = self._graph.result(), self._all.unit
        return NameQuestions(self.library, self.faces, graph, threshold=threshold, unit=unit)

    @cached_property
    def by_promise(self) -> Ints:
        return queue.by_promise(self._graph.result())

    def numbers(self, run: int | None) -> Ints:
        """(N,) the group of each face, 0 for none; read when there was a new grouping."""
        if self._groups[0] != run:
            self._groups = run, self.library.clusters.numbers(self.faces.ids)
        return self._groups[1]


@dataclass(frozen=True, eq=False)
class _Moment:
    """What stands decided about the compared faces. people, numbers, active: (N,), see NameQuestions.update."""

    compared: _Compared
    standing: Standing
    people: Ints
    numbers: Ints
    active: Bools
    _naming: dict[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> Bools:
        """(N,) the faces that wait for a name; none of low quality, such as the rows of a stadium."""
        tellable = (self.numbers > 0) | (self.compared.faces.quality >= LOW_QUALITY)
        return self.active & (self.people < 0) & tellable

    def decided(self) -> Decided:
        """For the index of suggestions."""
        standing = self.standing
        return Decided(
            people=np.where(np.isin(self.people, sorted(standing.hidden)), -1, self.people),
            asked=self.asked,
            groups=np.where(self.numbers > 0, self.numbers, -1),
            on_photos=standing.labels[:, [2, 1]],
            ruled_out=np.concatenate([self._rows(standing.rejections), self._rows(self._told_apart())]),
            refused=self._refused(),
            lifetimes=standing.lifetimes,
        )

    def _rows(self, pairs: Ints) -> Ints:
        """Of (face, person) those whose face is compared, with its row."""
        rows = self.compared.faces.rows(pairs[:, 0])
        return np.stack([rows, pairs[:, 1]], axis=1)[rows >= 0]

    def _told_apart(self) -> Ints:
        """(face, person): a human said that the face and one of the person's faces are two people."""
        standing = self.standing
        person = dict(standing.labels[:, :2].tolist())
        both = np.concatenate([standing.cannot_link, standing.cannot_link[:, ::-1]]).tolist()
        found = [(one, person[other]) for one, other in both if other in person]
        return np.array(found, np.int64).reshape(-1, 2)

    def _refused(self) -> GalleryFaces:
        library, embedder = self.compared.library, self.compared.embedder
        if not len(self.standing.rejections):
            return GalleryFaces(np.empty(0, np.int64), np.empty(0, np.int64), self.compared.faces.vectors[:0])
        found = library.gallery.negatives(embedder.name)
        return replace(found, vectors=on_sphere(found.vectors, length_of(embedder)))

    def naming(self, at_most: int) -> Queue:
        """The questions that name faces; computed again only while faces are being compared."""
        state = self.compared.suggesting.known, self.compared.graph_is_there, at_most
        if self._naming.get("state") != state:
            self._naming.update(state=state, queue=queue.naming(self._waiting(), at_most))
        found: Queue = self._naming["queue"]
        return found

    def _waiting(self) -> Waiting:
        """For the queue: the faces that wait, in their groups or alone."""
        compared, asked = self.compared, self.asked
        best = np.argsort(-compared.faces.quality, kind="stable")
        best = best[asked[best] & (self.numbers[best] > 0)]
        order = compared.by_promise if compared.graph_is_there else np.argsort(-compared.faces.quality)
        alone = order[asked[order] & (self.numbers[order] == 0)]
        return Waiting(
            groups=_by_number(self.numbers[best], compared.faces.ids[best]),
            singles=compared.faces.ids[alone].tolist(),
            suggestions=compared.suggesting.suggestions(),
            limit=compared.limit,
            named=self._named_groups(),
            records=_records(self.standing),
            lift=self._lift(),
        )

    def _lift(self) -> float:
        """What the answers to suggestions tell about all others, without those about groups."""
        standing = self.standing
        yes, no = self._rows(standing.labels[standing.accepted, :2]), self._rows(standing.rejections)
        answered = np.concatenate([yes, no])
        right = np.arange(len(answered)) < len(yes)
        alone = np.flatnonzero(self.numbers[answered[:, 0]] == 0)
        alone = alone[:: max(len(alone) // LEARNED_FROM, 1)]
        usual = self.compared.suggesting.usual_odds(answered[alone, 0], answered[alone, 1])
        known = np.isfinite(usual)
        return queue.learned(usual[known], right[alone][known])

    def _named_groups(self) -> dict[int, list[int]]:
        """Group -> the people of its faces, those with most first."""
        rows = np.flatnonzero((self.people >= 0) & (self.numbers > 0))
        pairs = np.stack([self.numbers[rows], self.people[rows]], axis=1)
        found, sizes = np.unique(pairs, axis=0, return_counts=True)
        named: dict[int, list[int]] = {}
        for number, person in found[np.argsort(-sizes, kind="stable")].tolist():
            if person not in self.standing.hidden:
                named.setdefault(number, []).append(person)
        return named


def _by_number(numbers: Ints, ids: Ints) -> dict[int, list[int]]:
    """Group -> its faces in the order in which they come."""
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    parts = np.split(ids[order], starts[1:])
    return {int(number): part.tolist() for number, part in zip(found, parts, strict=False)}


def _records(standing: Standing) -> dict[int, tuple[int, int]]:
    """Person -> how many suggestions were answered with yes and with no."""
    yes = Counter(standing.labels[standing.accepted, 1].tolist())
    no = Counter(standing.rejections[:, 1].tolist())
    return {person: (yes[person], no[person]) for person in yes.keys() | no.keys()}


def _stand_back() -> None:
    """This thread lets others go first, where threads have priorities of their own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


@dataclass
class Keeper:
    """Brings the open questions up to date with one library. One at a time may write them."""

    library: Library
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="neighbours")
        self._boxes = BoxDescriber(self.library)
        self._compared: _Compared | None = None
        self._known: tuple[object, ...] | None = None
        self._others: list[Question] = []
        self._without_graph = False
        self._looked: tuple[tuple[object, ...] | None, float] = (None, 0.0)

    def run(self) -> None:
        """Keep them up to date until stopped: the body of a thread."""
        _stand_back()
        trouble = ""
        while not self.stop.wait(POLL_SECONDS):
            if self._is_quiet():
                continue
            try:
                self.catch_up()
                trouble = ""
            except NotReady:
                open_questions.write(self.library, OpenQuestions())
            except FaceIdError as error:
                if str(error) != trouble:
                    log.warning("%s", error)
                trouble = str(error)
            except Exception:
                log.exception("the open questions could not be brought up to date")
                self._compared = self._known = None
                self.stop.wait(10)

    def _is_quiet(self) -> bool:
        """Whether nothing was written since the last look: to ask the database takes 25 ms with 100,000 faces."""
        (before, at), now = self._looked, time.monotonic()
        version = self.library.gallery.file_version()
        if version is not None and version == before and now - at < LOOK_SECONDS and not self._without_graph:
            return True
        self._looked = version, now
        return False

    def catch_up(self, *, wait: bool = False) -> bool:
        """Take in what was decided since; whether there was anything. What is known so far is written down on the
        way. wait: for the neighbours, too, without which only faces to be named are asked about.

        Raises NoPhotos, NoFaces.
        """
        self._boxes.run()
        version = self._version()
        graph_came = self._without_graph and self._compared is not None and self._compared.graph_is_there
        if version == self._known and not graph_came and not wait:
            return False
        moment = self._moment(self._faces())
        if not self._suggest(moment, version):
            return True  # it was asked for something newer; what is compared stays compared
        self._write(moment, 0)
        if wait:
            moment.compared.wait_for_graph()
        self._known = version
        if moment.compared.graph_is_there:
            self._compare_names(moment)
        self._without_graph = not moment.compared.graph_is_there
        return True

    def _suggest(self, moment: _Moment, version: tuple[object, ...]) -> bool:
        """Compare all faces to be named, writing down what is known so far; False where that was overtaken."""
        written = time.monotonic() if self._known else 0.0  # after an act, most of what is written still holds
        for left in moment.compared.suggesting.update(moment.decided()):
            if self._version() != version or self.stop.is_set():
                return False
            if left and time.monotonic() - written > WRITE_SECONDS:
                self._write(moment, left)
                written = time.monotonic()
        return True

    def _compare_names(self, moment: _Moment) -> None:
        """The questions about what has a name already, which take the neighbours."""
        if moment.standing.run is None:
            self._others = []
            return
        before, naming = self._others, moment.compared.naming
        self._others = naming.update(moment.standing, moment.people, moment.numbers, moment.active)
        if self._others != before:  # what is written already holds the rest
            self._write(moment, 0)

    def _version(self) -> tuple[object, ...]:
        gallery = self.library.gallery
        return (*gallery.cache_version(), *gallery.faces_cache_version())

    def _faces(self) -> _Compared:
        """Read again when faces came or were read again, unless a job is at it."""
        embedder, compared = load_embedder(self.library.settings), self._compared
        same = compared is not None and compared.embedder.name == embedder.name
        if compared is not None and same and compared.newest == self.library.gallery.newest_faces():
            return compared
        if compared is not None and same and self._busy():
            return compared
        self._others = []
        self._compared = _Compared(self.library, self._pool, compared)
        return self._compared

    def _moment(self, compared: _Compared) -> _Moment:
        standing = self.library.gallery.standing()
        if compared.lacks(standing) and not self._busy():  # a face that bore a flag when all were read
            compared = self._compared = _Compared(self.library, self._pool, compared)
            self._others = []
        faces = compared.faces
        active = ~np.isin(faces.ids, standing.flagged)
        people = np.full(len(faces.ids), -1, np.int64)
        rows = faces.rows(standing.labels[:, 0])
        people[rows[rows >= 0]] = standing.labels[rows >= 0, 1]
        return _Moment(compared, standing, np.where(active, people, -1), compared.numbers(standing.run), active)

    def _busy(self) -> bool:
        return any(job.kind in BUSY for job in self.library.jobs.active())

    def _write(self, moment: _Moment, left: int) -> None:
        """Nothing is asked before the first grouping."""
        if moment.standing.run is None:
            open_questions.write(self.library, OpenQuestions())
            return
        others = self._others[:OTHERS]
        named = moment.naming(open_questions.KEPT - len(others))
        answers = named.answers + Counter(question.kind.value for question in self._others)
        waiting = int(moment.asked.sum())
        found = OpenQuestions((*named.questions, *others), dict(answers), waiting, left, moment.standing.run)
        open_questions.write(self.library, found)
