"""User verdicts on pairs of faces: same person or not. Names take precedence: a verdict counts only if one of the
two faces has no name. It also prevents the question from being asked again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from faceid_core.library.drawn import check_faces
from faceid_core.library.store.database import Database
from faceid_core.library.store.journal import record
from faceid_core.library.store.records import Changed, DrawnFaces
from faceid_core.library.store.row_changes import Change, current_rows
from faceid_core.library.store.tables import Face, PairConstraint
from faceid_core.values import Ints, utc_now

Pair = tuple[int, int]

KIND = "verdict"
"""The kind of event that contains only verdicts."""


class PairConstraints:
    """Reads and writes pair constraints."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def say(self, pairs: Sequence[Pair], *, same: bool, summary: str, drawn: DrawnFaces | None = None) -> Changed:
        """Record whether pairs of faces are the same person, replacing earlier verdicts.

        summary: the entry in the history. Faces that no longer exist are skipped. Raises OutOfDate if the faces are
        not as they were drawn.
        """
        ends = {face for pair in pairs for face in pair}
        with self._database.write() as session:
            check_faces(session, sorted(ends), drawn)
            there = {row["id"] for row in current_rows(session, "face", col(Face.id), ends)}
            said = [(one, other, same) for one, other in pairs if {one, other} <= there]
            changes = pair_constraint_changes(session, said, replace=True)
            event = record(session, KIND, summary, changes)
        return Changed(event, len(changes))

    def all(self, *, same: bool) -> Ints:
        """Return the pairs that are, or are not, the same person: (N, 2) int64 face ids, the smaller id first."""
        wanted = select(PairConstraint.face_id, PairConstraint.other_id).where(col(PairConstraint.same).is_(same))  # type: ignore[call-overload]
        with self._database.read() as session:
            rows = session.execute(wanted.order_by(col(PairConstraint.face_id), col(PairConstraint.other_id))).all()
        return np.array([tuple(row) for row in rows], np.int64).reshape(-1, 2)


def pair_constraint_changes(
    session: Session, said: Sequence[tuple[int, int, bool]], *, replace: bool = False
) -> list[Change]:
    """Return the changes that write (face id, face id, same). Existing verdicts are kept or replaced."""
    wanted = {(min(one, other), max(one, other)): same for one, other, same in said if one != other}
    known = current_rows(session, KIND, col(PairConstraint.face_id), {pair[0] for pair in wanted})
    before = {(row["face_id"], row["other_id"]): row for row in known}
    now = utc_now()
    return [
        Change(KIND, before.get(pair), {"face_id": pair[0], "other_id": pair[1], "same": same, "at": now})
        for pair, same in sorted(wanted.items())
        if pair not in before or (replace and before[pair]["same"] is not same)
    ]
