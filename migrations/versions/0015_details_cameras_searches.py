"""Death dates and favourites, the camera of each photo, and saved searches"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

person = sa.table("person", sa.column("id", sa.Integer))
details = sa.table(
    "persondetails",
    sa.column("person_id", sa.Integer),
    sa.column("death_date", sa.Date),
    sa.column("favourite", sa.Boolean),
    sa.column("at", sa.DateTime),
)
event = sa.table(
    "event",
    sa.column("id", sa.Integer),
    sa.column("changes", sa.JSON),
    sa.column("undone_at", sa.DateTime),
)


def upgrade() -> None:
    op.create_table(
        "persondetails",
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("death_date", sa.Date(), nullable=True),
        sa.Column("favourite", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "savedsearch",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_key", sa.String(length=300), nullable=False, unique=True),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.add_column("photo", sa.Column("camera", sa.String(length=100), nullable=True))
    op.create_index("ix_photo_camera", "photo", ["camera"])
    connection = op.get_bind()
    there = set(connection.scalars(sa.select(person.c.id)))
    rows = [row for number, row in _from_history(connection).items() if row and number in there]
    if rows:
        connection.execute(details.insert(), rows)


def downgrade() -> None:
    """The history keeps what was said of people, and going up again brings it back. Cameras are read anew by
    `faceid import --again`; saved searches are lost."""
    op.drop_index("ix_photo_camera", "photo")
    op.drop_column("photo", "camera")
    op.drop_table("savedsearch")
    op.drop_table("persondetails")


def _from_history(connection: sa.Connection) -> dict[int, dict[str, Any] | None]:
    """What the standing events of a library that was at this version before say, the latest last."""
    mine = sa.cast(event.c.changes, sa.Text).contains('"persondetails"')
    standing = sa.select(event.c.changes).where(event.c.undone_at.is_(None), mine).order_by(event.c.id)
    found: dict[int, dict[str, Any] | None] = {}
    for changes in connection.scalars(standing.execution_options(yield_per=100)):
        for change in changes:
            if change["table"] == "persondetails":
                row = change["after"] or change["before"]
                found[row["person_id"]] = _decoded(change["after"]) if change["after"] else None
    return found


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    died = date.fromisoformat(row["death_date"]) if row["death_date"] else None
    return {**row, "death_date": died, "at": datetime.fromisoformat(row["at"])}
