-- How the team deals with conversations with customers: where they are placed, who answers, what waits.

-- Since when a customer waits for an answer (0: none does), and when one last wrote.
ALTER TABLE head ADD COLUMN waiting_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN heard_at INTEGER NOT NULL DEFAULT 0;

-- In whose name the business said it by itself.
ALTER TABLE message ADD COLUMN location TEXT NOT NULL DEFAULT '';

-- Whether somebody of the team sees what is placed at their locations.
ALTER TABLE person ADD COLUMN inbox INTEGER NOT NULL DEFAULT 1;

CREATE TABLE handling (
    conversation_no INTEGER PRIMARY KEY REFERENCES conversation (no),
    revision        INTEGER NOT NULL DEFAULT 0,          -- of the last change that the team is shown
    status          TEXT NOT NULL CHECK (status IN ('open', 'snoozed', 'closed')),
    snoozed_until   INTEGER NOT NULL,
    assignee        TEXT NOT NULL,
    locations       TEXT NOT NULL,                       -- JSON array of location ids
    hidden          TEXT NOT NULL                        -- JSON: what the next message answers
);

-- What happened to the handling, for the team.
CREATE TABLE handling_change (
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    revision        INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    author          TEXT NOT NULL,
    kind            TEXT NOT NULL,
    detail          TEXT NOT NULL,                       -- JSON: the handling as it was then
    PRIMARY KEY (conversation_no, revision)
) WITHOUT ROWID;

-- Where conversations are shown: who works there sees them (C-27).
CREATE TABLE placement (
    business_no     INTEGER NOT NULL,
    location        TEXT NOT NULL,
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    since_revision  INTEGER NOT NULL,
    PRIMARY KEY (business_no, location, conversation_no)
) WITHOUT ROWID;
CREATE INDEX placement_by_conversation ON placement (conversation_no);

-- Where they are shown no longer, for those who were away when it happened.
CREATE TABLE displacement (
    business_no     INTEGER NOT NULL,
    location        TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    seq             INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    author          TEXT NOT NULL,
    PRIMARY KEY (business_no, location, revision)
) WITHOUT ROWID;

-- Why customers' messages are where they are: of the first one of each run that has the same reasons.
CREATE TABLE routing (
    conversation_no INTEGER NOT NULL REFERENCES conversation (no),
    seq             INTEGER NOT NULL,
    why             TEXT NOT NULL,                       -- JSON
    PRIMARY KEY (conversation_no, seq)
) WITHOUT ROWID;
