-- What a business knows of people beside name, role and locations.
ALTER TABLE person ADD COLUMN permissions TEXT;                      -- JSON array; NULL: the usual
ALTER TABLE person ADD COLUMN contact TEXT NOT NULL DEFAULT '{}';    -- JSON, see domain.contact
ALTER TABLE person ADD COLUMN enrolled INTEGER NOT NULL DEFAULT 1;
ALTER TABLE person ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN household TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN reference TEXT NOT NULL DEFAULT '';
CREATE INDEX person_by_reference ON person (business_no, reference) WHERE reference <> '';

-- Who is found by a phone number (E.164) or an e-mail address (folded); several may share one.
CREATE TABLE person_address (
    business_no INTEGER NOT NULL,
    address     TEXT NOT NULL,
    person      TEXT NOT NULL,
    PRIMARY KEY (business_no, address, person)
) WITHOUT ROWID;
CREATE INDEX person_address_by_person ON person_address (business_no, person);

-- Locations open and close, and merge; they have hours, and answer for themselves while closed.
ALTER TABLE location ADD COLUMN status TEXT NOT NULL DEFAULT 'open'
    CHECK (status IN ('open', 'closed', 'merged'));
ALTER TABLE location ADD COLUMN merged_into TEXT NOT NULL DEFAULT '';
ALTER TABLE location ADD COLUMN hours TEXT;                          -- JSON; NULL: always open
ALTER TABLE location ADD COLUMN away_text TEXT NOT NULL DEFAULT '';
ALTER TABLE location ADD COLUMN alert_minutes INTEGER NOT NULL DEFAULT 0;

ALTER TABLE business ADD COLUMN policies TEXT NOT NULL DEFAULT '{}'; -- JSON, see domain.policies
ALTER TABLE business ADD COLUMN parent_no INTEGER REFERENCES business (no);
CREATE INDEX business_by_parent ON business (parent_no) WHERE parent_no IS NOT NULL;

-- Appointments, as the scheduling product tells them.
CREATE TABLE appointment (
    business_no INTEGER NOT NULL REFERENCES business (no),
    id          TEXT NOT NULL,
    customer    TEXT NOT NULL,
    staff       TEXT NOT NULL,                                       -- or ''
    location    TEXT NOT NULL,
    starts_at   INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL,
    status      TEXT NOT NULL
        CHECK (status IN ('booked', 'confirmed', 'cancelled', 'completed', 'no_show')),
    title       TEXT NOT NULL,
    PRIMARY KEY (business_no, id)
) WITHOUT ROWID;
CREATE INDEX appointment_by_start ON appointment (business_no, starts_at);
CREATE INDEX appointment_by_customer ON appointment (business_no, customer, starts_at);
CREATE INDEX appointment_by_staff ON appointment (business_no, staff, starts_at) WHERE staff <> '';
CREATE INDEX appointment_by_location ON appointment (business_no, location, starts_at);

-- Imports: how far each is, and what was refused of it. What it brought is where it belongs.
CREATE TABLE import (
    business_no INTEGER NOT NULL REFERENCES business (no),
    id          TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL DEFAULT 0,
    records     INTEGER NOT NULL DEFAULT 0,                          -- taken so far
    stored      INTEGER NOT NULL DEFAULT 0,
    known       INTEGER NOT NULL DEFAULT 0,
    refused     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (business_no, id)
) WITHOUT ROWID;
CREATE TABLE import_refusal (
    business_no INTEGER NOT NULL,
    import      TEXT NOT NULL,
    number      INTEGER NOT NULL,                                    -- of the record, from 1
    kind        TEXT NOT NULL,
    record      TEXT NOT NULL,                                       -- its id, or ''
    code        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (business_no, import, number)
) WITHOUT ROWID;
