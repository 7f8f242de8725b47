-- What falls due by itself: conversations to wake, customers who have waited too long.

-- The waiting (when it began) that an alert has been given for.
ALTER TABLE handling ADD COLUMN alerted INTEGER NOT NULL DEFAULT 0;

CREATE INDEX handling_by_snooze ON handling (snoozed_until, conversation_no) WHERE status = 'snoozed';
CREATE INDEX head_by_waiting ON head (business_no, waiting_since, conversation_no) WHERE waiting_since > 0;
CREATE INDEX location_with_alert ON location (business_no) WHERE alert_minutes > 0 AND status = 'open';
CREATE INDEX location_gone ON location (business_no, id) WHERE status <> 'open';
