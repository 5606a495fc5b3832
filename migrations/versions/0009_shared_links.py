"""Links that show one person or one search to whoever has them"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sharelink",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id", ondelete="CASCADE"), nullable=True),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("show_name", sa.Boolean(), nullable=False),
        sa.Column("blur_others", sa.Boolean(), nullable=False),
        sa.Column("downloads", sa.Boolean(), nullable=False),
        sa.Column("password", sa.String(200), nullable=True),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.Column("viewed_at", sa.DateTime(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sharelink_person_id", "sharelink", ["person_id"])


def downgrade() -> None:
    # The older version would offer to undo what it does not know.
    op.drop_table("sharelink")
    op.execute(sa.text("DELETE FROM event WHERE kind = 'share'"))
