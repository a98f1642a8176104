-- Accounts to which nobody may write: they are being moved to another shard.
CREATE TABLE held (
    account INTEGER NOT NULL PRIMARY KEY
);
