"""What has changed in the tables of the SQLite file since its first version."""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final[dict[int, tuple[str, ...]]] = {
    2: (
        "ALTER TABLE sessions ADD COLUMN idle INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sessions ADD COLUMN wakes_at REAL",
        "DROP INDEX sessions_running",
        "CREATE INDEX sessions_working ON sessions (created_at, id) WHERE status = 'running' AND idle = 0",
        "CREATE INDEX sessions_due ON sessions (wakes_at) WHERE idle = 1 AND wakes_at IS NOT NULL",
    ),
    3: (
        "ALTER TABLE sessions ADD COLUMN ended_at TEXT",
        "UPDATE sessions SET ended_at = json_extract(CAST(substr(record, 2) AS TEXT), '$.ended_at')"
        " WHERE status IN ('completed', 'failed', 'cancelled')",
        "CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL",
    ),
    4: (
        "ALTER TABLE sessions ADD COLUMN version TEXT NOT NULL DEFAULT ''",
        "UPDATE sessions SET version = json_extract(CAST(substr(record, 2) AS TEXT), '$.workflow_version')",
        "CREATE INDEX sessions_by_definition ON sessions (tenant, workflow_id, version)",
    ),
}
"""The statements that lead to each version from the one before."""


def steps(version: int, wanted: int) -> list[str]:
    """Return the statements that lead from one version to another, in order."""
    return [statement for number in range(version + 1, wanted + 1) for statement in MIGRATIONS[number]]
