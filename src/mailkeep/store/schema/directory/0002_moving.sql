-- While an account is moved: the shard it goes to.  Otherwise: one where rows of it may lie that nobody needs any more.
ALTER TABLE account ADD COLUMN other_shard INTEGER;
CREATE INDEX account_unsettled ON account (account) WHERE other_shard IS NOT NULL;
