-- A cursor of somebody who hides what they read has moved, for others, only when it was delivered.
ALTER TABLE cursor ADD COLUMN delivered_revision INTEGER NOT NULL DEFAULT 0;
UPDATE cursor SET delivered_revision = revision;
