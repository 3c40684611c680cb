"""Alembic's entry: runs the migrations on the connection that `control_api.store.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from control_api.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite cannot alter a table in place
    compare_type=True,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
