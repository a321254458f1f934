"""Alembic's entry: runs on the connection that ``upgrade`` hands over."""

from alembic import context

from noria.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds all revisions together
)
context.run_migrations()
