"""Who asked for a job: what it decides goes into the journal under that name"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until now there was nobody but the owner.
    op.add_column("job", sa.Column("actor", sa.String(100), nullable=False, server_default="owner"))


def downgrade() -> None:
    with op.batch_alter_table("job") as batch:
        batch.drop_column("actor")
