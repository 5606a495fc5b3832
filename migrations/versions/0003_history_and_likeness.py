"""Groupings that can be undone, who undid a decision, how photos look, counts of people, names by certainty"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Both databases add these columns in place; a default fills the rows that are there.
    op.add_column("clusterrun", sa.Column("undone", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("event", sa.Column("undone_by", sa.String(length=100), nullable=True))
    op.add_column("photo", sa.Column("look", sa.LargeBinary(), nullable=True))
    op.create_table(
        "persontally",
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("best_face_id", sa.Integer(), nullable=True),
    )
    op.create_index("ix_label_source_confidence", "label", ["source", "confidence"])


def downgrade() -> None:
    op.drop_table("persontally")
    op.drop_index("ix_label_source_confidence", table_name="label")
    # What was undone is gone for the older version, which shows the newest grouping whatever it is.
    op.execute(sa.text("DELETE FROM clusterrun WHERE undone"))
    op.execute(sa.text("DELETE FROM event WHERE kind = 'cluster'"))
    with op.batch_alter_table("photo") as batch:
        batch.drop_column("look")
    with op.batch_alter_table("event") as batch:
        batch.drop_column("undone_by")
    with op.batch_alter_table("clusterrun") as batch:
        batch.drop_column("undone")
