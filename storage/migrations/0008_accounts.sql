-- How the team signs in: an address, a password if there is one, the devices signed in, one-time links.

CREATE TABLE account (
    business_no   INTEGER NOT NULL REFERENCES business (no),
    person        TEXT NOT NULL,
    email         TEXT NOT NULL,                         -- as it was given, and is written to
    email_key     TEXT NOT NULL,                         -- as it is compared
    password_hash TEXT NOT NULL DEFAULT '',              -- argon2id; '': there is none yet
    revision      INTEGER NOT NULL,                      -- of the last change of address or password
    PRIMARY KEY (business_no, person)
) WITHOUT ROWID;
CREATE UNIQUE INDEX account_by_email ON account (email_key, business_no);

-- A device that is signed in. Its tokens have the id `<business>/<id>`: revoking that ends it.
CREATE TABLE sign_in (
    id            TEXT PRIMARY KEY,
    business_no   INTEGER NOT NULL REFERENCES business (no),
    person        TEXT NOT NULL,
    device        TEXT NOT NULL,
    renewals      INTEGER NOT NULL DEFAULT 0,            -- its secret is signed with this number
    revoked_revision INTEGER NOT NULL,                   -- the person's, when it was made
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_in_by_person ON sign_in (business_no, person);

CREATE TABLE sign_in_link (
    hash          BLOB PRIMARY KEY,                      -- SHA-256 of 256 random bits
    business_no   INTEGER NOT NULL REFERENCES business (no),
    person        TEXT NOT NULL,
    revision      INTEGER NOT NULL,                      -- of the account it was made for
    expires_at    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_in_link_by_person ON sign_in_link (business_no, person);
