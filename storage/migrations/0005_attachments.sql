-- Attachments: files beside the database, named by the SHA-256 of what is in them.

-- A file that somebody uploads: on its way, waiting to be sent, or part of a message.
CREATE TABLE attachment (
    no          INTEGER PRIMARY KEY,
    business_no INTEGER NOT NULL REFERENCES business (no),
    id          TEXT NOT NULL,
    person      TEXT NOT NULL,                           -- who uploaded it, and may send it
    name        TEXT NOT NULL,
    bytes       INTEGER NOT NULL,                        -- as announced; then as it is served
    state       TEXT NOT NULL CHECK (state IN
        ('uploading', 'examining', 'pending-scan', 'ready', 'refused', 'gone')),
    reason      TEXT NOT NULL DEFAULT '',                -- why it was refused: a code, a sentence
    said        TEXT NOT NULL DEFAULT '',
    kind        TEXT NOT NULL DEFAULT '',
    media_type  TEXT NOT NULL DEFAULT '',
    width       INTEGER NOT NULL DEFAULT 0,
    height      INTEGER NOT NULL DEFAULT 0,
    file        TEXT NOT NULL DEFAULT '',                -- SHA-256 in hex; '' where there is none
    thumbnail   TEXT NOT NULL DEFAULT '',
    message_id  INTEGER REFERENCES message (id),         -- NULL until it is sent
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,                        -- unless it is sent by then
    due_at      INTEGER NOT NULL DEFAULT 0,              -- examined or scanned not before
    UNIQUE (business_no, id)
);
CREATE INDEX attachment_by_person ON attachment (business_no, person);
CREATE INDEX attachment_by_message ON attachment (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX attachment_by_expiry ON attachment (expires_at) WHERE message_id IS NULL;
CREATE INDEX attachment_at_work ON attachment (due_at) WHERE state IN ('examining', 'pending-scan');
CREATE INDEX attachment_by_file ON attachment (file) WHERE file <> '';
CREATE INDEX attachment_by_thumbnail ON attachment (thumbnail) WHERE thumbnail <> '';

-- What a message shows of its attachments, as JSON; '' where it has none, as most have.
ALTER TABLE message ADD COLUMN attachments TEXT NOT NULL DEFAULT '';

-- A change may be of an attachment: what was sent before it had been scanned is settled.
ALTER TABLE change ADD COLUMN attachment TEXT NOT NULL DEFAULT '';
