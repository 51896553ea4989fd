"""How alembic runs here: on the connection it is handed, inside the transaction that is under way."""

from alembic import context

from glacierkeep.catalog.schema_work import whole

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=whole,
    render_as_batch=True,
)
context.run_migrations()
