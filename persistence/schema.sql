-- Sessions are numbered, and the log is a table in the order of writing: an append touches the last page
-- and one page of an index, whatever the ids look like. Rows of `sessions` change with the status only.

CREATE TABLE owner (
    shard INTEGER PRIMARY KEY,
    token TEXT NOT NULL
);

CREATE TABLE log (
    id      INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    seq     INTEGER NOT NULL,   -- of the segment's last event
    first   INTEGER NOT NULL,   -- seq of its first
    data    BLOB NOT NULL
);
CREATE UNIQUE INDEX log_position ON log (session, seq);

CREATE TABLE sessions (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    tenant      TEXT NOT NULL,
    status      TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    waiting     INTEGER NOT NULL,
    record      BLOB NOT NULL,
    idle        INTEGER NOT NULL DEFAULT 0,
    wakes_at    REAL,           -- epoch seconds
    ended_at    TEXT,
    version     TEXT NOT NULL DEFAULT ''   -- of the workflow
);
CREATE INDEX sessions_working ON sessions (created_at, id) WHERE status = 'running' AND idle = 0;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_due ON sessions (wakes_at) WHERE idle = 1 AND wakes_at IS NOT NULL;
CREATE INDEX sessions_waiting ON sessions (tenant, created_at, id) WHERE waiting = 1;
CREATE INDEX sessions_by_time ON sessions (tenant, created_at, id);
CREATE INDEX sessions_by_status ON sessions (tenant, status, created_at, id);
CREATE INDEX sessions_by_definition ON sessions (tenant, workflow_id, version);
CREATE INDEX sessions_by_workflow ON sessions (tenant, workflow_id, created_at, id);

CREATE TABLE labels (
    tenant     TEXT NOT NULL,
    term       TEXT NOT NULL,   -- `key` or `key:value`
    created_at TEXT NOT NULL,
    id         TEXT NOT NULL,
    session    INTEGER NOT NULL,
    PRIMARY KEY (tenant, term, created_at, id)
) WITHOUT ROWID;
CREATE INDEX labels_of_session ON labels (session);

CREATE TABLE snapshots (
    session INTEGER PRIMARY KEY,
    seq     INTEGER NOT NULL,
    record  BLOB NOT NULL
);

CREATE TABLE definitions (
    workflow_id TEXT NOT NULL,
    version     TEXT NOT NULL,
    listing     INTEGER NOT NULL,   -- 0: not listed; else higher is newer
    record      BLOB NOT NULL,
    PRIMARY KEY (workflow_id, version)
);
CREATE INDEX definitions_listed ON definitions (workflow_id, listing);
