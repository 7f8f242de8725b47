-- Erasing people, legal hold, and how long what was said at a location is kept (EX-21).

-- Who was erased. What is left of them to remove is removed until finished_at says that it is.
CREATE TABLE erasure (
    business_no INTEGER NOT NULL REFERENCES business (no),
    person      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    finished_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (business_no, person)
) WITHOUT ROWID;
CREATE INDEX erasure_unfinished ON erasure (at) WHERE finished_at = 0;

-- Of whom, and in which conversations, nothing is erased for now.
CREATE TABLE hold (
    business_no INTEGER NOT NULL REFERENCES business (no),
    kind        TEXT NOT NULL CHECK (kind IN ('person', 'conversation')),
    id          TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (business_no, kind, id)
) WITHOUT ROWID;

-- After so many days what was said in conversations placed there is erased; NULL: it is kept.
ALTER TABLE location ADD COLUMN retention_days INTEGER;
CREATE INDEX location_with_retention ON location (business_no, id) WHERE retention_days IS NOT NULL;

-- Up to which seq what was said has been erased because its time was over.
ALTER TABLE conversation ADD COLUMN expired_up_to INTEGER NOT NULL DEFAULT 0;
