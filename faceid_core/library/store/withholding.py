"""Enforces refused consent: no picture, vector, landmark, map point or group of these faces is kept.

`enforce` runs in the transaction of every action, so that no way of naming a face can bypass it. Only the decision
remains: the name on a box of a photo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CursorResult, Select, delete, func, select, update
from sqlmodel import Session, col

from faceid_core.library.store.database import chunks
from faceid_core.library.store.purging import ANNOUNCE, PURGED, TRIM
from faceid_core.library.store.tables import (
    Cluster,
    ClusterMember,
    Consent,
    Crop,
    Embedding,
    Face,
    Label,
    MapPoint,
    TrainedModel,
    UndescribedFace,
)
from faceid_core.library.store.traces import merged_into, names_ever
from faceid_core.values import ConsentState

Row = dict[str, Any]

DERIVED = (Crop, Embedding, ClusterMember, MapPoint)
"""Tables derived from a face's pixels. Crops count, because a vector can be computed from them."""

NO_LANDMARKS = b""


def withheld_faces() -> Select[Any]:
    """Select the ids of all faces of people who refused consent."""
    refused = col(Consent.state) == ConsentState.REFUSED.value
    return select(col(Label.face_id)).join(Consent, col(Consent.person_id) == col(Label.person_id)).where(refused)


def withheld_among(session: Session, faces: Iterable[int]) -> set[int]:
    """Return the faces that belong to people who refused consent."""
    if not _anybody_refused(session):
        return set()
    found: set[int] = set()
    for chunk in chunks(faces):
        found.update(session.scalars(withheld_faces().where(col(Label.face_id).in_(chunk))))
    return found


def enforce(session: Session, changes: Sequence[tuple[str, Row | None, Row | None]]) -> None:
    """Delete derived data after an action was written. changes: (table, row before, row after)."""
    refusing = {
        after["person_id"]
        for table, _, after in changes
        if table == "consent" and after and after["state"] == ConsentState.REFUSED.value
    }
    named = {after["face_id"]: before for table, before, after in changes if table == "label" and after}
    faces = withheld_among(session, named)
    people = refusing | {before["person_id"] for face in faces if (before := named[face])}
    for chunk in chunks(refusing):
        faces |= set(session.scalars(select(col(Label.face_id)).where(col(Label.person_id).in_(chunk))))
    artifacts = _forget_models(session, people)
    artifacts += session.info[TRIM](session, faces) if faces else []
    if forget_derived(session, faces) or artifacts:
        session.info[PURGED] = [*session.info.get(PURGED, ()), *artifacts]
        session.info[ANNOUNCE]()


def models_of(session: Session, people: Iterable[int]) -> list[TrainedModel]:
    """Return recognisers trained on any of these people, under any of their names."""
    wanted = set(people)
    models = session.scalars(select(TrainedModel)).all() if wanted else []
    if not models:
        return []
    wanted |= {other for person in wanted for other in merged_into(session, person)}
    names = {name for person, each in names_ever(session).items() if person in wanted for name in each}
    return [model for model in models if names & set(model.classes)]


def forget_derived(session: Session, faces: Iterable[int]) -> int:
    """Delete the data derived from these faces, but not the faces themselves. Returns the number of deleted
    rows."""
    gone = 0
    for chunk in chunks(faces):
        affected = select(col(ClusterMember.cluster_id)).where(col(ClusterMember.face_id).in_(chunk)).distinct()
        clusters = list(session.scalars(affected))
        for table in DERIVED:
            done: CursorResult[Any] = session.execute(delete(table).where(col(table.face_id).in_(chunk)))  # type: ignore[assignment]
            gone += done.rowcount
        session.execute(update(Face).where(col(Face.id).in_(chunk)).values(landmarks=NO_LANDMARKS))
        session.execute(delete(UndescribedFace).where(col(UndescribedFace.face_id).in_(chunk)))
        _recount(session, clusters)
    return gone


def _anybody_refused(session: Session) -> bool:
    wanted = select(col(Consent.person_id)).where(col(Consent.state) == ConsentState.REFUSED.value).limit(1)
    return session.scalars(wanted).first() is not None


def _forget_models(session: Session, people: Iterable[int]) -> list[str]:
    """Delete the recognisers trained on these people, since a model can't unlearn a person. Returns the names of
    their folders."""
    models = models_of(session, people)
    for model in models:
        session.delete(model)
    return [model.artifact for model in models]


def _recount(session: Session, clusters: Iterable[int]) -> None:
    for number in clusters:
        members = session.scalar(select(func.count()).where(col(ClusterMember.cluster_id) == number)) or 0
        cluster = session.get(Cluster, number)
        if cluster is not None and members:
            cluster.size = members
        elif cluster is not None:
            session.delete(cluster)
