"""Ids of photos and faces that are never used twice, perceptual hashes in rows that never change, and which faces
each event speaks of"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EVENTS_AT_ONCE = 100
"""A bulk act's rows are megabytes."""

ROWS_AT_ONCE = 5000

photo = sa.table("photo", sa.column("id", sa.Integer), sa.column("look", sa.LargeBinary))
perceptualhash = sa.table(
    "perceptualhash",
    sa.column("photo_id", sa.Integer),
    sa.column("bits", sa.LargeBinary),
    sa.column("id", sa.Integer),
)
event = sa.table("event", sa.column("id", sa.Integer), sa.column("changes", sa.JSON))
eventface = sa.table("eventface", sa.column("face_id", sa.Integer), sa.column("event_id", sa.Integer))


def upgrade() -> None:
    op.create_table(
        "perceptualhash",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_perceptualhash_photo_id", "perceptualhash", ["photo_id"], unique=True)
    hashed = sa.select(photo.c.id, photo.c.look).where(photo.c.look.is_not(None)).order_by(photo.c.id)
    op.execute(perceptualhash.insert().from_select(["photo_id", "bits"], hashed))
    with op.batch_alter_table("photo", **_remade(autoincrement=True)) as batch:
        batch.drop_column("look")
    if _on_sqlite():  # PostgreSQL's sequences never go back
        with op.batch_alter_table("face", **_remade(autoincrement=True)):
            pass
    op.create_table(
        "eventface",
        sa.Column("face_id", sa.Integer(), sa.ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("event_id", sa.Integer(), sa.ForeignKey("event.id", ondelete="CASCADE"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_eventface_event_id", "eventface", ["event_id"])
    _fill_event_faces(op.get_bind())


def downgrade() -> None:
    op.drop_table("eventface")
    with op.batch_alter_table("photo", **_remade(autoincrement=False)) as batch:
        batch.add_column(sa.Column("look", sa.LargeBinary(), nullable=True))
    bits = sa.select(perceptualhash.c.bits).where(perceptualhash.c.photo_id == photo.c.id).scalar_subquery()
    op.execute(photo.update().values(look=bits))
    op.drop_table("perceptualhash")
    if _on_sqlite():
        with op.batch_alter_table("face", **_remade(autoincrement=False)):
            pass


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _remade(*, autoincrement: bool) -> dict[str, Any]:
    """SQLite learns whether ids may come back only when a table is made."""
    if not _on_sqlite():
        return {}
    return {"recreate": "always", "table_kwargs": {"sqlite_autoincrement": autoincrement}}


def _fill_event_faces(connection: sa.Connection) -> None:
    there = set(connection.scalars(sa.text("SELECT id FROM face")))
    numbers = connection.scalars(sa.select(event.c.id).order_by(event.c.id)).all()
    for start in range(0, len(numbers), EVENTS_AT_ONCE):
        some = sa.select(event.c.id, event.c.changes).where(event.c.id.in_(numbers[start : start + EVENTS_AT_ONCE]))
        pairs = {
            (face, number)
            for number, changes in connection.execute(some)
            for face in _faces_in(changes)
            if face in there
        }
        rows = [{"face_id": face, "event_id": number} for face, number in sorted(pairs)]
        for at in range(0, len(rows), ROWS_AT_ONCE):
            connection.execute(eventface.insert(), rows[at : at + ROWS_AT_ONCE])


def _faces_in(changes: list[dict[str, Any]]) -> Iterator[int | None]:
    for change in changes:
        for row in filter(None, (change["before"], change["after"])):
            yield row.get("id") if change["table"] == "face" else row.get("face_id")
            yield row.get("other_id")
            yield row.get("cover_face_id")
