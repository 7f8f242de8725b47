-- Full-text search. Written by the indexer after the journal, never in its transaction.

-- Where each entry of the index belongs. id = business_no << 40 | revision, so that the newest comes
-- first without sorting. Whoever looks for their own among many reads these rows, so they are narrow.
CREATE TABLE search_entry (
    id         INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL,                         -- seq 0: the conversation's title
    at         INTEGER NOT NULL
);

-- What is indexed, as it was indexed: to take it out again the index must be told the same words.
CREATE TABLE search_text (
    id    INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,                                 -- conversation and author, each as one word
    text  TEXT NOT NULL                                  -- with a mark around what is a word by itself
);

CREATE VIRTUAL TABLE search USING fts5 (
    scope, text, content = 'search_text', content_rowid = 'id', columnsize = 0, prefix = '3',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co So'"
);
INSERT INTO search (search, rank) VALUES ('pgsz', 976);    -- a leaf of it fills a page of the file
INSERT INTO search (search, rank) VALUES ('automerge', 0); -- the indexer merges, a little at a time,
INSERT INTO search (search, rank) VALUES ('crisismerge', 1000); -- and nobody all at once

-- Of 4,096 revisions each the earliest and the latest time: where to look for a span of time.
CREATE TABLE search_span (
    block    INTEGER PRIMARY KEY,                        -- id >> 12
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
);

-- How far a business's log is indexed. Where a round is under way, up to revision target, it has
-- done what has a key up to walked.
CREATE TABLE search_position (
    business_no INTEGER PRIMARY KEY REFERENCES business (no),
    revision    INTEGER NOT NULL,
    target      INTEGER NOT NULL,
    walked      INTEGER NOT NULL
);

-- Since when the index holds words of texts that were taken out; merging all of it removes them.
CREATE TABLE search_residue (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    since INTEGER NOT NULL
);
