"""What each worker found when the cluster was examined"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobworker", sa.Column("asked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("jobworker", sa.Column("findings", sa.JSON(), nullable=True))


def downgrade() -> None:
    """An older version examines only the machine it runs on."""
    op.drop_column("jobworker", "findings")
    op.drop_column("jobworker", "asked")
