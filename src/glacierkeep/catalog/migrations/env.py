"""How alembic runs here: on the connection it is handed, inside the transaction that is under way."""

from alembic import context

from glacierkeep.catalog import schema_work
from glacierkeep.catalog.schema import metadata

assert schema_work.metadata is metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
