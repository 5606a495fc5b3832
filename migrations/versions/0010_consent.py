"""What each person said to being recognised: consent"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

person = sa.table("person", sa.column("id", sa.Integer))
consent = sa.table(
    "consent",
    sa.column("person_id", sa.Integer),
    sa.column("state", sa.String),
    sa.column("basis", sa.String),
    sa.column("given_on", sa.Date),
    sa.column("until", sa.Date),
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
        "consent",
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("basis", sa.String(length=200), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    connection = op.get_bind()
    there = set(connection.scalars(sa.select(person.c.id)))
    rows = [row for number, row in _from_history(connection).items() if row and number in there]
    if rows:
        connection.execute(consent.insert(), rows)


def downgrade() -> None:
    """An older version knows nothing of consent. The history keeps it, and going up again brings it back; pictures
    and vectors of who refused stay away."""
    op.drop_table("consent")


def _from_history(connection: sa.Connection) -> dict[int, dict[str, Any] | None]:
    """What the standing events of a library that was at this version before say, the latest last."""
    mine = sa.cast(event.c.changes, sa.Text).contains('"consent"')
    standing = sa.select(event.c.changes).where(event.c.undone_at.is_(None), mine).order_by(event.c.id)
    found: dict[int, dict[str, Any] | None] = {}
    for changes in connection.scalars(standing.execution_options(yield_per=100)):
        for change in changes:
            if change["table"] == "consent":
                row = change["after"] or change["before"]
                found[row["person_id"]] = _decoded(change["after"]) if change["after"] else None
    return found


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    days = {key: date.fromisoformat(row[key]) if row[key] else None for key in ("given_on", "until")}
    return {**row, **days, "at": datetime.fromisoformat(row["at"])}
