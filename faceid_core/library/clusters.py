"""Groups of faces, which are only suggestions. Nothing here changes a person, a label or a flag."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import case, delete, func, select
from sqlmodel import Session, col

from faceid_core.errors import NotFound
from faceid_core.library.drawn import check_run, latest_run
from faceid_core.library.faces import as_ints, shown_person, unnamed_face
from faceid_core.library.store.bulk import add_rows
from faceid_core.library.store.database import Database, acting
from faceid_core.library.store.journal import record
from faceid_core.library.store.records import ClusterView, DrawnFaces, RunView
from faceid_core.library.store.row_changes import Change, row_of
from faceid_core.library.store.tables import (
    Cluster,
    ClusterMember,
    ClusterRun,
    Event,
    Face,
    Label,
    Person,
)
from faceid_core.library.store.withholding import withheld_among
from faceid_core.values import Flag, Ints
from faceid_core.wording import count

KEPT_RUNS = 3
"""Groupings that are kept, so that recent ones can be undone. Older ones are deleted."""

GROUPING = "cluster"
"""The kind of event that puts a grouping in force."""

SAMPLE_FACES = 6
"""Faces that represent a group in an overview."""


class Clusters:
    """Stores groupings and lists the groups of the latest one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_run(
        self,
        algorithm: str,
        parameters: dict[str, Any],
        embedder: str,
        ids: Ints,
        numbers: Ints,
        *,
        changes: str = "",
    ) -> int:
        """Store a grouping. ids: (N,) face ids; numbers: (N,) int64, the group of each face, 0 for none.

        This is one event, whose summary includes `changes`. Undoing it restores the previous grouping. Raises
        ValueError if the lengths differ.
        """
        if len(ids) != len(numbers):
            raise ValueError("ids and numbers differ in length")
        with self._database.write() as session:
            withheld = withheld_among(session, map(int, ids))  # consent refused while the faces were grouped
            numbers = np.where(np.isin(ids, list(withheld)), 0, numbers)
            clusters = len(np.unique(numbers[numbers > 0]))
            run = ClusterRun(
                algorithm=algorithm,
                parameters=parameters,
                embedder=embedder,
                faces=len(ids),
                clusters=clusters,
                undone=True,  # until the event below puts it in force
            )
            session.add(run)
            session.flush()
            assert run.id is not None
            _add_clusters(session, run.id, ids, numbers)
            before = row_of(run)
            summary = f"Grouped {count(len(ids), 'face')} into {count(clusters, 'group')}"
            applied = [Change("clusterrun", before, {**before, "undone": False})]
            record(session, GROUPING, f"{summary}: {changes}" if changes else summary, applied)
            _forget_old_runs(session)
            return int(before["id"])

    def numbers(self, ids: Ints) -> Ints:
        """Return the group number of each face in the latest grouping, (N,); 0 for none."""
        wanted = (
            select(ClusterMember.face_id, Cluster.number)  # type: ignore[call-overload]
            .join(Cluster, col(Cluster.id) == col(ClusterMember.cluster_id))
            .where(col(Cluster.run_id) == latest_run())
        )
        with self._database.read() as session:
            known = dict(session.execute(wanted).tuples().all())
        return as_ints(known.get(int(face), 0) for face in ids)

    def current(self) -> RunView | None:
        """Return the grouping that pages show; None before the first one."""
        with self._database.read() as session:
            run = session.scalars(select(ClusterRun).where(col(ClusterRun.id) == latest_run())).first()
        if run is None or run.id is None:
            return None
        return RunView(run.id, run.at, run.algorithm, run.parameters, run.embedder, run.faces, run.clusters)

    def page(self, after: int | None = None, limit: int = 24, *, unnamed_only: bool = True) -> list[ClusterView]:
        """List groups by number (largest first), after group `after`; by default only those with unnamed faces."""
        condition = [] if after is None else [col(Cluster.number) > after]
        with self._database.read() as session:
            return _cluster_views(session, condition, limit, unnamed_only)

    def get(self, number: int) -> ClusterView:
        """Return a group of the latest grouping. Raises NotFound."""
        with self._database.read() as session:
            found = _cluster_views(session, [col(Cluster.number) == number], 1, False)
        if not found:
            raise NotFound(f"Group {number} no longer exists; the faces have been grouped again.")
        return found[0]

    def faces_as_drawn(self, run: int, *numbers: int) -> DrawnFaces:
        """Return the faces without name or flag in the groups that a page is drawing, by id.

        run: the grouping that the numbers refer to. Raises OutOfDate if another one is in force.
        """
        wanted = (
            select(col(ClusterMember.face_id))
            .join(Cluster, col(Cluster.id) == col(ClusterMember.cluster_id))
            .join(Face, col(Face.id) == col(ClusterMember.face_id))
            .outerjoin(Label, col(Label.face_id) == col(Face.id))
            .where(col(Cluster.run_id) == run, col(Cluster.number).in_(numbers), unnamed_face())
            .order_by(col(ClusterMember.face_id))
        )
        with self._database.read() as session:
            check_run(session, run)
            return replace(DrawnFaces.alike(session.scalars(wanted)), run=run)


def _add_clusters(session: Session, run: int, ids: Ints, numbers: Ints) -> None:
    """Store the groups of a run, with their faces; see save_run."""
    clusters = [
        Cluster(run_id=run, number=int(number), size=int(size))
        for number, size in zip(*np.unique(numbers[numbers > 0], return_counts=True), strict=True)
    ]
    session.add_all(clusters)
    session.flush()
    by_number = {row.number: row.id for row in clusters}
    members = [
        {"cluster_id": by_number[int(number)], "face_id": int(face)}
        for face, number in zip(ids, numbers, strict=True)
        if number > 0
    ]
    add_rows(session, ClusterMember, members)


def _forget_old_runs(session: Session) -> None:
    """Delete old groupings and their events, which can no longer be undone. Undone groupings are counted
    separately, so the one in force always stays."""
    kept: list[int | None] = []
    for undone in (False, True):
        newest = select(col(ClusterRun.id)).where(col(ClusterRun.undone).is_(undone))
        kept += session.scalars(newest.order_by(col(ClusterRun.id).desc()).limit(KEPT_RUNS))
    session.execute(delete(ClusterRun).where(col(ClusterRun.id).not_in(kept)))
    for event in session.scalars(select(Event).where(col(Event.kind) == GROUPING)):
        if all(change["after"]["id"] not in kept for change in event.changes):
            session.delete(event)


def _cluster_views(session: Session, conditions: list[Any], limit: int, unnamed_only: bool) -> list[ClusterView]:
    """Select the groups of the page first, then count within these only: counting all groups reads every face.

    Flags are counted, not filtered: SQLite would treat `flag = 'none'` as selective and scan every face.
    """
    ids = _page_ids(session, conditions, limit, unnamed_only)
    size = func.sum(case((col(Face.flag) == Flag.NONE.value, 1), else_=0))
    unnamed = func.sum(case((unnamed_face(), 1), else_=0))
    wanted = (
        select(Cluster.id, Cluster.number, size, unnamed)  # type: ignore[call-overload]
        .join(ClusterMember, col(ClusterMember.cluster_id) == col(Cluster.id))
        .join(Face, col(Face.id) == col(ClusterMember.face_id))
        .outerjoin(Label, col(Label.face_id) == col(Face.id))
        .where(col(Cluster.id).in_(ids))
        .group_by(col(Cluster.id), col(Cluster.number))
        .order_by(col(Cluster.number))
    )
    people, samples = _names_in(session, ids), _samples(session, ids)
    return [
        ClusterView(number, size, int(bare or 0), tuple(people[cluster]), tuple(samples[cluster]))
        for cluster, number, size, bare in session.execute(wanted)
    ]


def _page_ids(session: Session, conditions: list[Any], limit: int, unnamed_only: bool) -> list[int]:
    """Return groups of the latest grouping, by number, that have a face without a flag (and without a name)."""
    shown = (
        select(col(ClusterMember.face_id))
        .join(Face, col(Face.id) == col(ClusterMember.face_id))
        .outerjoin(Label, col(Label.face_id) == col(Face.id))
        .where(
            col(ClusterMember.cluster_id) == col(Cluster.id),
            unnamed_face() if unnamed_only else col(Face.flag) == Flag.NONE.value,
        )
    )
    wanted = (
        select(col(Cluster.id))
        .where(col(Cluster.run_id) == latest_run(), *conditions, shown.exists())
        .order_by(col(Cluster.number))
        .limit(limit)
    )
    return [cluster for cluster in session.scalars(wanted) if cluster is not None]


def _names_in(session: Session, ids: list[int]) -> dict[int, list[tuple[str, int]]]:
    wanted = (
        select(ClusterMember.cluster_id, Person.name, func.count())  # type: ignore[call-overload]
        .join(Label, col(Label.face_id) == col(ClusterMember.face_id))
        .join(Person, col(Person.id) == col(Label.person_id))
        .where(col(ClusterMember.cluster_id).in_(ids), shown_person(acting(session)))
        .group_by(col(ClusterMember.cluster_id), col(Person.name))
        .order_by(func.count().desc(), col(Person.name))
    )
    names: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for cluster, name, faces in session.execute(wanted):
        names[cluster].append((name, faces))
    return names


def _samples(session: Session, ids: list[int]) -> dict[int, list[int]]:
    rank = func.row_number().over(
        partition_by=col(ClusterMember.cluster_id),
        order_by=(
            case((col(Face.flag) == Flag.NONE.value, 0), else_=1),
            case((col(Label.face_id).is_(None), 0), else_=1),
            col(Face.quality).desc(),
            col(Face.id),
        ),
    )
    ranked = (
        select(ClusterMember.cluster_id, ClusterMember.face_id, Face.flag, rank.label("place"))  # type: ignore[call-overload]
        .join(Face, col(Face.id) == col(ClusterMember.face_id))
        .outerjoin(Label, col(Label.face_id) == col(Face.id))
        .where(col(ClusterMember.cluster_id).in_(ids))
        .subquery()
    )
    wanted = select(ranked.c.cluster_id, ranked.c.face_id).where(
        ranked.c.place <= SAMPLE_FACES, ranked.c.flag == Flag.NONE.value
    )
    samples: dict[int, list[int]] = defaultdict(list)
    for cluster, face in session.execute(wanted.order_by(ranked.c.cluster_id, ranked.c.place)):
        samples[cluster].append(face)
    return samples
