"""Indexes for pages by quality and for a person's rejections; room for files beyond 2 GB in PostgreSQL"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_face_flag", table_name="face")
    op.create_index("ix_face_flag_quality", "face", ["flag", "quality"])
    op.create_index("ix_rejection_person_id", "rejection", ["person_id"])
    with op.batch_alter_table("source") as batch:
        batch.alter_column("size_bytes", type_=sa.BigInteger(), existing_type=sa.Integer(), existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("source") as batch:
        batch.alter_column("size_bytes", type_=sa.Integer(), existing_type=sa.BigInteger(), existing_nullable=False)
    op.drop_index("ix_rejection_person_id", table_name="rejection")
    op.drop_index("ix_face_flag_quality", table_name="face")
    op.create_index("ix_face_flag", "face", ["flag"])
