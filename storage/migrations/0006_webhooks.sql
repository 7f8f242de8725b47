-- Webhooks: who is told of what happens in a business, how far they have been, and what failed.

CREATE TABLE webhook (
    no           INTEGER PRIMARY KEY,
    business_no  INTEGER NOT NULL REFERENCES business (no),
    id           TEXT NOT NULL,
    url          TEXT NOT NULL,
    events       TEXT NOT NULL,                          -- JSON array of event types
    secret       TEXT NOT NULL,
    former_secret TEXT NOT NULL,                         -- signs beside it until former_until
    former_until INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    active       INTEGER NOT NULL,
    reason       TEXT NOT NULL,                          -- why the server disabled it
    position     INTEGER NOT NULL,                       -- delivered up to here, but for lanes
    dead_in_row  INTEGER NOT NULL DEFAULT 0,             -- dead letters since the last success
    UNIQUE (business_no, id)
);

-- A conversation (or person, or location) whose deliveries fail, and that is read by itself.
CREATE TABLE webhook_lane (
    webhook_no INTEGER NOT NULL REFERENCES webhook (no),
    lane       TEXT NOT NULL,
    after      INTEGER NOT NULL,                         -- delivered up to here
    due_at     INTEGER NOT NULL,
    head       INTEGER NOT NULL,                         -- revision of what failed; 0: catching up
    type       TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    PRIMARY KEY (webhook_no, lane)
) WITHOUT ROWID;

CREATE TABLE webhook_dead_letter (
    webhook_no INTEGER NOT NULL REFERENCES webhook (no),
    revision   INTEGER NOT NULL,
    lane       TEXT NOT NULL,
    type       TEXT NOT NULL,
    PRIMARY KEY (webhook_no, revision)
) WITHOUT ROWID;

-- Attempts that failed, of what is still pending and of dead letters.
CREATE TABLE webhook_attempt (
    webhook_no INTEGER NOT NULL REFERENCES webhook (no),
    revision   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    status     INTEGER NOT NULL,                         -- of HTTP; 0: there was no answer
    reason     TEXT NOT NULL,
    PRIMARY KEY (webhook_no, revision, at)
) WITHOUT ROWID;

-- Who is asked before a message is accepted.
CREATE TABLE send_hook (
    business_no  INTEGER PRIMARY KEY REFERENCES business (no),
    url          TEXT NOT NULL,
    secret       TEXT NOT NULL,
    former_secret TEXT NOT NULL,
    former_until INTEGER NOT NULL,
    deadline_ms  INTEGER NOT NULL,
    on_failure   TEXT NOT NULL CHECK (on_failure IN ('allow', 'refuse'))
);
