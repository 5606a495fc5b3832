"""Names that were written into files: what they were before, so that a writing can be undone.

Going down forgets them; the files keep the names.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "namesrun",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "namesfile",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("namesrun.id", ondelete="CASCADE"), nullable=False),
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
        sa.Column("photo", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=True),
        sa.Column("before_sha256", sa.String(64), nullable=True),
        sa.Column("after_sha256", sa.String(64), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
    )
    for column in ("run_id", "photo_id", "path"):
        op.create_index(f"ix_namesfile_{column}", "namesfile", [column])


def downgrade() -> None:
    op.drop_table("namesfile")
    op.drop_table("namesrun")
