-- A token carries the revocation that it was made under, not a time: the clock may be set back. What
-- stands here of earlier revocations is only compared; tokens made before this migration are void.
ALTER TABLE person RENAME COLUMN tokens_from TO revoked_revision;
