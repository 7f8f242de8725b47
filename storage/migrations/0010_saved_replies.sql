-- Texts with variables that the team sends again and again (EX-27).
CREATE TABLE saved_reply (
    business_no INTEGER NOT NULL REFERENCES business (no),
    id          TEXT NOT NULL,
    location    TEXT NOT NULL,                           -- '': of the whole business
    title       TEXT NOT NULL,
    text        TEXT NOT NULL,
    PRIMARY KEY (business_no, id)
) WITHOUT ROWID;
