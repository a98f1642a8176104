-- acl.who: "anyone", or the number of an account; with "-" before it, what is taken away.
-- Who has shared something with somebody: asked of every shard.
CREATE INDEX acl_who ON acl (who, account);
