-- What a saved reply shows of its attachments, as JSON; '' where it has none. Their rows in attachment are nobody's: person ''.
ALTER TABLE saved_reply ADD COLUMN attachments TEXT NOT NULL DEFAULT '';
