-- People talk: businesses, people, conversations, messages, receipts.
-- Times are milliseconds since 1970 UTC. A revision is a position in a business's log.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE business (
    no            INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    revision      INTEGER NOT NULL DEFAULT 0, -- of the last change of name and settings
    access_revision INTEGER NOT NULL DEFAULT 0, -- anybody's older cursor gets a reset
    read_receipts INTEGER NOT NULL DEFAULT 1,
    last_seen     INTEGER NOT NULL DEFAULT 1,
    created_at    INTEGER NOT NULL
);

CREATE TABLE api_key (
    hash        BLOB PRIMARY KEY,                        -- SHA-256 of 256 random bits
    business_no INTEGER REFERENCES business (no),        -- NULL: the operator's
    name        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE location (
    business_no INTEGER NOT NULL REFERENCES business (no),
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    time_zone   TEXT NOT NULL,
    PRIMARY KEY (business_no, id)
) WITHOUT ROWID;

CREATE TABLE person (
    business_no     INTEGER NOT NULL REFERENCES business (no),
    id              TEXT NOT NULL,
    name            TEXT NOT NULL,
    folded_name     TEXT NOT NULL,                       -- as it is searched
    role            TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'staff', 'customer')),
    active          INTEGER NOT NULL DEFAULT 1,
    locations       TEXT NOT NULL DEFAULT '[]',          -- JSON array of location ids
    read_receipts   INTEGER NOT NULL DEFAULT 1,
    last_seen       INTEGER NOT NULL DEFAULT 1,
    last_seen_at    INTEGER NOT NULL DEFAULT 0,
    access_revision INTEGER NOT NULL DEFAULT 0,          -- an older cursor of theirs gets a reset
    revision        INTEGER NOT NULL DEFAULT 0,          -- of the last change that others see
    privacy_revision INTEGER NOT NULL DEFAULT 0,
    tokens_from     INTEGER NOT NULL DEFAULT 0,          -- tokens made before this time are void
    PRIMARY KEY (business_no, id)
) WITHOUT ROWID;
CREATE INDEX person_by_role ON person (business_no, role);
CREATE INDEX person_by_revision ON person (business_no, revision);
CREATE INDEX person_by_privacy ON person (business_no, privacy_revision);

CREATE TABLE revoked_token (
    id         TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL                          -- after this the row is of no use
) WITHOUT ROWID;

CREATE TABLE conversation (
    no          INTEGER PRIMARY KEY,
    business_no INTEGER NOT NULL REFERENCES business (no),
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('direct', 'group')),
    title       TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    created_revision INTEGER NOT NULL,
    creation    BLOB NOT NULL,                           -- digest of what was asked for
    UNIQUE (business_no, id)
);

-- Where the log of a business stands: its newest revision.
CREATE TABLE log (
    business_no INTEGER PRIMARY KEY REFERENCES business (no),
    revision    INTEGER NOT NULL
);

-- Where a conversation stands. It is written with every message, so it is narrow, apart, and without
-- an index: two of them cost a third of a commit. An owner's list reads all heads of the business.
CREATE TABLE head (
    business_no     INTEGER NOT NULL,
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    revision        INTEGER NOT NULL,                    -- of its newest event
    activity        INTEGER NOT NULL,                    -- revision of its newest entry
    PRIMARY KEY (business_no, conversation_no)
) WITHOUT ROWID;

-- The owner's membership is not stored: it follows from owning the business (DT-08, I8).
CREATE TABLE member (
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    person          TEXT NOT NULL,
    business_no     INTEGER NOT NULL,
    since_seq       INTEGER NOT NULL,                    -- customers see from here on
    since_revision  INTEGER NOT NULL,
    PRIMARY KEY (conversation_no, person)
) WITHOUT ROWID;
CREATE INDEX member_by_person ON member (business_no, person);

-- Who was taken off, for those who were away when it happened.
CREATE TABLE removal (
    business_no     INTEGER NOT NULL,
    person          TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    seq             INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    author          TEXT NOT NULL,
    PRIMARY KEY (business_no, person, revision)
) WITHOUT ROWID;

-- id = conversation_no << 32 | seq: one b-tree holds every conversation in order, and full-text search
-- finds the integer key that it needs.
CREATE TABLE message (
    id          INTEGER PRIMARY KEY,
    business_no INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    kind        TEXT NOT NULL DEFAULT 'text',            -- or member_added, member_removed, member_left
    at          INTEGER NOT NULL,
    author      TEXT NOT NULL,
    text        TEXT NOT NULL,
    person      TEXT NOT NULL DEFAULT '',
    role        TEXT NOT NULL DEFAULT '',
    reply_to    INTEGER NOT NULL DEFAULT 0,
    device      TEXT,
    client_message_id TEXT,
    digest      BLOB,
    edited_at   INTEGER NOT NULL DEFAULT 0,
    deleted_at  INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX message_by_client_id ON message (client_message_id, device, author, business_no)
    WHERE client_message_id IS NOT NULL;

-- What a message said before it was edited or deleted; for the owner (EX-34).
CREATE TABLE version (
    message_id INTEGER NOT NULL REFERENCES message (id),
    revision   INTEGER NOT NULL,                         -- of the change that replaced it
    at         INTEGER NOT NULL,
    text       TEXT NOT NULL,
    PRIMARY KEY (message_id, revision)
) WITHOUT ROWID;

-- Edits and deletions, for those who were away.
CREATE TABLE change (
    conversation_no INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    author          TEXT NOT NULL,
    deleted         INTEGER NOT NULL,
    PRIMARY KEY (conversation_no, revision)
) WITHOUT ROWID;

CREATE TABLE cursor (
    conversation_no INTEGER NOT NULL,
    person          TEXT NOT NULL,
    delivered_up_to INTEGER NOT NULL,
    delivered_at    INTEGER NOT NULL,
    read_up_to      INTEGER NOT NULL,
    read_at         INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    PRIMARY KEY (conversation_no, person)
) WITHOUT ROWID;

-- Every step of every cursor with its time, many steps in one row: [[person, delivered, read], …].
CREATE TABLE receipt (
    conversation_no INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    steps           BLOB NOT NULL,
    PRIMARY KEY (conversation_no, revision)
) WITHOUT ROWID;

-- What happened to the business itself: settings, people, ownership.
CREATE TABLE audit (
    business_no INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    author      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    detail      TEXT NOT NULL,                           -- JSON, without names or texts
    PRIMARY KEY (business_no, revision)
) WITHOUT ROWID;
