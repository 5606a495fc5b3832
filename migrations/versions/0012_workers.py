"""Several workers: parts of an import, who has which, and which workers there are"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("is_split", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("is_paused", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("worker", sa.String(200), nullable=False, server_default=""),
        sa.Column("fence", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_before", sa.DateTime(), nullable=True),
    ):
        op.add_column("job", column)
    op.create_table(
        "jobpart",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
        sa.Column("paths", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("worker", sa.String(200), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobpart_job_id", "jobpart", ["job_id"])
    op.create_table(
        "jobworker",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("doing", sa.String(32), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=True),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """An older version knows no parts of a job: what was shared ends as a job whose worker died, and its import
    goes on where it was once it is started again."""
    op.execute(
        "UPDATE job SET state = 'interrupted', "
        "error = 'The job stopped unexpectedly; start it again to resume.' WHERE is_split AND state = 'running'"
    )
    op.drop_table("jobworker")
    op.drop_index("ix_jobpart_job_id", table_name="jobpart")
    op.drop_table("jobpart")
    with op.batch_alter_table("job") as batch:
        for name in ("is_split", "is_paused", "worker", "fence", "attempts", "not_before"):
            batch.drop_column(name)
