"""Recognisers: which one is in use, notes, and numbers that are never used twice"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The newest recogniser was the one in use, and stays it."""
    with op.batch_alter_table("trainedmodel", **_remade(autoincrement=True)) as batch:
        batch.add_column(sa.Column("precedence", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("notes", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE trainedmodel SET precedence = id")


def downgrade() -> None:
    with op.batch_alter_table("trainedmodel", **_remade(autoincrement=False)) as batch:
        batch.drop_column("notes")
        batch.drop_column("precedence")


def _remade(*, autoincrement: bool) -> dict[str, Any]:
    """SQLite learns whether numbers may come back only when a table is made; PostgreSQL's never do."""
    if op.get_bind().dialect.name != "sqlite":
        return {}
    return {"recreate": "always", "table_kwargs": {"sqlite_autoincrement": autoincrement}}
