-- A cursor of somebody who hides what they read has moved, for others, only when it was delivered.
ALTER TABLE cursor ADD COLUMN delivered_revision INTEGER NOT NULL DEFAULT 0;
UPDATE cursor SET delivered_revision = revision;

-- Who is deactivated has void tokens, also when they are let in again.
UPDATE person SET revoked_revision = access_revision WHERE active = 0;

-- Devices may hold events that would not be shown to them now, newer than any picture: all load anew.
UPDATE setting SET value = lower(hex(randomblob(8))) WHERE name = 'epoch';
