"""Runs Alembic on a connection that is already in its transaction."""

from __future__ import annotations

from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def scripts() -> ScriptDirectory:
    """The versions in this package."""
    return ScriptDirectory(str(Path(__file__).parent))


def known_versions() -> set[str]:
    """Every version this program can migrate from or to."""
    return {script.revision for script in scripts().walk_revisions()}


def upgrade(connection: Connection, to: str = "head") -> None:
    """Migrate to a version; all of it or, when anything fails, nothing."""
    directory = scripts()

    def steps(revision: str | tuple[str, ...], _context: MigrationContext) -> list[MigrationStep]:
        return list(directory._upgrade_revs(to, revision))  # type: ignore[arg-type]

    context = MigrationContext.configure(connection, opts={"fn": steps, "script": directory})
    with Operations.context(context):
        context.run_migrations()
