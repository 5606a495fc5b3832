"""Watched folders, and which photos are copies of each other"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watchedfolder",
        sa.Column("path", sa.String(), primary_key=True),
        sa.Column("video_seconds", sa.Float(), nullable=True),
        sa.Column("poll", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.add_column("perceptualhash", sa.Column("alike", sa.Integer(), nullable=True))
    op.create_index("ix_perceptualhash_alike", "perceptualhash", ["alike"])


def downgrade() -> None:
    """An older version watches only by its command, and finds copies when it asks about them."""
    op.drop_index("ix_perceptualhash_alike", "perceptualhash")
    op.drop_column("perceptualhash", "alike")
    op.drop_table("watchedfolder")
