"""The 2-D maps of all faces."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sqlalchemy import delete, select
from sqlmodel import col

from faceid_core.library.drawn import latest_run
from faceid_core.library.faces import shown_person
from faceid_core.library.store.bulk import add_rows
from faceid_core.library.store.database import Database
from faceid_core.library.store.records import MapPoints
from faceid_core.library.store.tables import (
    Cluster,
    ClusterMember,
    Face,
    Label,
    MapPoint,
    Person,
)
from faceid_core.library.store.withholding import withheld_among
from faceid_core.values import Flag, Ints


class Maps:
    """Stores and reads 2-D maps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, projector: str, embedder: str, ids: Ints, points: npt.NDArray[np.float32]) -> None:
        """Replace the map of this projector. points: (N, 2), of the face ids (N,)."""
        rows = [
            {"face_id": int(face), "projector": projector, "embedder": embedder, "x": float(x), "y": float(y)}
            for face, (x, y) in zip(ids, points, strict=True)
        ]
        with self._database.write() as session:
            withheld = withheld_among(session, map(int, ids))  # consent refused while the map was computed
            rows = [row for row in rows if row["face_id"] not in withheld]
            session.execute(delete(MapPoint).where(col(MapPoint.projector) == projector))
            add_rows(session, MapPoint, rows)

    def points(self, projector: str, embedder: str | None = None) -> MapPoints:
        """Return the map without flagged faces, and for viewers without hidden people."""
        member = (
            select(ClusterMember.face_id, Cluster.number)  # type: ignore[call-overload]
            .join(Cluster, col(Cluster.id) == col(ClusterMember.cluster_id))
            .where(col(Cluster.run_id) == latest_run())
            .subquery()
        )
        wanted = (
            select(MapPoint.face_id, MapPoint.x, MapPoint.y, member.c.number, Person.name)  # type: ignore[call-overload]
            .join(Face, col(Face.id) == col(MapPoint.face_id))
            .outerjoin(member, member.c.face_id == col(MapPoint.face_id))
            .outerjoin(Label, col(Label.face_id) == col(MapPoint.face_id))
            .outerjoin(Person, col(Person.id) == col(Label.person_id))
            .where(col(MapPoint.projector) == projector, col(Face.flag) == Flag.NONE.value)
            .where(col(Person.id).is_(None) | shown_person(self._database.actor))
            .order_by(col(MapPoint.face_id))
        )
        if embedder is not None:
            wanted = wanted.where(col(MapPoint.embedder) == embedder)
        with self._database.read() as session:
            rows = session.execute(wanted).all()
        return MapPoints(
            face_ids=np.array([row[0] for row in rows], np.int64),
            x=np.array([row[1] for row in rows], np.float32),
            y=np.array([row[2] for row in rows], np.float32),
            clusters=[row[3] for row in rows],
            people=[row[4] for row in rows],
        )
