-- On which channel a message was said, and on which a customer wrote last in a conversation; '' is the app, as nearly all are.
ALTER TABLE message ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE head ADD COLUMN channel TEXT NOT NULL DEFAULT '';

-- The lists of the others: none of them costs a message of the app anything.
CREATE INDEX head_by_channel ON head (business_no, channel, activity) WHERE channel <> '';
