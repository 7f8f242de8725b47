-- How far the team has read: as far as anybody of it ever did, and the revision at which that rose (0: before this).
ALTER TABLE head ADD COLUMN team_read_up_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN team_read_revision INTEGER NOT NULL DEFAULT 0;

UPDATE head SET team_read_up_to = coalesce(
    (SELECT max(u.read_up_to) FROM cursor u
        JOIN person p ON p.business_no = head.business_no AND p.id = u.person
     WHERE u.conversation_no = head.conversation_no AND p.role IN ('owner', 'manager', 'staff')), 0);
