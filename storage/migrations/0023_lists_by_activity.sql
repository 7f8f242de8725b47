-- The latest conversations of a business in their order: a page of a list is among the first of them.
CREATE INDEX head_by_activity ON head (business_no, activity);
CREATE INDEX head_waiting_by_activity ON head (business_no, activity) WHERE waiting_since > 0;
