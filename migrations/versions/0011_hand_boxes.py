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
    found = _from_history(connection)
    if not found:
        return
    there = set(connection.scalars(sa.select(face.c.id)))
    if rows := [row for number, row in found.items() if row and number in there]:
        connection.execute(handbox.insert(), rows)
    pictured = set(connection.scalars(sa.select(crop.c.face_id)))
    if lacking := [number for number in found if number in there - pictured]:  # those whose move was undone, too
        connection.execute(undescribed.insert(), [{"face_id": number} for number in lacking])


def downgrade() -> None:
    """An older version knows no boxes by hand: the faces stay where they are, and the history keeps the decisions,
    from which going up again brings them back."""
    op.drop_table("undescribedface")
    op.drop_table("handbox")


def _from_history(connection: sa.Connection) -> dict[int, dict[str, Any] | None]:
    """Face -> its box by hand, after the events of a library that was at this version before; None where it is gone
    or was undone."""
    mine = sa.cast(event.c.changes, sa.Text).contains('"handbox"')
    events = sa.select(event.c.changes, event.c.undone_at.is_(None)).where(mine).order_by(event.c.id)
    found: dict[int, dict[str, Any] | None] = {}
    for changes, stands in connection.execute(events.execution_options(yield_per=100)):
        for change in (each for each in changes if each["table"] == "handbox"):
            number, after = (change["after"] or change["before"])["face_id"], change["after"]
            if stands:
                found[number] = _decoded(after) if after else None
            else:
                found.setdefault(number, None)
    return found


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "at": datetime.fromisoformat(row["at"])}
