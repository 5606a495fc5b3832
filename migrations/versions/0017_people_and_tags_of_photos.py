"""People who are on a photo without a face, and tags of photos"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

event = sa.table(
    "event",
    sa.column("id", sa.Integer),
    sa.column("changes", sa.JSON),
    sa.column("undone_at", sa.DateTime),
)

KEYS = {"persononphoto": ("photo_id", "person_id"), "phototag": ("photo_id", "tag_key")}


def upgrade() -> None:
    people = op.create_table(
        "persononphoto",
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("presence", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_persononphoto_person_id", "persononphoto", ["person_id"])
    tags = op.create_table(
        "phototag",
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag_key", sa.String(length=300), primary_key=True),
        sa.Column("text", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_phototag_tag_key", "phototag", ["tag_key"])
    connection = op.get_bind()
    photos, known = (_ids(connection, table) for table in ("photo", "person"))
    for table, model in (("persononphoto", people), ("phototag", tags)):
        rows = [row for row in _from_history(connection, table) if row["photo_id"] in photos]
        rows = [row for row in rows if row.get("person_id") is None or row["person_id"] in known]
        if rows:
            connection.execute(model.insert(), rows)


def downgrade() -> None:
    """The history keeps what was said of photos, and going up again brings it back. The counts of people are
    counted anew, as they held these photos, too."""
    op.drop_table("phototag")
    op.drop_table("persononphoto")
    op.execute("DELETE FROM persontally")


def _ids(connection: sa.Connection, table: str) -> set[int]:
    return set(connection.scalars(sa.select(sa.table(table, sa.column("id", sa.Integer)).c.id)))


def _from_history(connection: sa.Connection, table: str) -> list[dict[str, Any]]:
    """What the standing events of a library that was at this version before say, the latest last."""
    mine = sa.cast(event.c.changes, sa.Text).contains(f'"{table}"')
    standing = sa.select(event.c.changes).where(event.c.undone_at.is_(None), mine).order_by(event.c.id)
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for changes in connection.scalars(standing.execution_options(yield_per=100)):
        for change in changes:
            if change["table"] != table:
                continue
            row, after = change["before"] or change["after"], change["after"]
            key = tuple(row[name] for name in KEYS[table])
            found.pop(key, None)
            if after:
                found[key] = {**after, "at": datetime.fromisoformat(after["at"])}
    return list(found.values())
