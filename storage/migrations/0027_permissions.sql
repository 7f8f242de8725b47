-- Two permissions held nobody back, and are no more: whoever sees a conversation reads its notes, and owners alone export.
UPDATE person
SET permissions = (SELECT json_group_array(value) FROM json_each(permissions) WHERE value NOT IN ('notes', 'export'))
WHERE permissions IS NOT NULL;
