-- The scope of a text says on which channel it was said and whether it has attachments, too: all is indexed anew.
INSERT INTO search (search) VALUES ('delete-all');
DELETE FROM search_entry;
DELETE FROM search_text;
DELETE FROM search_span;
DELETE FROM search_position;
