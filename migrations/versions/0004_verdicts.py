"""What people said about two faces: whether they are the same person"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verdict",
        sa.Column("face_id", sa.Integer(), sa.ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("other_id", sa.Integer(), sa.ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_verdict_other_id", "verdict", ["other_id"])


def downgrade() -> None:
    # The older version knows no such decision and could not undo it.
    op.drop_table("verdict")
    op.execute(sa.text("DELETE FROM event WHERE kind = 'verdict'"))
