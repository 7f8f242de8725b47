-- API keys have scopes, a JSON array; "*" is all of them. Times of 0: never.
ALTER TABLE api_key ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN scopes TEXT NOT NULL DEFAULT '["*"]';
ALTER TABLE api_key ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0; -- coarse
UPDATE api_key SET id = lower(hex(randomblob(12)));
CREATE UNIQUE INDEX api_key_by_id ON api_key (business_no, id);

-- What was answered to a request with an idempotency key, for the same one again.
CREATE TABLE answered (
    no          INTEGER PRIMARY KEY,
    business_no INTEGER NOT NULL,                        -- 0: the operator's
    request     BLOB NOT NULL,                           -- digest of who asked what under which key
    place       INTEGER NOT NULL,                        -- 1, 2, 3 … in its business: the oldest go
    at          INTEGER NOT NULL,
    asked       BLOB NOT NULL,                           -- digest of parameters and body
    status      INTEGER NOT NULL,
    media_type  TEXT NOT NULL,
    body        BLOB                                     -- NULL: it is shown once, so not kept
);
CREATE UNIQUE INDEX answered_by_request ON answered (business_no, request);
CREATE INDEX answered_by_place ON answered (business_no, place);
CREATE INDEX answered_by_time ON answered (at);

-- Whom an entry is about; '' where it is about nobody.
ALTER TABLE audit ADD COLUMN person TEXT NOT NULL DEFAULT '';
UPDATE audit SET person = CASE
    WHEN kind IN ('person_changed', 'access_revoked') THEN coalesce(json_extract(detail, '$.person'), '')
    WHEN kind = 'ownership_transferred' THEN json_extract(detail, '$.owner')
    WHEN kind = 'privacy_changed' THEN author
    ELSE '' END;

-- The audit also tells of what is deleted in conversations, and of who comes and goes.
INSERT INTO audit (business_no, revision, at, author, kind, detail, person)
    SELECT m.business_no, m.revision, m.at, m.author,
        iif(m.kind = 'member_added', 'member_added', 'member_removed'),
        json_object('conversation', c.id), m.person
    FROM message m JOIN conversation c ON c.no = m.id >> 32 WHERE m.kind <> 'text';
INSERT INTO audit (business_no, revision, at, author, kind, detail)
    SELECT c.business_no, ch.revision, ch.at, ch.author, 'message_deleted',
        json_object('conversation', c.id, 'seq', ch.seq)
    FROM change ch JOIN conversation c ON c.no = ch.conversation_no WHERE ch.deleted;

CREATE INDEX audit_by_kind ON audit (business_no, kind, revision);
CREATE INDEX audit_by_author ON audit (business_no, author, revision);
CREATE INDEX audit_by_person ON audit (business_no, person, revision);

-- It only grows. Nothing in it is anybody's personal text, so nothing has to be erased from it.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
