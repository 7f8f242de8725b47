-- After how many days without a word a conversation at a location closes by itself; 0: never.
ALTER TABLE location ADD COLUMN auto_close_days INTEGER NOT NULL DEFAULT 0;
CREATE INDEX location_with_auto_close ON location (business_no, id) WHERE auto_close_days > 0 AND status = 'open';
