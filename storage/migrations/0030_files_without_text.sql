-- The index holds what has files and no text, too, for timelines: all is indexed anew.
INSERT INTO search (search) VALUES ('delete-all');
DELETE FROM search_entry;
DELETE FROM search_text;
DELETE FROM search_span;
DELETE FROM search_position;
