-- Notes: what the team says to itself about a conversation. Never in a table that customers' data are read from.

CREATE TABLE note (
    conversation_no  INTEGER NOT NULL REFERENCES conversation (no),
    id               TEXT NOT NULL,
    created_revision INTEGER NOT NULL,
    revision         INTEGER NOT NULL,                   -- of its newest change
    seq              INTEGER NOT NULL,                   -- the newest entry when it was written
    at               INTEGER NOT NULL,
    author           TEXT NOT NULL,
    text             TEXT NOT NULL,                      -- empty once it is deleted
    mentions         TEXT NOT NULL,                      -- JSON array of ids
    edited_at        INTEGER NOT NULL DEFAULT 0,
    deleted_at       INTEGER NOT NULL DEFAULT 0,
    digest           BLOB NOT NULL,                      -- of what was first asked for
    PRIMARY KEY (conversation_no, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX note_by_creation ON note (conversation_no, created_revision);
CREATE UNIQUE INDEX note_by_revision ON note (conversation_no, revision);

-- What happened to them, without their texts: each is a revision of the log.
CREATE TABLE note_change (
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    revision        INTEGER NOT NULL,
    note            TEXT NOT NULL,
    at              INTEGER NOT NULL,
    author          TEXT NOT NULL,
    kind            TEXT NOT NULL,
    PRIMARY KEY (conversation_no, revision)
) WITHOUT ROWID;

-- What people marked as unread, or took the mark off: the newest row of a person counts.
CREATE TABLE mark (
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    person          TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    unread          INTEGER NOT NULL,
    PRIMARY KEY (conversation_no, person, revision)
) WITHOUT ROWID;
