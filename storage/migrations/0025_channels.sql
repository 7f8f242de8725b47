-- On which channel a message was said, and on which a customer wrote last in a conversation; '' is the app, as nearly all are.
ALTER TABLE message ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE head ADD COLUMN channel TEXT NOT NULL DEFAULT '';

-- The lists of the others: none of them costs a message of the app anything.
CREATE INDEX head_by_channel ON head (business_no, channel, activity) WHERE channel <> '';

-- For how long a location keeps what was said on a channel, where that is not as for all: JSON, see domain.retention.
ALTER TABLE location ADD COLUMN retention_by_channel TEXT NOT NULL DEFAULT '{}';
DROP INDEX location_with_retention;
CREATE INDEX location_with_retention ON location (business_no, id)
    WHERE retention_days IS NOT NULL OR retention_by_channel <> '{}';

-- What was not said in the app and is not erased: how far its expiry got needs no cursor beside that of the app.
CREATE INDEX message_by_channel ON message (id) WHERE channel <> '' AND digest IS NOT NULL;
