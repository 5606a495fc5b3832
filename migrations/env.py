"""Alembic's entry: runs the migrations on the connection that the library hands over, or on the URL."""

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

from faceid_core.library.store import tables  # noqa: F401  (fills the metadata)
from faceid_core.library.store.database import migrating
from faceid_core.settings import Settings


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is not None:
    run(connection)
else:
    with migrating(Settings(database_url=context.config.get_main_option("sqlalchemy.url"))) as fresh:
        run(fresh)
