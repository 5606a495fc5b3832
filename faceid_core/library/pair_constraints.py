"""What people said about two faces: that they are the same person, or that they are not. Names come first: a
verdict counts where one of the two has no name, and tells what need not be asked again."""

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
"""The kind of event that holds verdicts and nothing else."""


class PairConstraints:
    """Writes and reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def say(self, pairs: Sequence[Pair], *, same: bool, summary: str, drawn: DrawnFaces | None = None) -> Changed:
        """Remember of pairs of faces whether they are the same person; a verdict of before is replaced.

        summary: what the history says. Faces that are gone are left out. Raises OutOfDate when faces are not as
        they were drawn.
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
        """(N, 2) int64 ids of the faces that are, or are not, the same person; the smaller id first."""
        wanted = select(PairConstraint.face_id, PairConstraint.other_id).where(col(PairConstraint.same).is_(same))  # type: ignore[call-overload]
        with self._database.read() as session:
            rows = session.execute(wanted.order_by(col(PairConstraint.face_id), col(PairConstraint.other_id))).all()
        return np.array([tuple(row) for row in rows], np.int64).reshape(-1, 2)


def pair_constraint_changes(
    session: Session, said: Sequence[tuple[int, int, bool]], *, replace: bool = False
) -> list[Change]:
    """The changes that write (face id, face id, same); a verdict that is there stays, or is replaced."""
    wanted = {(min(one, other), max(one, other)): same for one, other, same in said if one != other}
    known = current_rows(session, KIND, col(PairConstraint.face_id), {pair[0] for pair in wanted})
    before = {(row["face_id"], row["other_id"]): row for row in known}
    now = utc_now()
    return [
        Change(KIND, before.get(pair), {"face_id": pair[0], "other_id": pair[1], "same": same, "at": now})
        for pair, same in sorted(wanted.items())
        if pair not in before or (replace and before[pair]["same"] is not same)
    ]
