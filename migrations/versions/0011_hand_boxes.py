"""Boxes that humans drew or moved, and faces that are still to be described"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

EDGES = ("left", "top", "right", "bottom")
face = sa.table("face", sa.column("id", sa.Integer), *(sa.column(edge, sa.Float) for edge in EDGES))
handbox = sa.table(
    "handbox",
    sa.column("face_id", sa.Integer),
    sa.column("photo_id", sa.Integer),
    *(sa.column(edge, sa.Float) for edge in EDGES),
    sa.column("at", sa.DateTime),
)
crop = sa.table("crop", sa.column("face_id", sa.Integer))
undescribed = sa.table("undescribedface", sa.column("face_id", sa.Integer))
event = sa.table(
    "event",
    sa.column("id", sa.Integer),
    sa.column("changes", sa.JSON),
    sa.column("undone_at", sa.DateTime),
)
label = sa.table("label", sa.column("face_id", sa.Integer), sa.column("person_id", sa.Integer))
consent = sa.table("consent", sa.column("person_id", sa.Integer), sa.column("state", sa.String))


def upgrade() -> None:
    op.create_table(
        "handbox",
        sa.Column("face_id", sa.Integer(), sa.ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
        *(sa.Column(edge, sa.Float(), nullable=False) for edge in EDGES),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=True),
    )
    op.create_index("ix_handbox_photo_id", "handbox", ["photo_id"])
    op.create_table(
        "undescribedface",
        sa.Column("face_id", sa.Integer(), sa.ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
    )
    connection = op.get_bind()
    there = set(connection.scalars(sa.select(face.c.id)))
    history = _from_history(connection)
    rows = [row for number, row in history.items() if row and number in there]
    if rows:
        connection.execute(handbox.insert(), rows)
    waiting = sorted(there.intersection(history) - _not_to_describe(connection))
    if waiting:
        connection.execute(undescribed.insert(), [{"face_id": number} for number in waiting])


def downgrade() -> None:
    """An older version knows no boxes by hand: the faces stay where they are, and the history keeps the decisions,
    from which going up again brings them back."""
    op.drop_table("undescribedface")
    op.drop_table("handbox")


def _from_history(connection: sa.Connection) -> dict[int, dict[str, Any] | None]:
    """Faces of which the history of a library that was at this version before knows boxes by hand: the latest that
    stands, None where none does."""
    mine = sa.cast(event.c.changes, sa.Text).contains('"handbox"')
    told = sa.select(event.c.changes, event.c.undone_at).where(mine).order_by(event.c.id)
    found: dict[int, dict[str, Any] | None] = {}
    for changes, undone in connection.execute(told.execution_options(yield_per=100)):
        for change in changes:
            if change["table"] == "handbox":
                row = change["after"] or change["before"]
                found.setdefault(row["face_id"], None)
                if undone is None:
                    found[row["face_id"]] = _decoded(change["after"]) if change["after"] else None
    return found


def _not_to_describe(connection: sa.Connection) -> set[int]:
    """Faces that have a picture, and those of who refused."""
    refused = sa.select(label.c.face_id).join(consent, consent.c.person_id == label.c.person_id)
    refused = refused.where(consent.c.state == "refused")
    return {*connection.scalars(sa.select(crop.c.face_id)), *connection.scalars(refused)}


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "at": datetime.fromisoformat(row["at"])}
