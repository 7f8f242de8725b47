-- The conversations of whom they are assigned to.
CREATE INDEX handling_by_assignee ON handling (assignee, conversation_no) WHERE assignee <> '';
