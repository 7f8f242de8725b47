-- The conversations of whom they are assigned to.
CREATE INDEX handling_by_assignee ON handling (assignee, conversation_no) WHERE assignee <> '';

-- The owners of a business, who are in every conversation of it: not found by reading everybody.
CREATE INDEX person_owner ON person (business_no, id) WHERE role = 'owner';
